import type { Observable } from 'rxjs'
import { z } from 'zod'
import { defineSource, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { Swap } from '../../schemas/chain.ts'
import { duration } from '../../schemas/units.ts'
import { keyOf, pollTrades, tradesParams } from './polled_trades.ts'

const params = z.strictObject({
  ...tradesParams,
  lateness: duration().default(0).describe('event time a row may lag behind the newest before it counts as late'),
})
type Given = z.output<typeof params>

export function openPoolTrades(given: Given, context: SourceContext): Observable<readonly SourceItem[]> {
  return pollTrades('ton_pool_trades', given, context, (pools) => {
    const keys = new Map(pools.map((pool) => [pool.address, keyOf(pool)]))
    return ({ trades }) => trades.map(({ pool, at, swap }) => ({ at, key: keys.get(pool) ?? pool, value: swap }))
  })
}

/** Swaps of pools as the interfaces of their DEXes tell them: without a key, some seconds late. */
export const tonPoolTrades = defineSource({
  name: 'ton_pool_trades',
  version: 1,
  summary: 'Swaps of STON.fi and DeDust pools on TON, asked for over their REST interfaces.',
  notes:
    'The fallback where there is no key for `ton_swaps`. Instruments are `DEX:POOL` with the raw address in small letters. STON.fi: its export feed by ranges of masterchain blocks that follow each other (`/export/dexscreener/v1/events`), one question for all pools; amounts come as decimal texts and are exact. DeDust: `/v2/pools/{address}/trades` behind the last logical time (`after_lt`), one question a pool; it tells no block and no hash, so `block`, `block_hash` and `transaction` are empty there. Event time is that of the block (whole seconds) or of `createdAt`. Trades before the first question are not told. Gaps: the first answer; a full page of DeDust, because whether it holds the oldest or the newest is not documented; nothing new for `stale_after`. A failed question leaves none: the next begins where the last answer ended. That an interface holds all events of a block when it names the block the latest is its promise, not proven here. Duplicates: none, ranges and logical times do not overlap. Heartbeats: none. Delivery: every swap the interface tells, once. Back pressure: none.',
  output: Swap,
  params,
  lateness: ({ lateness }) => lateness,
  open: openPoolTrades,
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
    },
  },
})
