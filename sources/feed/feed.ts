import { Observable } from 'rxjs'
import { z } from 'zod'
import type { SourceContext, SourceItem } from '../../runtime/define.ts'
import { duration } from '../../schemas/units.ts'
import { LiveFeed } from './live_feed.ts'
import { type SocketLimits, socketLimits } from './socket.ts'
import type { Channel } from './venue.ts'

const positive = (what: string) => duration().refine((micros) => micros > 0, `expected a positive ${what}`)

/** The params every feed has. `symbol` is how the venue spells one, and what to say where somebody spells it otherwise. */
export const feedParams = (symbol: z.core.$ZodType<string, string>) => ({
  symbols: z
    .array(symbol)
    .min(1)
    .max(200)
    .refine((symbols) => new Set(symbols).size === symbols.length, 'expected each symbol once')
    .describe('symbols as the venue spells them'),
  lateness: duration().default(0).describe('event time a row may lag behind the newest before it counts as late'),
  stall_after: positive('duration').default(60e6).describe('silence of all symbols after which the feed reconnects'),
  heartbeat_every: positive('duration').default(1e6).describe('silence of a symbol after which its time is told'),
  heartbeat_lag: duration().default(2e6).describe('how far a heartbeat stays behind what has surely passed'),
  connections: z
    .int()
    .min(1)
    .max(3)
    .default(1)
    .describe('connections that carry the same rows: what one loses another gives; rows without numbers allow one'),
  max_jump: z
    .number()
    .min(0)
    .default(0.5)
    .describe('a price further than this share from the one before is kept out, until three agree; 0 for any'),
  fill: z.boolean().default(true).describe('whether missing rows are asked for over REST, where the venue has that'),
  fill_within: positive('duration').default(10e6).describe('how long rows wait for what is missing before them'),
})
export interface FeedParams {
  readonly symbols: readonly string[]
  readonly lateness: number
  readonly stall_after: number
  readonly heartbeat_every: number
  readonly heartbeat_lag: number
  readonly connections: number
  readonly max_jump: number
  readonly fill: boolean
  readonly fill_within: number
}

/**
 * Opens a channel of a venue as a feed that mends itself. `context.endpoint(name)` stands in for the WebSocket address,
 * `name.rest` for that of REST: a feed that was pointed elsewhere never asks the venue itself.
 */
export function openFeed<T>(
  channel: Channel<T>,
  given: FeedParams,
  context: SourceContext,
  limits: SocketLimits = socketLimits,
): Observable<readonly SourceItem[]> {
  return new Observable((subscriber) => {
    const feed = new LiveFeed(channel, given, context, subscriber)
    // what counts as a sign of life for heartbeats is asked for no more often than they are told
    const pingAfter = Math.max(given.heartbeat_every, limits.pingAfter)
    feed.start({ ...limits, pingAfter, stallAfter: given.stall_after })
    return () => feed.stop()
  })
}
