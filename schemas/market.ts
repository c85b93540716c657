import { z } from 'zod'
import { kind } from './kind.ts'

const price = z.number().positive()

const trade = z.object({
  price: price.describe('price in quote units'),
  size: z.number().positive().describe('size in base units'),
  side: z.union([z.literal(-1), z.literal(0), z.literal(1)]).describe('aggressor: 1 bought, -1 sold, 0 unknown'),
  id: z.number().nonnegative().describe("the venue's trade number, 0 where it has none"),
})
export interface Trade extends Readonly<z.output<typeof trade>> {}
export const Trade = kind('trade', trade, { summary: 'One trade as its venue printed it.' })

const quote = z.object({
  bid: price.describe('best bid in quote units'),
  ask: price.describe('best ask in quote units'),
  bid_size: z.number().nonnegative().describe('size at the bid in base units'),
  ask_size: z.number().nonnegative().describe('size at the ask in base units'),
})
export interface Quote extends Readonly<z.output<typeof quote>> {}
export const Quote = kind('quote', quote, { summary: 'The best bid and ask of a book.' })

const bar = z.object({
  open: price.describe('first price'),
  high: price.describe('highest price'),
  low: price.describe('lowest price'),
  close: price.describe('last price'),
  volume: z.number().nonnegative().describe('base units traded'),
  turnover: z.number().nonnegative().describe('quote units traded: sum of price x size'),
  count: z.int().nonnegative().describe('messages folded into the bar'),
  complete: z.boolean().describe('false when a gap of the feed fell into the bar'),
})
export interface Bar extends Readonly<z.output<typeof bar>> {}
export const Bar = kind('bar', bar, {
  summary: 'Open, high, low, close and volume of a stretch of time, stamped with its end.',
})

const book = z.object({
  side: z.union([z.literal(-1), z.literal(1)]).describe('1 a bid, -1 an ask'),
  price: price.describe('price of the level in quote units'),
  size: z.number().nonnegative().describe('what stands at the level now, in base units; 0 takes it out'),
  snapshot: z.boolean().describe('part of a whole book: its first row empties what was there'),
  last: z.boolean().describe('the last row of one message of the venue: between two of these the book is half changed'),
  id: z.number().nonnegative().describe("the venue's number of the message, 0 where it has none"),
})
export interface Book extends Readonly<z.output<typeof book>> {}
export const Book = kind('book', book, { summary: 'One level of an order book, as a change or as part of a snapshot.' })

const gap = z.object({
  reason: z
    .enum(['connected', 'disconnected', 'sequence', 'stalled', 'resumed'])
    .describe('what broke continuity: the first connection, a lost one, missing numbers, silence, a restart of ours'),
  missing: z.number().nonnegative().describe('messages known to be missing, 0 when unknown'),
  since: z.int().nonnegative().describe('event time of the last message before the gap, 0 when none'),
})
export interface Gap extends Readonly<z.output<typeof gap>> {}
export const Gap = kind('gap', gap, { summary: 'Continuity of a feed is not proven from here to the message before.' })

const heartbeat = z.object({
  end: z.boolean().describe('true when the input is finite and this is its end'),
})
export interface Heartbeat extends Readonly<z.output<typeof heartbeat>> {}
export const Heartbeat = kind('heartbeat', heartbeat, {
  summary: 'Time passes on a feed though it has nothing to say.',
})

const invalid = z.object({
  reason: z.string().describe('what is wrong with it, in snake_case: not_json, crossed_book, price_spike'),
  hash: z.string().describe('the first 16 hex digits of the sha256 of its bytes, to find it in a raw recording'),
  bytes: z.int().nonnegative().describe('how long it was'),
})
export interface Invalid extends Readonly<z.output<typeof invalid>> {}
export const Invalid = kind('invalid', invalid, {
  summary: 'A message of a venue that was kept out: rubbish, or data that cannot be true.',
})

const feedEvent = z.object({
  event: z
    .enum(['connected', 'lost', 'retrying', 'subscribed', 'filled', 'unfilled', 'resynced', 'clock', 'failover'])
    .describe('what happened: `filled` stands before rows that were asked for again, `clock` tells an offset'),
  detail: z.string().describe('the rest of the story, for people: why it was lost, which endpoint'),
  count: z
    .number()
    .describe('filled: how many rows follow; retrying: the attempt; clock: local less venue time, in µs'),
})
export interface FeedEvent extends Readonly<z.output<typeof feedEvent>> {}
export const FeedEvent = kind('feed_event', feedEvent, {
  summary: 'What a feed lived through: its connections, what it asked for again, how far its clock is off.',
})
