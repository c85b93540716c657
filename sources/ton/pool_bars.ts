import type { Observable } from 'rxjs'
import { z } from 'zod'
import { defineSource, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { Bar } from '../../schemas/market.ts'
import { poll, type Question } from '../feed/poll.ts'
import { BarFold } from './bar_fold.ts'
import { dedust } from './dedust.ts'
import { type AskTrades, dedustTradesOf, keyOf, stonfiTrades, type TradePool, tradesParams } from './polled_trades.ts'
import { positive } from './pool_params.ts'
import { stonfi } from './stonfi.ts'

const params = z.strictObject({
  ...tradesParams,
  every: positive('duration').default(60e6).describe('length of a bar'),
  close_after: positive('duration')
    .default(15e6)
    .describe('time after the end of a bar when its last trade has surely been told'),
})
type Given = z.output<typeof params>

export function openPoolBars(given: Given, context: SourceContext): Observable<readonly SourceItem[]> {
  const ston = given.pools.filter(({ dex }) => dex !== 'dedust')
  const others = given.pools.filter(({ dex }) => dex === 'dedust')
  const question = (name: string, pools: readonly TradePool[], ask: AskTrades): Question => {
    const folds = new Map(pools.map((pool) => [pool.address, new BarFold(given.every)]))
    let state: 'new' | 'begun' = 'new'
    return {
      ...{ name, keys: pools.map(keyOf), every: given.poll_every },
      ask: async (rest) => {
        const { trades, unread, continuous, mark, reached } = await ask(rest)
        for (const { pool, at, swap } of trades) folds.get(pool)?.take(at, swap.price, swap.size)
        const rows = pools.flatMap((pool) => {
          const fold = folds.get(pool.address)
          if (state === 'new' || !continuous || unread.length > 0) fold?.doubt(reached)
          const bars = fold?.close(reached - given.close_after) ?? []
          return bars.map(({ at, bar }) => ({ at, key: keyOf(pool), value: bar }))
        })
        state = 'begun'
        return { rows, continuous, mark, invalid: unread.map((text) => ({ key: '*', reason: 'event_fields', text })) }
      },
    }
  }
  const settings = { rate: given.requests_per_second, staleAfter: given.stale_after }
  const all = question('events of STON.fi', ston, stonfiTrades(ston))
  const each = others.map((pool) => question(keyOf(pool), [pool], dedustTradesOf(pool, context)))
  return poll(
    [
      { name: 'ton_pool_bars.stonfi', base: stonfi, ...settings, questions: ston.length > 0 ? [all] : [] },
      { name: 'ton_pool_bars.dedust', base: dedust, ...settings, questions: each },
    ],
    context,
  )
}

/** Bars of pools, from the swaps their DEXes tell. */
export const tonPoolBars = defineSource({
  name: 'ton_pool_bars',
  version: 1,
  summary: 'Bars of STON.fi and DeDust pools on TON, built from the swaps their REST interfaces tell.',
  notes:
    'Neither DEX documents candles (2026-11), so bars are built here from the trades of `ton_pool_trades`, asked for in the same way. Instruments are `DEX:POOL` with the raw address in small letters. Windows are `[open, close)`, event time is the end of the bar; prices are token 1 for one token 0, `volume` is in token 0, `turnover` in token 1. A bar is told once, when the interface has told everything up to `close_after` behind its end: STON.fi by the time of its latest block, DeDust by the local time of the question. A trade that comes later than that is left out. Windows without trades have no bar. Gaps: as those of `ton_pool_trades`; bars they fall into, and the first of a pool, are not `complete`. Duplicates, heartbeats: none. Delivery: every bar once. Back pressure: none.',
  output: Bar,
  params,
  open: openPoolBars,
  example: {
    params: {
      pools: [
        {
          dex: 'dedust',
          address: '0:3e5ffca8ddfcf36c36c9ff46f31562aab51b9914845ad6c26cbde649d58a5588',
          decimals0: 9,
          decimals1: 6,
        },
      ],
      every: '5m',
    },
  },
})
