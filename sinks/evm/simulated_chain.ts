import type { Fill, OrderStep, OrderUpdate } from '../../schemas/orders.ts'
import { type Action, type Rules as DecideRules, decide, mostFor, raised, type Sight } from '../execution/decide.ts'
import type { EventOf, Intent, OrderEvent } from '../execution/entry.ts'
import { hasEnded, mayExecute, phases } from '../execution/life.ts'
import { fold, newestOf, type Order } from '../execution/order.ts'
import { told } from '../execution/told.ts'
import { feesOf, GAS_OF_NOTHING, type GasRules, offerOf } from './fees.ts'
import { movedAway, outOfRange, type Pair, tradeOf } from './market.ts'
import { execute, swapOf } from './simulated_execution.ts'
import { emptySlots, includedOf, isOpen, keep, orderOf, release, type Slot } from './simulated_orders.ts'
import { emptyPool, models, swapIn } from './simulated_pool.ts'

export interface SimulatedPair extends Pair {
  /** Whether the base is token 0 of its pool. */
  readonly zero_is_base: boolean
}
export interface SimulationRules extends DecideRules, GasRules {
  readonly time_to_live: number
  readonly deadline: number
  readonly max_gas_cost: bigint
  /** µs between blocks, and their base fee, where no rows tell of them. */
  readonly block_time: number
  readonly base_fee: bigint
  readonly inclusion_blocks: number
  readonly revert_probability: number
  readonly gas_used: bigint
  readonly open_orders: number
}

/** The chain as one instrument sees it, its pool, and the orders under way. */
export const emptyChain = ({ open_orders, base_fee }: SimulationRules) => ({
  head: 0,
  head_at: 0,
  base_fee: base_fee as bigint,
  /** Whether rows tell of blocks. */
  told: false as boolean,
  /** How often blocks were taken back: with its number it names a block. */
  fork: 0,
  /** The next nonce to be signed, and how many the chain holds. */
  ...{ nonce: 0, taken: 0 },
  open: 0,
  due: Number.POSITIVE_INFINITY,
  /** As the newest row tells it, and what own trades made of it since. */
  ...{ fed: emptyPool(), pool: emptyPool() },
  orders: emptySlots(open_orders),
})
export type SimulatedChain = ReturnType<typeof emptyChain>

export interface Said {
  readonly order: OrderUpdate[]
  readonly fill: Fill[]
  readonly step: OrderStep[]
}
/** What a handler works with: one instrument, at one time. */
export interface World {
  readonly chain: SimulatedChain
  readonly key: string
  readonly pair: SimulatedPair
  readonly rules: SimulationRules
  /** Event time, µs. */
  readonly now: number
  readonly said: Said
}

/** Tells what became of an order by an event. @throws IllegalStep for one that cannot come next */
export function step(order: Order | undefined, event: OrderEvent, { pair, said, now }: World): Order {
  const next = fold(order, now, event)
  for (const { port, value } of told(next, event, pair)) (said[port as keyof Said] as unknown[]).push(value)
  return next
}

/** Orders under way in the order of their nonces; those that have none come last, as they were approved. */
export function openOrders({ orders }: SimulatedChain): readonly Slot[] {
  const rank = ({ attempts, nonce }: Slot) => (attempts === 0 ? Number.POSITIVE_INFINITY : nonce)
  return Object.values(orders)
    .filter(isOpen)
    .sort((a, b) => (rank(a) === rank(b) ? a.at - b.at || a.ordinal - b.ordinal : rank(a) - rank(b)))
}

/** A new block: takes what waits for it and pays enough, one nonce after the other; then each order does what it needs. */
export function produce(world: World, block: { number: number; at: number; base_fee: bigint }): void {
  const { chain, rules } = world
  chain.head = block.number
  chain.head_at = block.at
  chain.base_fee = block.base_fee
  if (chain.open === 0) return
  const open = openOrders(chain)
  for (const of of open) {
    const waits = of.sends > 0 && !of.receipt.held && mayExecute(phases[of.phase] as (typeof phases)[number])
    const ready = of.nonce === chain.taken && block.number - of.sent >= rules.inclusion_blocks
    if (!waits || !ready || of.max_fee < block.base_fee) continue
    execute(of, world)
    chain.taken++
  }
  for (const of of open) act(of, world)
}

/** Blocks from a number on are no longer in the chain: what they held waits again, and the pool is as it was told. */
export function takeBack({ chain }: World, number: number): void {
  if (number > chain.head) return
  chain.head = number - 1
  chain.fork++
  Object.assign(chain.pool, chain.fed)
  for (const { receipt } of openOrders(chain)) {
    if (!receipt.held || receipt.block < number) continue
    receipt.held = false
    chain.taken--
  }
}

