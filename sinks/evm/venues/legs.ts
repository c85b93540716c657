import type { Address } from '../hex.ts'
import type { Trade } from './venue.ts'

/** One pool on the way, between two tokens. */
export type Leg<H> = Omit<H, 'out'> & { readonly from: Address; readonly to: Address }

/**
 * The pools in the order of the trade: `hops` lead from one token of a market to the other, and are gone through
 * backwards when it is the last one's that is paid. Undefined where they lead to neither.
 */
export function legsOf<H extends { readonly out: Address }>(
  hops: readonly H[],
  { pay, get }: Trade,
): readonly Leg<H>[] | undefined {
  const forward = hops.at(-1)?.out === get.address
  if (!forward && hops.at(-1)?.out !== pay.address) return undefined
  const start = forward ? pay.address : get.address
  const legs = hops.map(({ out, ...hop }, n) => {
    const before = hops[n - 1]?.out ?? start
    return forward ? { ...hop, from: before, to: out } : { ...hop, from: out, to: before }
  })
  return forward ? legs : legs.reverse()
}

/** Why no venue does such a trade by such a route; undefined where one may. */
export function refusalOf(trade: Trade, legs: readonly Leg<unknown>[] | undefined): string | undefined {
  const { pay, get, amount, bound } = trade
  if (amount <= 0n || bound < 0n) return 'the amount must be above zero and the bound not below'
  if (pay.address === get.address) return 'one token is paid and got: wrapping is no trade'
  if (legs === undefined) return `the route leads neither to ${get.address} nor to ${pay.address}`
  const tokens = [pay.address, ...legs.map(({ to }) => to)]
  if (new Set(tokens).size !== tokens.length) return 'the route goes through a token twice'
  return undefined
}

/** The most that may leave the account. */
export const mostPaid = ({ exact, amount, bound }: Trade): bigint => (exact === 'in' ? amount : bound)
