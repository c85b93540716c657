import { z } from 'zod'
import { Address } from '../hex.ts'
import { amountsOf, WHOLE } from './best_split.ts'
import { type Leg, legsOf, refusalOf } from './legs.ts'
import type { Trade } from './venue.ts'

/** What the contracts read as the chain's own coin, and as a pool without hooks. */
export const zero = Address.parse(`0x${'0'.repeat(40)}`)

const Hop = z.strictObject({
  protocol: z.enum(['uniswap_v2', 'uniswap_v3', 'uniswap_v4']),
  fee: z.int().min(0).max(0xffffff).default(3000).describe('Pips; it names the pool on V3 and V4.'),
  tick_spacing: z.int().min(1).max(32_767).default(60).describe('Of a pool of V4.'),
  hooks: Address.default(zero).describe('Of a pool of V4; zero where it has none.'),
  coin: z.enum(['native', 'wrapped']).default('native').describe('The form in which a pool of V4 holds the coin.'),
  out: Address.describe('The token it gives; the wrapped coin where it gives the coin.'),
})
export type Hop = z.output<typeof Hop>
const Route = z.strictObject({
  share: z.int().min(0).max(WHOLE).default(WHOLE).describe('Parts of 10,000 of the amount.'),
  hops: z
    .array(Hop)
    .min(1)
    .max(6)
    .describe('From the first token of the market to the second; backwards to trade back.'),
})
const needs = { uniswap_v2: 'v2_factory', uniswap_v3: 'v3_quoter', uniswap_v4: 'v4_quoter' } as const
export const Params = z
  .strictObject({
    router: Address.describe('Universal Router of Uniswap, or of a fork with its commands.'),
    version: z
      .enum(['2.0', '2.1.0', '2.1.1'])
      .default('2.1.0')
      .describe('Of the router: later ones take bounds for each pool too, and refuse what was encoded for others.'),
    permit2: Address.default(Address.parse('0x000000000022d473030f116ddee9f6b43ac78ba3')),
    wrapped: Address.describe("The contract that wraps the chain's coin, as the router knows it."),
    v2_factory: Address.optional().describe('Needed to quote pairs.'),
    v3_quoter: Address.optional().describe('QuoterV2: needed to quote pools of V3.'),
    v3_factory: Address.optional().describe('With it amounts are tried on pools of V3 without asking.'),
    v4_quoter: Address.optional().describe('V4Quoter: needed to quote pools of V4.'),
    v4_manager: Address.optional().describe('PoolManager: needed with V4, whose logs tell what moved of the coin.'),
    v4_state_view: Address.optional().describe('With it amounts are tried on pools of V4 without asking.'),
    routes: z.array(Route).min(1).max(8),
    split: z
      .enum(['as_written', 'best'])
      .default('as_written')
      .describe('`best`: each trade is divided anew, by the curves of the pools when it is planned.'),
  })
  .check(({ value, issues }) => {
    const refuse = (message: string) => issues.push({ code: 'custom', message, input: value })
    const total = value.routes.reduce((sum, { share }) => sum + share, 0)
    if (total !== WHOLE) refuse(`shares of the routes: expected ${WHOLE} together, found ${total}`)
    for (const protocol of new Set(value.routes.flatMap(({ hops }) => hops.map((hop) => hop.protocol)))) {
      if (value[needs[protocol]] === undefined) refuse(`a route over ${protocol} needs ${needs[protocol]}`)
      if (protocol === 'uniswap_v4' && value.v4_manager === undefined)
        refuse(`a route over ${protocol} needs v4_manager`)
    }
  })
export type Params = z.output<typeof Params>
export type RouteLeg = Leg<Hop>

/** Pools in a row that one command of the router goes through. */
export interface Segment {
  readonly protocol: Hop['protocol']
  readonly legs: readonly RouteLeg[]
  /** What it takes and gives: `zero` is the coin. */
  readonly takes: Address
  readonly gives: Address
}
export interface Part {
  readonly segments: readonly Segment[]
  /** Of what is exact; never zero, which the contracts read as something else. */
  readonly amount: bigint
}

/** A token as the pool of a leg holds it. */
export const heldAs = (leg: RouteLeg, token: Address, wrapped: Address): Address =>
  leg.protocol === 'uniswap_v4' && leg.coin === 'native' && token === wrapped ? zero : token

function segmentsOf(legs: readonly RouteLeg[], wrapped: Address): readonly Segment[] {
  const segments: Segment[] = []
  for (const leg of legs) {
    const [takes, gives] = [heldAs(leg, leg.from, wrapped), heldAs(leg, leg.to, wrapped)]
    const before = segments.at(-1)
    if (before?.protocol === leg.protocol && before.gives === takes)
      segments[segments.length - 1] = { ...before, legs: [...before.legs, leg], gives }
    else segments.push({ protocol: leg.protocol, legs: [leg], takes, gives })
  }
  return segments
}
const poolOf = ({ protocol, fee, tick_spacing, hooks, coin, from, to }: RouteLeg): string => {
  const tokens = [from, to].sort().join()
  if (protocol === 'uniswap_v2') return `${protocol} ${tokens}`
  return protocol === 'uniswap_v3'
    ? `${protocol} ${tokens} ${fee}`
    : [protocol, tokens, fee, tick_spacing, hooks, coin].join()
}

const holdsCoin = (leg: RouteLeg, wrapped: Address) =>
  [leg.from, leg.to].some((token) => heldAs(leg, token, wrapped) === zero)
/** The last bits of their address say what hooks may do: two of them, that they change what is paid or got. Hooks.sol, v4-core. */
const takesShare = ({ hooks }: RouteLeg) => (BigInt(hooks) & 0b1100n) !== 0n

/** Why such a trade can never go by these routes; undefined where it can. */
export function refusal({ routes, wrapped }: Params, trade: Trade): string | undefined {
  const ways = routes.map(({ hops }) => legsOf(hops, trade))
  for (const legs of ways) {
    const found = refusalOf(trade, legs)
    if (found !== undefined) return found
  }
  const all = ways.map((legs) => legs ?? [])
  const pools = all.flat().map(poolOf)
  if (new Set(pools).size !== pools.length)
    return 'two routes go through one pool: each would be quoted without the other'
  // no protocol can be asked for what another one is going to take
  if (trade.exact === 'out' && all.some((legs) => segmentsOf(legs, wrapped).length > 1))
    return 'an exact output cannot go through several protocols'
  if ((trade.pay.native || trade.get.native) && all.flat().some((leg) => holdsCoin(leg, wrapped) && takesShare(leg)))
    return 'hooks of a pool may take a part of the coin, of which no log tells'
  if ([trade.pay, trade.get].some(({ native, address }) => native && address !== wrapped))
    return 'the coin is wrapped by another contract than that of the router'
  return undefined
}

/** The routes that get a part of the amount. @throws RangeError where the trade is refused */
export function partsOf(params: Params, trade: Trade): readonly Part[] {
  const found = refusal(params, trade)
  if (found !== undefined) throw new RangeError(found)
  const shares = params.routes.map(({ share }) => share)
  return amountsOf(trade.amount, shares).flatMap((amount, n) => {
    const legs = legsOf(params.routes[n]?.hops ?? [], trade)
    return amount === 0n || legs === undefined ? [] : [{ amount, segments: segmentsOf(legs, params.wrapped) }]
  })
}