/** What a node would say. */
function sightOf(of: Slot, { chain }: World): Sight {
  const { head, head_at, base_fee, taken } = chain
  const newest: Sight['attempts'][number] = of.receipt.held
    ? { is: 'included', event: includedOf(of) }
    : { is: of.sends > 0 ? 'pending' : 'absent' }
  const earlier = Array.from({ length: Math.max(0, of.attempts - 1) }, () => ({ is: 'absent' }) as const)
  // what took a nonce is always found, so nobody asks how deep it lies
  return { head, head_at, base_fee, taken, taken_for_good: taken, attempts: [...earlier, newest] }
}

/** Does what an order needs until it has to wait. */
export function act(of: Slot, world: World): void {
  const { chain, key, pair, rules, now } = world
  let order = orderOf(of, key, pair, rules.time_to_live)
  for (;;) {
    const action = decide(order, order.life.attempts > 0 ? sightOf(of, world) : undefined, rules, now)
    const events = perform(order, action, world)
    if (events.length === 0) return
    for (const event of events) order = step(order, event, world)
    keep(of, order)
    if (!hasEnded(order.life.phase)) continue
    release(of)
    chain.open--
    return
  }
}

/** What an action comes to at once; nothing where the order has to wait. */
function perform(order: Order, action: Action, world: World): readonly OrderEvent[] {
  const { chain, rules } = world
  switch (action.do) {
    case 'wait':
    // every nonce of the signer is one of ours
    case 'investigate':
      return []
    case 'record':
      return [action.event]
    case 'prepare':
      return prepare(order, world)
    case 'send': {
      const [endpoint, outcome] = ['simulation', 'accepted'] as const
      return [{ type: 'sent', attempt: action.attempt, endpoint, outcome, code: '', block: chain.head }]
    }
    case 'bump': {
      const newest = newestOf(order) as NonNullable<ReturnType<typeof newestOf>>
      const fees = raised(newest, chain.base_fee, mostFor(action.purpose, newest, rules))
      if (fees === undefined) return []
      const gas = action.purpose === 'cancel' ? GAS_OF_NOTHING : BigInt(newest.gas)
      return [signedOf(newest.attempt + 1, action.purpose, newest.nonce, gas, fees, chain)]
    }
  }
}

const rejected = (code: string, reason: string): EventOf<'rejected'> => ({ type: 'rejected', code, reason })

/** Everything before the first side effect: quote, fees, nonce, signature. */
function prepare({ intent }: Order, world: World): readonly OrderEvent[] {
  const { chain, rules, now } = world
  const deadline = Math.max(chain.head_at, now) + rules.deadline
  const quoted = quote(intent, deadline, world)
  if (typeof quoted !== 'bigint') return [quoted]
  const offer = offerOf(rules.gas_used, feesOf(chain.base_fee, [], rules), rules)
  if (offer.is === 'later') return []
  if (offer.is === 'refused') return [rejected(offer.code, offer.reason)]
  return [
    { type: 'planned', to: '', data: '', value: '0', deadline, quoted: quoted.toString() },
    { type: 'simulated', gas: rules.gas_used.toString() },
    signedOf(1, 'act', chain.nonce++, offer.gas, offer.fees, chain),
  ]
}

function quote(intent: Intent, deadline: number, { chain: { pool }, pair }: World): bigint | EventOf<'rejected'> {
  const trade = tradeOf(intent, pair, '' as never, deadline)
  const wrong = outOfRange(trade)
  if (wrong !== undefined) return rejected(wrong.code, wrong.reason)
  if (pool.model === models.none) return rejected('NO_PRICE', 'no state of the pool is known')
  if (pool.model === models.stable) return rejected('NO_CURVE', 'the curve of stable pools is not simulated')
  const [base, quoted] = pair.zero_is_base ? [pool.decimals0, pool.decimals1] : [pool.decimals1, pool.decimals0]
  if (base !== pair.base.decimals || quoted !== pair.quote.decimals)
    return rejected('DECIMALS_DIFFER', `the pool counts in ${base} and ${quoted} decimals of base and quote`)
  const swapped = swapIn(pool, swapOf(trade, intent.side, pair))
  if (swapped === undefined) return rejected('RANGE_UNKNOWN', 'the trade goes past what is known of the pool')
  const other = trade.exact === 'in' ? swapped.got : swapped.paid
  const moved = movedAway(trade, other)
  return moved === undefined ? other : rejected(moved.code, moved.reason)
}

const signedOf = (
  attempt: number,
  purpose: 'act' | 'cancel',
  nonce: number,
  gas: bigint,
  { max_fee, tip }: { readonly max_fee: bigint; readonly tip: bigint },
  { head }: SimulatedChain,
): EventOf<'signed'> => ({
  type: 'signed',
  ...{ attempt, purpose, nonce, chain: '', signer: '', raw: '', hash: '', block: head },
  ...{ gas: gas.toString(), max_fee: max_fee.toString(), tip: tip.toString() },
})
