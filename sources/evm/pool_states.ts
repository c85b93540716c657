import { Observable } from 'rxjs'
import { z } from 'zod'
import { defineSource, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { PoolState } from '../../schemas/chain.ts'
import { duration } from '../../schemas/units.ts'
import type { SocketLimits } from '../feed/socket.ts'
import { wholeTokens } from './abi.ts'
import { Follower } from './follower.ts'
import { chainParams, followerSettings, nodeLimits, poolsParam } from './params.ts'
import { fold, type Reserves } from './pool_fold.ts'
import { readReserves } from './pool_read.ts'
import { keyOf, type Pool, type PoolParams, placeOf, readPool, stateTopics } from './pools.ts'
import { caller } from './questions.ts'
import type { Row, Teller } from './teller.ts'
import type { Head } from './wire.ts'

const params = z.strictObject({
  ...chainParams,
  pools: poolsParam,
  stale_after: duration()
    .refine((micros) => micros > 0, 'expected a positive duration')
    .default(30e6)
    .describe('without a new block for this long the states are told again, with their age'),
})
export type EvmPoolStatesParams = z.output<typeof params>

/** What pools of an EVM chain quote from. */
export const evmPoolStates = defineSource({
  name: 'evm_pool_states',
  version: 1,
  summary:
    'Reserves, or price and liquidity, of pools of Uniswap V2, V3, V4 and their forks, exact after each block that moved them.',
  notes:
    'Instruments are `VENUE:POOL`, the address or the V4 pool id in lower case. Event time is the timestamp of the block in µs, and never runs back: after a reorganisation it stays at the newest block that was told, `block_time` has the own one. One row for a pool and block, at the end of the block; pools of one block are in the order of their last logs. ' +
    'The first state is read from the contract as of the block it begins with (`eth_call` by block hash), later ones follow from the logs: Sync in V2, Initialize, Swap, Mint and Burn in V3, Initialize, Swap and ModifyLiquidity in V4. `fee` of V4 is that of the last swap (with the share of the protocol), the LP fee before one. ' +
    '`age` is the local time less the time of the block the state is of. States are told again with their age after a connection was lost, and every `stale_after` without a new block. ' +
    'When blocks leave the chain, the states before them are told again with `removed`. Gaps: the first connection, and what nodes cannot give; states are read anew behind one. Heartbeats: every block, for every pool. Logs that are not what their topic says are invalid, and their pool keeps its state. Delivery: exactly once while the process lives; after a restart from the head on, with a gap. Back pressure: none; heads wait while logs are asked for.',
  output: PoolState,
  params,
  open: (given, context) => openPoolStates(given, context),
  example: {
    params: {
      chain_id: 1,
      endpoints: [{ ws: 'mainnet' }],
      pools: [
        { protocol: 'uniswap_v3', address: '0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640' },
        { protocol: 'uniswap_v2', venue: 'sushiswap', address: '0x397ff1542f962076d0bfe58ea045ffa2d347aca0' },
      ],
    },
  },
})

/** A state and the block it is of. */
interface Dated {
  readonly pool: Pool
  readonly reserves: Reserves
  readonly block: Head
}

export function stateOf({ pool, reserves, block }: Dated, now: number, removed: boolean): PoolState {
  const { decimals0, decimals1 } = pool
  const flat = reserves.model === 'constant_product'
  const whole0 = flat ? wholeTokens(reserves.reserve0, decimals0) : 0
  const root = flat ? 0 : Number(reserves.sqrtPrice) / 2 ** 96
  return {
    model: reserves.model,
    reserve0: flat ? reserves.reserve0.toString() : '0',
    reserve1: flat ? reserves.reserve1.toString() : '0',
    sqrt_price_x96: flat ? '0' : reserves.sqrtPrice.toString(),
    liquidity: flat ? '0' : reserves.liquidity.toString(),
    tick: flat ? 0 : reserves.tick,
    fee: flat ? pool.fee : reserves.fee,
    price: flat
      ? whole0 > 0
        ? wholeTokens(reserves.reserve1, decimals1) / whole0
        : 0
      : root * root * Number(`1e${decimals0 - decimals1}`),
    decimals0,
    decimals1,
    block: block.number,
    block_time: block.at,
    block_hash: block.hash,
    age: Math.max(0, now - block.at),
    removed,
  }
}

/** Tells the states that a block moved; remembers those before, to put them back. */
function stateTeller(given: readonly PoolParams[]): Teller<ReadonlyMap<string, Dated>> {
  const pools = new Map<string, Pool>()
  const states = new Map<string, Dated>()
  const rowOf = (dated: Dated, now: number, removed = false): Row => ({
    key: dated.pool.key,
    value: stateOf(dated, now, removed),
  })
  let read = ''
  return {
    keys: given.map(keyOf),
    filter: {
      address: [...new Set(given.map(({ address }) => address))],
      topics: [[...new Set(given.flatMap(({ protocol }) => stateTopics[protocol]))]],
    },
    async begin(block, ask) {
      if (pools.size === 0)
        for (const pool of await Promise.all(given.map((one) => readPool(one, caller(ask)))))
          pools.set(placeOf(pool.address, pool.id), pool)
      const known = [...pools]
      const all = await Promise.all(known.map(([, pool]) => readReserves(pool, caller(ask, block.hash))))
      for (const [n, [place, pool]] of known.entries()) states.set(place, { pool, reserves: all[n] as Reserves, block })
      read = block.hash
    },
    tell(block, logs, { now, invalid }) {
      // What was read at this block has its logs in it.
      if (block.hash === read)
        return { rows: [...states.values()].map((dated) => rowOf(dated, now)), memory: new Map() }
      const before = new Map<string, Dated>()
      const after = new Map<string, Dated>()
      for (const log of logs) {
        const place = pools.has(log.address) ? log.address : placeOf(log.address, log.topics[1])
        const dated = after.get(place) ?? states.get(place)
        if (dated === undefined) continue
        const reserves = fold(dated.pool, dated.reserves, log)
        if (reserves === undefined) invalid(log, 'pool_log')
        if (reserves === undefined || reserves === dated.reserves) continue
        before.set(place, states.get(place) as Dated)
        after.delete(place)
        after.set(place, { pool: dated.pool, reserves, block })
      }
      for (const [place, dated] of after) states.set(place, dated)
      return { rows: [...after.values()].map((dated) => rowOf(dated, now)), memory: before }
    },
    undo(memories, { now }) {
      const back = new Map(memories.flatMap((before) => [...before]))
      for (const [place, dated] of back) states.set(place, dated)
      return [...back.values()].map((dated) => rowOf(dated, now, true))
    },
    restate: ({ now }) => [...states.values()].map((dated) => rowOf(dated, now)),
  }
}

/** The source with other bounds on its connections. */
export function openPoolStates(
  given: EvmPoolStatesParams,
  context: SourceContext,
  limits: SocketLimits = nodeLimits,
): Observable<readonly SourceItem[]> {
  return new Observable((subscriber) => {
    const own = followerSettings('evm_pool_states', given, context, limits)
    const settings = { ...own, stale_after: given.stale_after }
    const say = (items: readonly SourceItem[]) => subscriber.next(items)
    const fail = (error: unknown) => subscriber.error(error)
    const follower = new Follower(settings, context, stateTeller(given.pools), say, fail)
    follower.start()
    return () => follower.stop()
  })
}
