import { TidegateError } from '../../schemas/errors.ts'
import { type Fixed, fixed, toNumber, toText } from '../../schemas/fixed.ts'
import type { ApprovedOrder } from '../../schemas/orders.ts'
import type { Address } from './hex.ts'
import type { Market } from './market.ts'
import type { Reader, Token, Trade } from './venues/venue.ts'

/** A buy of as little as possible, as an order says it, and what its venue quotes for it. */
export interface TestSize {
  readonly order: ApprovedOrder
  /** Whole units: what is paid, what comes, and what would come back for that. */
  readonly pay: bigint
  readonly get: bigint
  readonly back: bigint
}
/** Parts a test amount has at least, so that cutting it costs no more than a thousandth. */
const PARTS = 1000n
/** Orders count in 1e-8: 1e-8 of a token in its units, or one unit of coarser tokens. */
const grain = ({ decimals }: Token): bigint => (decimals > 8 ? 10n ** BigInt(decimals - 8) : 1n)
/** Units of a token as 1e-8, cut: never more than there is. */
export const cutFixed = (units: bigint, token: Token): Fixed =>
  fixed(`${(units / grain(token)) * grain(token)}e-${token.decimals}`)

interface Asking {
  readonly chain: Reader
  readonly account: Address
  /** Unix seconds. */
  readonly deadline: number
}
/** What a venue gives for an exact amount, now. @throws Reverted where it cannot be traded */
export const quoteIn = (
  { venue }: Market,
  [pay, get]: readonly [Token, Token],
  amount: bigint,
  { chain, account, deadline }: Asking,
): Promise<bigint> => {
  const trade: Trade = { pay, get, account, exact: 'in', amount, bound: 0n, deadline }
  return venue.quote(trade, chain)
}

/**
 * The smallest buy with at least 1000 parts on both sides: units of the token, or 1e-8 where it has more decimals. With
 * `amount`, in units of the quote token, a buy for that.
 * @throws USAGE for an amount that buys nothing that can be counted; Reverted, RpcFailure
 */
export async function testSize(market: Market, asking: Asking, amount?: bigint): Promise<TestSize> {
  const { base, quote } = market
  const buys = (units: bigint) => quoteIn(market, [quote, base], units, asking)
  const pay = amount ?? (await leastOf(buys, PARTS * grain(quote), PARTS * grain(base)))
  const got = await buys(pay)
  const quantity = cutFixed(got, base)
  if (quantity === 0n)
    throw new TidegateError(
      'USAGE',
      `${market.key}: ${pay} units of the quote token buy ${got} of the base, too little for an order`,
      { pay: pay.toString() },
    )
  const get = (got / grain(base)) * grain(base)
  const price = Number(toText(fixed(`${pay}e-${quote.decimals}`))) / toNumber(quantity)
  const back = await quoteIn(market, [base, quote], get, asking)
  return { order: { side: 'buy', quantity: toNumber(quantity), limit: 0, price }, pay, get, back }
}

/** The least amount from `from` on that gives `wanted`, but for a little. */
async function leastOf(gives: (units: bigint) => Promise<bigint>, from: bigint, wanted: bigint): Promise<bigint> {
  for (let units = from, doubled = 0; doubled < 160; units *= 2n, doubled++) {
    const got = await gives(units)
    if (got < wanted) continue
    const less = (units * wanted) / got + 1n
    return less > from && less < units && (await gives(less)) >= wanted ? less : units
  }
  throw new TidegateError('USAGE', 'no amount buys anything there: name one with --amount')
}
