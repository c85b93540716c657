import type { Chain } from './chain.ts'

export interface GasRules {
  /** The most that is offered for a unit of gas, wei. */
  readonly max_fee: bigint
  /** The least and most that is offered to the block's producer for a unit of gas, wei. */
  readonly min_tip: bigint
  readonly max_tip: bigint
  /** Which of the tips of the last blocks is offered, in percent. */
  readonly tip_percentile: number
}
export interface Fees {
  readonly max_fee: bigint
  readonly tip: bigint
}
/** Blocks whose tips are looked at. */
export const HISTORY = 10

/**
 * What a transaction offers: twice the base fee, so that it stays valid for six full blocks, and the middle of what
 * others gave lately (EIP-1559). `dear` where even the base fee is more than may be offered.
 */
export function feesOf(base_fee: bigint, tips: readonly bigint[], rules: GasRules): Fees | 'dear' {
  const sorted = tips.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const middle = sorted[sorted.length >> 1] ?? 0n
  const tip = middle < rules.min_tip ? rules.min_tip : middle > rules.max_tip ? rules.max_tip : middle
  if (base_fee + tip > rules.max_fee) return 'dear'
  const wanted = 2n * base_fee + tip
  return { max_fee: wanted < rules.max_fee ? wanted : rules.max_fee, tip }
}

export async function askFees(chain: Chain, rules: GasRules): Promise<Fees | 'dear'> {
  const { base_fee, tips } = await chain.feeHistory(HISTORY, rules.tip_percentile)
  return feesOf(base_fee, tips, rules)
}
