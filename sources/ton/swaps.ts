import { Observable } from 'rxjs'
import { z } from 'zod'
import { defineSource, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { Swap } from '../../schemas/chain.ts'
import { duration } from '../../schemas/units.ts'
import { type SocketLimits, socketLimits } from '../feed/socket.ts'
import { dexes } from './actions.ts'
import { address, apiKey, decimals, positive, rate } from './pool_params.ts'
import { finalities } from './streaming.ts'
import { SwapFeed, type SwapFeedParams } from './swap_feed.ts'

const pool = z
  .strictObject({
    dex: z.enum(dexes).describe('whose messages the pool speaks; it stands before the colon of the instrument'),
    address,
    token0: z
      .union([z.literal('native'), address])
      .default('native')
      .describe('DeDust: the asset the pool counts as its first; the other DEXes say it in their messages'),
    decimals0: decimals('token 0'),
    decimals1: decimals('token 1'),
  })
  .describe('a pool that is followed')
const params = z.strictObject({
  pools: z
    .array(pool)
    .min(1)
    .max(200)
    .refine((pools) => new Set(pools.map((p) => p.address)).size === pools.length, 'expected each pool once')
    .describe('pools that are followed'),
  transport: z.enum(['websocket', 'sse']).default('websocket').describe('how the stream comes'),
  min_finality: z
    .enum(finalities)
    .default('finalized')
    .describe('how early a swap is told; what is told before `finalized` may be taken back by a row with `removed`'),
  api_key: apiKey,
  requests_per_second: rate(1),
  lateness: duration().default(0).describe('event time a row may lag behind the newest before it counts as late'),
  stall_after: positive('duration')
    .default(600e6)
    .describe('time without a swap after which the stream is opened anew'),
  heartbeat_every: positive('duration').default(5e6).describe('how often the time of silent pools is told'),
  heartbeat_lag: positive('duration').default(15e6).describe('how far a heartbeat stays behind what has surely passed'),
  fill_within: positive('duration').default(60e6).describe('how long swaps wait for transactions missing before them'),
  settle_within: positive('duration')
    .default(60e6)
    .describe('how long a swap told early may take to become final before it is asked for, and taken back'),
})

/** TON Center sends a sign of life every 15 s (SSE), or asks clients for one as often (WebSocket). */
const limits: SocketLimits = { ...socketLimits, silentFor: 45e6 }

export const openSwaps = (
  given: SwapFeedParams,
  context: SourceContext,
  bounds: SocketLimits = limits,
): Observable<readonly SourceItem[]> =>
  new Observable((subscriber) => {
    const feed = new SwapFeed(given, context, { ...bounds, pingAfter: given.heartbeat_every }, subscriber)
    feed.start()
    return () => feed.stop()
  })

/** Swaps of pools on TON, read off the pools' own messages. */
export const tonSwaps = defineSource({
  name: 'ton_swaps',
  version: 1,
  summary: 'Swaps of STON.fi, DeDust and TONCO pools on TON, from the Streaming API v2 of TON Center.',
  notes:
    'Instruments are `DEX:POOL`, such as `stonfi_v1:0:bf3b…`: the pool by its raw address in small letters, however it was given. The stream carries the transactions of the pools themselves (type `transactions`), and a swap is read off the messages of the pool contract: STON.fi v1 and v2 by exit code `swap_ok`, DeDust by its swap log, TONCO by result 200; refunds run through the same messages and are not swaps. What referrers and the protocol get apart is not in the amounts. Coffee, and DeDust pools of the later `cpmm v2` kind, are not classified. Event time is that of the transaction, in whole seconds. `block_hash` is the hash of the trace, `index` counts the swaps of the pool in it. Gaps: each transaction names the one of its account before it, so continuity is proven across connections; what the stream has missed is asked for over API v3 from the last known logical time, and only what cannot be had within `fill_within` is a gap. Duplicates: none, each transaction is told once, whichever way it came. Finality: with `min_finality` below `finalized` a swap is told when it is emulated or in a candidate block; it is taken back by a row with `removed: true` when its trace is invalidated, ends otherwise, or is not final after `settle_within`. Heartbeats follow the signs of life of a connection, behind the slowest final transaction of the last minutes. Delivery: every swap once, less those taken back. Back pressure: none, rows are as rare as swaps. TON Center allows streams only with a key.',
  output: Swap,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openSwaps(given, context),
  example: {
    params: {
      pools: [
        {
          dex: 'stonfi_v1',
          address: '0:bf3b157a310e9cb195cd93666eea332bb06448ea6e184732f631c29a3c262636',
          decimals0: 9,
          decimals1: 9,
        },
      ],
      api_key: 'TIDEGATE_TONCENTER_KEY',
    },
  },
})
