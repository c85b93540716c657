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

/** What a transaction may use: the state may move between simulation and block, and what is not used is not paid. */
const limitOf = (gas: bigint): bigint => (gas * 3n) / 2n + 21_000n
/** A payment of nothing to oneself. */
export const GAS_OF_NOTHING = 21_000n

/** What a transaction that takes so much gas offers, or why it is not sent; `later` for a reason that may pass. */
export function offerOf(
  used: bigint,
  fees: Fees | 'dear',
  { max_gas_cost }: { readonly max_gas_cost: bigint },
):
  | { readonly is: 'offer'; readonly gas: bigint; readonly cost: bigint; readonly fees: Fees }
  | { readonly is: 'later'; readonly why: string }
  | { readonly is: 'refused'; readonly code: string; readonly reason: string } {
  const gas = limitOf(used)
  if (fees === 'dear') return { is: 'later', why: 'gas costs more than may be offered' }
  const cost = gas * fees.max_fee
  if (max_gas_cost > 0n && cost > max_gas_cost)
    return {
      is: 'refused',
      code: 'GAS_EXCEEDS_MAX',
      reason: `gas may cost ${cost} wei, allowed are ${max_gas_cost}`,
    }
  return { is: 'offer', gas, cost, fees }
}

export async function askFees(chain: Chain, rules: GasRules): Promise<Fees | 'dear'> {
  const { base_fee, tips } = await chain.feeHistory(HISTORY, rules.tip_percentile)
  return feesOf(base_fee, tips, rules)
}
