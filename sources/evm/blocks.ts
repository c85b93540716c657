import { Observable } from 'rxjs'
import { z } from 'zod'
import { defineSource, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { Block } from '../../schemas/chain.ts'
import { Instrument } from '../../schemas/units.ts'
import type { SocketLimits } from '../feed/socket.ts'
import { Follower } from './follower.ts'
import { chainParams, followerSettings, fromBlock, nodeLimits } from './params.ts'
import { transactionsIn } from './questions.ts'
import type { Teller } from './teller.ts'
import type { Head } from './wire.ts'

const params = z.strictObject({
  chain: z
    .string()
    .regex(/^[a-z][a-z0-9_]*$/)
    .describe('what stands before the colon of the instrument `CHAIN:head`'),
  instruments: z
    .array(Instrument)
    .max(64)
    .default([])
    .describe('pools that hear of each block under their own name too, as a simulated chain wants it'),
  ...chainParams,
  from_block: fromBlock,
})
export type EvmBlocksParams = z.output<typeof params>

/** Blocks of an EVM chain, as they join it and leave it. */
export const evmBlocks = defineSource({
  name: 'evm_blocks',
  version: 1,
  summary: 'Blocks of an EVM chain as they join it, and as reorganisations take them back.',
  notes:
    'The instrument is `CHAIN:head`; those named in `instruments` get the same rows. Event time is the timestamp of the block in µs, and never runs back: after a reorganisation it stays at the newest block that was told, `block_time` has the own one. ' +
    'Every block is one row, parents first; blocks that leave the chain are told again with `removed`, newest first, before those that take their place. ' +
    'Gaps: the first connection, and what nodes cannot give (pruned, more than `backfill` blocks, a reorganisation deeper than `reorg_depth`); whatever else was missed is fetched. Duplicates: none. Heartbeats: the rows themselves. ' +
    'Delivery: at least what the nodes have, exactly once while the process lives; after a restart from the head on, with a gap. Back pressure: none needed.',
  output: Block,
  params,
  open: (given, context) => openBlocks(given, context),
  example: {
    params: { chain: 'ethereum', chain_id: 1, endpoints: [{ ws: 'mainnet' }, { http: '$TIDEGATE_MAINNET_HTTP' }] },
  },
})

const blockOf = (head: Head, removed: boolean): Block => ({
  number: head.number,
  hash: head.hash,
  parent: head.parent,
  block_time: head.at,
  base_fee: head.base_fee,
  gas_used: head.gas_used,
  gas_limit: head.gas_limit,
  transactions: head.transactions ?? 0,
  removed,
})

function blockTeller(keys: readonly string[]): Teller<Head> {
  const rows = (block: Block) => keys.map((key) => ({ key, value: block }))
  return {
    keys,
    filter: undefined,
    begin: async () => {},
    complete: async (block, ask) =>
      block.transactions === undefined ? { ...block, transactions: await ask(transactionsIn(block.hash)) } : block,
    tell: (block) => ({ rows: rows(blockOf(block, false)), memory: block }),
    undo: (blocks) => blocks.flatMap((block) => rows(blockOf(block, true))),
  }
}

/** The source with other bounds on its connections. */
export function openBlocks(
  given: EvmBlocksParams,
  context: SourceContext,
  limits: SocketLimits = nodeLimits,
): Observable<readonly SourceItem[]> {
  return new Observable((subscriber) => {
    const settings = { ...followerSettings('evm_blocks', given, context, limits), from_block: given.from_block }
    const say = (items: readonly SourceItem[]) => subscriber.next(items)
    const fail = (error: unknown) => subscriber.error(error)
    const follower = new Follower(
      settings,
      context,
      blockTeller([`${given.chain}:head`, ...given.instruments]),
      say,
      fail,
    )
    follower.start()
    return () => follower.stop()
  })
}
