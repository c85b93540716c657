import { doubleOf, type Fixed, notionalOf, share, ZERO } from '../../schemas/fixed.ts'

/** Whole numbers of 1e-8: state holds them as plain bigints. */
export const money = (value: bigint): Fixed => value as Fixed
/**
 * What is held of one instrument: base units, the same as `doubleOf` gives it, what they cost, profit taken, fees, and the
 * newest price.
 */
export const holding = () => ({
  quantity: ZERO as bigint,
  whole: 0,
  cost: ZERO as bigint,
  realised: ZERO as bigint,
  fees: ZERO as bigint,
  mark: 0,
})
export type Holding = ReturnType<typeof holding>

/** At the newest price. */
export const profit = (h: Holding): bigint => (h.quantity === 0n ? 0n : notionalOf(h.mark, money(h.quantity)) - h.cost)

/**
 * Books a fill, buys positive, and what it cost: what closes takes its share of the cost with it, what opens adds its
 * own. Gives the profit taken.
 */
export function book(h: Holding, signed: bigint, cash: bigint): bigint {
  const before = h.quantity
  const opposite = before !== 0n && before > 0n !== signed > 0n
  const size = (n: bigint) => (n < 0n ? -n : n)
  const closing = opposite ? (size(signed) < size(before) ? signed : -before) : 0n
  const closingCash = closing === 0n ? 0n : share(money(cash), money(closing), money(signed))
  const closingCost = closing === 0n ? 0n : share(money(h.cost), money(-closing), money(before))
  const taken = -closingCash - closingCost
  h.realised += taken
  h.cost += cash - closingCash - closingCost
  h.quantity = before + signed
  h.whole = doubleOf(h.quantity)
  return taken
}
