import type { EventOf, OrderEvent } from './entry.ts'
import { hasEnded } from './life.ts'
import { attemptOf, newestOf, nonceOf, type Order } from './order.ts'

/** What one node says of one order, all of one moment. */
export interface Sight {
  /** The newest block it has. */
  readonly head: number
  /** Time of that block, µs. */
  readonly head_at: number
  /** What a transaction must offer at least to get into the next block. */
  readonly base_fee: bigint
  /** How many transactions of the signer its chain holds: at the newest block, and so deep that they stay. */
  readonly taken: number
  readonly taken_for_good: number
  readonly attempts: readonly Found[]
}
export type Found =
  | { readonly is: 'absent' }
  | { readonly is: 'pending' }
  | { readonly is: 'included'; readonly event: EventOf<'included'> }
  /** In a block, and what it moved only another definition can tell. */
  | { readonly is: 'elsewhere'; readonly block: number }

export interface Rules {
  /** Blocks that must stand on a block before what it holds is settled. */
  readonly confirmations: number
  /** Blocks an order may wait before it is made dearer. */
  readonly stuck_after: number
  /** µs after its deadline, by the time of the chain, before its place is taken back. */
  readonly cancel_after: number
  /** The most a transaction may offer for a unit of gas. */
  readonly max_fee: bigint
  /** The most that the gas of a transaction may cost; no limit where it is 0. */
  readonly max_gas_cost: bigint
}

/** What is to be done about an order next. */
export type Action =
  | { readonly do: 'wait' }
  /** Quote, simulate, reserve a nonce and sign. */
  | { readonly do: 'prepare' }
  | { readonly do: 'send'; readonly attempt: number }
  /** Sign one more attempt for the same nonce. */
  | { readonly do: 'bump'; readonly purpose: 'act' | 'cancel' }
  | { readonly do: 'record'; readonly event: OrderEvent }
  /** Something else took the nonce, as it seems: look for what. */
  | { readonly do: 'investigate' }

const wait: Action = { do: 'wait' }
const record = (event: OrderEvent): Action => ({ do: 'record', event })

/** What an order needs, from what it is, what a node says of it, and the time: nothing else decides. */
export function decide(order: Order, sight: Sight | undefined, rules: Rules, now: number): Action {
  const { phase } = order.life
  if (hasEnded(phase)) return wait
  if (phase === 'received' || phase === 'planned' || phase === 'simulated')
    return now >= order.intent.expires ? record({ type: 'expired' }) : { do: 'prepare' }
  if (phase === 'final') return record(end(order))
  const newest = newestOf(order)
  // whose nonce is taken may be in a block though it was not noted that it was sent
  const taken = sight !== undefined && sight.taken > (nonceOf(order) as number)
  if (newest?.sends === 0 && phase !== 'included' && !isStale(order, now) && !taken)
    return { do: 'send', attempt: newest.attempt }
  if (sight === undefined) return wait
  const found = sight.attempts.find((a) => a.is === 'included')
  if (found !== undefined) return included(order, found.event, sight, rules)
  if (sight.attempts.some((a) => a.is === 'elsewhere')) return wait
  if (phase === 'included') return missed(order, sight)
  return underway(order, sight, rules, now)
}

/**
 * Whether the newest attempt was signed to act and its time was over before anybody was given it, as when the process
 * stood still meanwhile: not every contract knows a deadline, so its place is taken back instead.
 */
function isStale(order: Order, now: number): boolean {
  const newest = newestOf(order)
  const deadline = order.plan?.deadline ?? 0
  return newest?.purpose === 'act' && newest.sends === 0 && deadline > 0 && now > deadline
}

function included(order: Order, event: EventOf<'included'>, sight: Sight, { confirmations }: Rules): Action {
  const { head, taken_for_good } = sight
  const known = order.inclusion
  if (known === undefined) return record(event)
  if (known.block_hash !== event.block_hash || known.attempt !== event.attempt)
    // a node on a shorter branch says nothing of the block that is known
    return head < known.block ? wait : record({ type: 'reorged', block: known.block, block_hash: known.block_hash })
  // a head alone is easily told: the count of that many blocks ago must know of it too
  const deep = head - event.block >= confirmations && taken_for_good > (nonceOf(order) as number)
  return deep ? record({ type: 'final', head }) : wait
}

