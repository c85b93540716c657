import type { Observable } from 'rxjs'
import { z } from 'zod'
import { defineSource, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { Bar } from '../../schemas/market.ts'
import { BarFold } from './bar_fold.ts'
import { keyOf, pollTrades, tradesParams } from './polled_trades.ts'
import { positive } from './pool_params.ts'

const params = z.strictObject({
  ...tradesParams,
  every: positive('duration').default(60e6).describe('length of a bar'),
  close_after: positive('duration')
    .default(15e6)
    .describe('time after the end of a bar when its last trade has surely been told'),
})
type Given = z.output<typeof params>

export function openPoolBars(given: Given, context: SourceContext): Observable<readonly SourceItem[]> {
  return pollTrades('ton_pool_bars', given, context, (pools) => {
    const folds = new Map(pools.map((pool) => [pool.address, new BarFold(given.every)]))
    let state: 'new' | 'begun' = 'new'
    return ({ trades, unread, continuous, reached }) => {
      for (const { pool, at, swap } of trades) folds.get(pool)?.take(at, swap.price, swap.size)
      const doubted = state === 'new' || !continuous || unread.length > 0
      state = 'begun'
      return pools.flatMap((pool) => {
        const fold = folds.get(pool.address)
        if (doubted) fold?.doubt(reached)
        const bars = fold?.close(reached - given.close_after) ?? []
        return bars.map(({ at, bar }) => ({ at, key: keyOf(pool), value: bar }))
      })
    }
  })
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
