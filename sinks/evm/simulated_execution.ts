import { GAS_OF_NOTHING } from './fees.ts'
import { isWithin, tradeOf } from './market.ts'
import type { SimulatedPair, World } from './simulated_chain.ts'
import { type FailureCode, failureOf, intentIn, type Slot } from './simulated_orders.ts'
import { type Swap, swapIn } from './simulated_pool.ts'
import type { Trade } from './venues/venue.ts'

export const swapOf = (
  { exact, amount }: Pick<Trade, 'exact' | 'amount'>,
  side: 'buy' | 'sell',
  { zero_is_base }: SimulatedPair,
): Swap => ({ zero_in: (side === 'sell') === zero_is_base, exact, amount })

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** What becomes of a transaction in the newest block: the receipt of the order's newest attempt. */
export function execute(of: Slot, world: World): void {
  const { chain, rules } = world
  const outcome = of.cancels ? ({ paid: 0n, got: 0n } as const) : swapped(of, world)
  const failed = typeof outcome === 'string'
  const { receipt } = of
  receipt.held = true
  receipt.block = chain.head
  receipt.fork = chain.fork
  receipt.ok = !failed
  receipt.failure = failed ? failureOf(outcome) : 0
  receipt.gas = of.cancels ? GAS_OF_NOTHING : rules.gas_used
  receipt.gas_price = smaller(of.max_fee, chain.base_fee + of.tip)
  receipt.paid = failed ? 0n : outcome.paid
  receipt.got = failed ? 0n : outcome.got
}

/** The trade at the pool as it is now, which it moves; or why the contract refuses it. */
function swapped(of: Slot, { chain, key, pair, rules }: World): { paid: bigint; got: bigint } | FailureCode {
  if (chanceOf(key, of.at, of.ordinal) < rules.revert_probability) return 'REVERTED'
  const intent = intentIn(key, { ...of, side: of.buys ? 'buy' : 'sell' }, pair, rules.time_to_live)
  const trade = tradeOf(intent, pair, '' as never, of.deadline)
  if (Math.floor(chain.head_at / 1e6) > trade.deadline) return 'DEADLINE'
  const found = swapIn(chain.pool, swapOf(trade, intent.side, pair))
  if (found === undefined) return 'RANGE_UNKNOWN'
  if (!isWithin(trade, trade.exact === 'in' ? found.got : found.paid)) return 'PRICE_MOVED'
  found.apply()
  return found
}

/** 0 <= x < 1, the same for the same order: FNV-1a over its name, mixed. */
function chanceOf(key: string, at: number, ordinal: number): number {
  let hash = 0x811c9dc5
  const name = `${key}/${at}/${ordinal}`
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000
}