/** A block that held it does not now; a node that has not come so far says nothing of it. */
function missed({ inclusion }: Order, { head }: Sight): Action {
  if (inclusion === undefined || head < inclusion.block) return wait
  return record({ type: 'reorged', block: inclusion.block, block_hash: inclusion.block_hash })
}

function underway(order: Order, sight: Sight, rules: Rules, now: number): Action {
  const { phase } = order.life
  const nonce = nonceOf(order) as number
  const newest = newestOf(order) as NonNullable<ReturnType<typeof newestOf>>
  if (sight.taken > nonce) return sight.taken_for_good > nonce ? { do: 'investigate' } : wait
  const pending = sight.attempts.findLastIndex((a) => a.is === 'pending')
  if (pending >= 0 && phase !== 'seen') return record({ type: 'seen', attempt: pending + 1 })
  const outlived =
    order.plan !== undefined && order.plan.deadline > 0 && sight.head_at > order.plan.deadline + rules.cancel_after
  const cancelling = newest.purpose === 'cancel'
  const waited = sight.head - Math.max(newest.block, newest.waits_from)
  // one that waits for another before it does not get into a block by being dearer
  const bumpable = (purpose: 'act' | 'cancel') =>
    sight.taken === nonce && raised(newest, sight.base_fee, mostFor(purpose, newest, rules)) !== undefined
  const stale = isStale(order, now)
  if ((outlived || stale) && !cancelling && bumpable('cancel')) return { do: 'bump', purpose: 'cancel' }
  if (stale && sight.taken < nonce) return wait
  const purpose = cancelling ? 'cancel' : 'act'
  const priced = sight.base_fee <= BigInt(newest.max_fee)
  if (waited >= (priced ? 3 : 1) * rules.stuck_after && bumpable(purpose)) return { do: 'bump', purpose }
  // once for every new block, as long as no node admits to having it
  const lags = sight.head <= newest.sent && newest.sent - sight.head < UNBELIEVABLE
  if (pending >= 0 || lags) return wait
  return phase === 'seen'
    ? record({ type: 'dropped', attempt: newest.attempt })
    : { do: 'send', attempt: newest.attempt }
}

/** Blocks a node may be behind another: what was sent at a later one was sent at a block that never was. */
const UNBELIEVABLE = 256

/** Gas of a payment of nothing to oneself. */
const OF_NOTHING = 21_000n
/** The most that one more attempt may offer for a unit of gas. */
export function mostFor(
  purpose: 'act' | 'cancel',
  { gas }: { readonly gas: string },
  { max_fee, max_gas_cost }: Pick<Rules, 'max_fee' | 'max_gas_cost'>,
): bigint {
  const used = purpose === 'cancel' ? OF_NOTHING : BigInt(gas)
  if (max_gas_cost === 0n || used === 0n) return max_fee
  const most = max_gas_cost / used
  return most < max_fee ? most : max_fee
}

/**
 * Nodes want a tenth more for the same nonce; an eighth is what others ask for, and leaves room for rounding. More than
 * nothing too: of two tips of 0 neither takes the other's place.
 */
const raise = (fee: bigint): bigint => (fee === 0n ? 1n : fee + (fee + 7n) / 8n)

/** Fees of an attempt that takes the place of another; undefined where that would cost more than may be. */
export function raised(
  { max_fee, tip }: { readonly max_fee: string; readonly tip: string },
  base_fee: bigint,
  most: bigint,
): { readonly max_fee: bigint; readonly tip: bigint } | undefined {
  const dearer = { max_fee: raise(BigInt(max_fee)), tip: raise(BigInt(tip)) }
  const enough = 2n * base_fee + dearer.tip
  const wanted = enough > dearer.max_fee ? enough : dearer.max_fee
  if (wanted <= most) return { max_fee: wanted, tip: dearer.tip }
  return dearer.max_fee <= most ? { max_fee: most, tip: dearer.tip } : undefined
}

function end(order: Order): OrderEvent {
  const { inclusion } = order
  if (attemptOf(order)?.purpose === 'cancel') return { type: 'cancelled' }
  if (inclusion?.status !== 'failed') return { type: 'settled' }
  return { type: 'reverted', ...(inclusion.failure ?? { reason: 'the transaction reverted' }) }
}
