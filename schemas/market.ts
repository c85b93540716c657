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
