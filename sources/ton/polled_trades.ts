import type { Observable } from 'rxjs'
import { z } from 'zod'
import type { SourceContext, SourceItem } from '../../runtime/define.ts'
import { type Polled, poll, type Question } from '../feed/poll.ts'
import type { Rest } from '../feed/rest.ts'
import { dedust, dedustTrades, tradesPath } from './dedust.ts'
import { address, decimals, positive, rate } from './pool_params.ts'
import { eventsPath, latestBlock, latestBlockPath, type PoolSwap, stonfi, swapEvents } from './stonfi.ts'

const pool = z
  .strictObject({
    dex: z.enum(['stonfi_v1', 'stonfi_v2', 'dedust']).describe('whose interface is asked'),
    address,
    token0: z
      .union([z.literal('native'), address])
      .default('native')
      .describe('DeDust: the asset the pool counts as its first; STON.fi tells both by number'),
    decimals0: decimals('token 0'),
    decimals1: decimals('token 1'),
  })
  .describe('a pool whose trades are asked for')
export const tradesParams = {
  pools: z
    .array(pool)
    .min(1)
    .max(200)
    .refine((pools) => new Set(pools.map((p) => p.address)).size === pools.length, 'expected each pool once')
    .describe('pools whose trades are asked for'),
  poll_every: positive('duration').default(5e6).describe('time between two questions'),
  requests_per_second: rate(1),
  stale_after: positive('duration').default(3600e6).describe('time without anything new after which a gap is told'),
}
export type TradePool = z.output<typeof pool>
export const keyOf = ({ dex, address }: TradePool) => `${dex}:${address}`

/** The trades since the last question. */
export interface Trades {
  readonly trades: readonly PoolSwap[]
  /** Nothing between the last question and these can be missing. */
  readonly continuous: boolean
  /** Event time up to which all trades are here; 0 where that is not known. */
  readonly reached: number
  readonly mark: string
  /** Events that could not be read. */
  readonly unread: readonly string[]
}
export type AskTrades = (rest: Rest) => Promise<Trades>

/** The export of STON.fi answers with some 2,000 events at most; a block has tens. */
const BLOCKS = 20
const CHUNKS = 10

/** Trades of all STON.fi pools at once, by ranges of blocks that follow each other without a hole. */
export function stonfiTrades(pools: readonly TradePool[]): AskTrades {
  const scales = new Map(pools.map((pool) => [pool.address, pool]))
  let next: number | undefined
  return async (rest) => {
    const latest = latestBlock(await rest.get(latestBlockPath))
    const found: (PoolSwap | string)[] = []
    let from = next ?? latest.number + 1
    let reached = 0
    for (let chunk = 0; from <= latest.number && chunk < CHUNKS; chunk++) {
      const to = Math.min(latest.number, from + BLOCKS - 1)
      found.push(...swapEvents(await rest.get(eventsPath, { fromBlock: from, toBlock: to }), scales))
      from = to + 1
    }
    if (from > latest.number) reached = latest.at
    // only now: what was read before a failure is read again
    next = from
    return {
      ...{ continuous: true, reached, mark: String(latest.number) },
      trades: found.filter((one) => typeof one !== 'string'),
      unread: found.filter((one) => typeof one === 'string'),
    }
  }
}

const PAGE = 200
/** Trades of one DeDust pool behind the last logical time. */
export function dedustTradesOf(pool: TradePool, { clock }: SourceContext): AskTrades {
  let newest: number | undefined
  return async (rest) => {
    const asked = clock.now()
    const query = newest === undefined ? { page_size: 1 } : { page_size: PAGE, after_lt: newest }
    const page = dedustTrades(await rest.get(tradesPath(pool.address), query), pool)
    const last = page.at(-1)?.lt ?? newest ?? 0
    const trades = newest === undefined ? [] : page.filter(({ lt }) => lt > (newest ?? 0))
    // whether a full page holds the oldest or the newest is not documented
    const continuous = newest === undefined || page.length < PAGE
    newest = Math.max(last, newest ?? 0)
    return { trades, continuous, reached: asked, mark: String(last), unread: [] }
  }
}

type Given = z.output<z.ZodObject<typeof tradesParams>>
/**
 * Asks the DEXes of all pools for their trades: STON.fi one question for all of its pools, DeDust one a pool. `rowsOf`
 * makes what is told of the trades of some pools, answer after answer.
 */
export function pollTrades(
  name: string,
  given: Given,
  context: SourceContext,
  rowsOf: (pools: readonly TradePool[]) => (trades: Trades) => Polled['rows'],
): Observable<readonly SourceItem[]> {
  const question = (what: string, pools: readonly TradePool[], ask: AskTrades): Question => {
    const rows = rowsOf(pools)
    return {
      ...{ name: what, keys: pools.map(keyOf), every: given.poll_every },
      ask: async (rest) => {
        const trades = await ask(rest)
        const invalid = trades.unread.map((text) => ({ key: '*', reason: 'event_fields', text }))
        return { rows: rows(trades), continuous: trades.continuous, mark: trades.mark, invalid }
      },
    }
  }
  const ston = given.pools.filter(({ dex }) => dex !== 'dedust')
  const others = given.pools.filter(({ dex }) => dex === 'dedust')
  const settings = { rate: given.requests_per_second, staleAfter: given.stale_after }
  const all = ston.length > 0 ? [question('events of STON.fi', ston, stonfiTrades(ston))] : []
  const each = others.map((pool) => question(keyOf(pool), [pool], dedustTradesOf(pool, context)))
  return poll(
    [
      { name: `${name}.stonfi`, base: stonfi, ...settings, questions: all },
      { name: `${name}.dedust`, base: dedust, ...settings, questions: each },
    ],
    context,
  )
}
