import { defineOperator, many } from '../../runtime/define.ts'
import { Block, PoolState } from '../../schemas/chain.ts'
import { type Fixed, fixed } from '../../schemas/fixed.ts'
import { ApprovedOrder, Fill, OrderStep, OrderUpdate } from '../../schemas/orders.ts'
import { MOST, noMarket, nowhere } from './market.ts'
import { type EvmSwapParams, isToken0, pairOf, evmSwapParams as params, rulesOf, simulationOf } from './params.ts'
import type { SimulatedPair, SimulationRules, World } from './simulated_chain.ts'
import {
  act,
  emptyChain,
  openOrders,
  produce,
  type Said,
  type SimulatedChain,
  step,
  takeBack,
} from './simulated_chain.ts'
import { simulatedExample } from './simulated_example.ts'
import { intentIn, isOpen, release } from './simulated_orders.ts'
import { takeState } from './simulated_pool.ts'

interface Prepared {
  readonly rules: SimulationRules
  readonly pairs: Readonly<Record<string, SimulatedPair>>
}
function prepared(p: EvmSwapParams): Prepared {
  const pairs = p.markets.map((m) => [m.instrument, { ...pairOf(m, p), zero_is_base: isToken0(m) }] as const)
  return { rules: { ...rulesOf(p), ...simulationOf(p) }, pairs: Object.fromEntries(pairs) }
}
interface At {
  readonly params: Prepared
  readonly at: number
  readonly key: string
}
const worldOf = (chain: SimulatedChain, { params: { rules, pairs }, at, key }: At): World => ({
  ...{ chain, key, rules, now: at },
  pair: pairs[key] ?? { ...nowhere(key), zero_is_base: true },
  said: { order: [], fill: [], step: [] } satisfies Said,
})
/** When the next block is due, where no rows tell of them; then what was said. */
function answer({ chain, rules, now, said }: World) {
  const waits = chain.open > 0 && !chain.told
  chain.due = waits ? (Math.floor(now / rules.block_time) + 1) * rules.block_time : Number.POSITIVE_INFINITY
  return said.step.length + said.order.length === 0 ? undefined : said
}
/** Where no rows tell of blocks, a chain has one at every multiple of the block time since 1970. */
function standAt({ chain, rules: { block_time, base_fee }, now }: World): void {
  if (chain.told) return
  chain.head = Math.floor(now / block_time)
  chain.head_at = chain.head * block_time
  chain.base_fee = base_fee
}
/** Rows begin to tell of blocks, which have numbers of their own. */
function renumber({ chain }: World, number: number): void {
  const by = number - 1 - chain.head
  for (const of of openOrders(chain)) {
    of.signed = Math.max(0, of.signed + by)
    of.sent = Math.max(0, of.sent + by)
    of.known_block = Math.max(1, of.known_block + by)
    of.receipt.block = Math.max(1, of.receipt.block + by)
  }
  chain.head = number - 1
  chain.told = true
}

export const simulatedSwap = defineOperator({
  name: 'evm_swap',
  version: 2,
  summary:
    'The chain of backtest and paper: approved orders as transactions in simulated blocks, against pools of the feed.',
  input: { order: ApprovedOrder },
  ambient: { pool: PoolState, block: Block },
  numbered: ['order'],
  output: { order: many(OrderUpdate), fill: many(Fill), step: many(OrderStep) },
  params,
  prepare: prepared,
  init: ({ rules }) => emptyChain(rules),
  on: {
    pool(chain, message, { at }) {
      if (takeState(chain.fed, message, at)) Object.assign(chain.pool, chain.fed)
    },
    block(chain, message, env) {
      const world = worldOf(chain, env)
      if (message.removed) {
        if (chain.told) takeBack(world, message.number)
        return undefined
      }
      if (!chain.told) {
        standAt(world)
        renumber(world, message.number)
      }
      if (message.number <= chain.head) return undefined
      const told = BigInt(message.base_fee)
      const base_fee = told > MOST ? MOST : told
      produce(world, { number: message.number, at: message.block_time, base_fee })
      return answer(world)
    },
    order(chain, { side, quantity, limit, price }, env) {
      const world = worldOf(chain, env)
      const { at, key, ordinal } = env
      standAt(world)
      const intent = intentIn(
        key,
        { ...{ side, quantity, limit, price, at, ordinal } },
        world.pair,
        world.rules.time_to_live,
      )
      const order = step(undefined, { type: 'received', intent }, world)
      const free = Object.values(chain.orders).find((of) => !isOpen(of))
      if (env.params.pairs[key] === undefined) step(order, noMarket(key), world)
      else if (free === undefined)
        step(order, { type: 'rejected', code: 'OPEN_ORDERS', reason: 'too many orders are under way' }, world)
      else {
        Object.assign(free, { phase: 0, buys: side === 'buy', quantity, limit, price, at, ordinal })
        chain.open++
        act(free, world)
      }
      return answer(world)
    },
  },
  alarm: {
    at: (chain) => chain.due,
    fire(chain, at, env) {
      const world = worldOf(chain, { ...env, at })
      const { block_time, base_fee } = world.rules
      produce(world, { number: Math.floor(at / block_time), at, base_fee })
      return answer(world)
    },
  },
  // no news comes any more: the chain goes on alone until it has no orders left, or is stuck
  end(chain, env) {
    const world = worldOf(chain, env)
    standAt(world)
    const { block_time } = world.rules
    for (let blocks = 0; chain.open > 0 && blocks < LAST_BLOCKS; blocks++) {
      const now = chain.head_at + block_time
      produce({ ...world, now }, { number: chain.head + 1, at: now, base_fee: chain.base_fee })
    }
    for (const of of openOrders(chain)) {
      const reference = { order_at: of.at, order_ordinal: of.ordinal }
      const [side, amount] = [of.buys ? 'buy' : 'sell', fixed(of.quantity) as Fixed] as const
      world.said.order.push({ ...reference, state: 'cancelled', side, quantity: amount, reason: 'end_of_data' })
      release(of)
      chain.open--
    }
    return answer(world)
  },
  example: simulatedExample,
})
const LAST_BLOCKS = 256
