import { Observable } from 'rxjs'
import { z } from 'zod'
import { defineSource, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { Swap } from '../../schemas/chain.ts'
import type { SocketLimits } from '../feed/socket.ts'
import { Follower } from './follower.ts'
import { chainParams, followerSettings, fromBlock, nodeLimits, poolsParam } from './params.ts'
import { keyOf, type Pool, type PoolParams, placeOf, readPool, swapTopics } from './pools.ts'
import { caller } from './questions.ts'
import { readSwap } from './swap_log.ts'
import type { Row, Teller } from './teller.ts'

const params = z.strictObject({ ...chainParams, pools: poolsParam, from_block: fromBlock })
export type EvmSwapsParams = z.output<typeof params>

/** Swaps in pools of an EVM chain. */
export const evmSwaps = defineSource({
  name: 'evm_swaps',
  version: 1,
  summary:
    'Swaps in pools of Uniswap V2, V3, V4 and their forks, each once, and taken back when its block leaves the chain.',
  notes:
    'Instruments are `VENUE:POOL`, the address or the V4 pool id in lower case. Event time is the timestamp of the block in µs, and never runs back: after a reorganisation it stays at the newest block that was told, `block_time` has the own one. Two rows of one block are in the order of their logs, `index`. ' +
    'A swap is known by `block_hash` and `index`. Its logs are asked for by the hash of each block of the chain, so none is missed and none comes twice; what the node pushes is only held against that. When blocks leave the chain their swaps are told again with `removed`, newest first, then those of the new branch: swaps less compensations are the chain at any time. `removed` logs of nodes are not relied on. With `confirmations` a swap is told when so many blocks stand on its own. ' +
    'Gaps: the first connection, and what nodes cannot give (pruned, more than `backfill` blocks, a reorganisation deeper than `reorg_depth`). Rows that were fetched after a loss come behind an event `filled`. Heartbeats: every block, for every pool. Logs that are no swap of the protocol are invalid. ' +
    'Delivery: exactly once while the process lives; after a restart from the head on, with a gap. Back pressure: none; heads wait while logs are asked for. ' +
    'The trader is whom the pool paid (V2 `to`, V3 `recipient`), in V4 who called the manager. V4 tells amounts as the swapper sees them; here they are as the pool does, as in V3.',
  output: Swap,
  params,
  open: (given, context) => openSwaps(given, context),
  example: {
    params: {
      chain_id: 1,
      endpoints: [{ ws: 'mainnet', http: 'mainnet_http' }, { ws: '$TIDEGATE_SPARE_NODE' }],
      pools: [{ protocol: 'uniswap_v3', address: '0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640' }],
    },
  },
})

/** Tells the swaps of each block; remembers them to take them back. */
function swapTeller(given: readonly PoolParams[]): Teller<readonly (Row & { readonly value: Swap })[]> {
  const pools = new Map<string, Pool>()
  return {
    keys: given.map(keyOf),
    filter: {
      address: [...new Set(given.map(({ address }) => address))],
      topics: [[...new Set(given.map(({ protocol }) => swapTopics[protocol]))]],
    },
    async begin(_block, ask) {
      if (pools.size > 0) return
      for (const pool of await Promise.all(given.map((one) => readPool(one, caller(ask)))))
        pools.set(placeOf(pool.address, pool.id), pool)
    },
    tell(block, logs, { invalid }) {
      const rows = logs.flatMap((log) => {
        const pool = pools.get(log.address) ?? pools.get(placeOf(log.address, log.topics[1]))
        if (pool === undefined) return []
        const swap = readSwap(pool, log, block)
        if (swap === undefined) invalid(log, 'swap_log')
        return swap === undefined ? [] : [{ key: pool.key, value: swap }]
      })
      return { rows, memory: rows }
    },
    undo: (blocks) =>
      blocks.flatMap((rows) =>
        rows.toReversed().map(({ key, value }) => ({ key, value: { ...value, removed: true } })),
      ),
  }
}

/** The source with other bounds on its connections. */
export function openSwaps(
  given: EvmSwapsParams,
  context: SourceContext,
  limits: SocketLimits = nodeLimits,
): Observable<readonly SourceItem[]> {
  return new Observable((subscriber) => {
    const settings = { ...followerSettings('evm_swaps', given, context, limits), from_block: given.from_block }
    const say = (items: readonly SourceItem[]) => subscriber.next(items)
    const fail = (error: unknown) => subscriber.error(error)
    const follower = new Follower(settings, context, swapTeller(given.pools), say, fail)
    follower.start()
    return () => follower.stop()
  })
}
