import { z } from 'zod'
import { Quote } from '../../schemas/market.ts'
import { exchangeTime, isStream, quoteOf, received, symbolOf } from './binance_raw.ts'
import { defineFormat, type ImportedRow, ordered, venueOption } from './format.ts'

/** Quotes that may wait for the first frame that tells the exchange's clock. */
const patience = 10_000

export const binanceRawQuotes = defineFormat({
  name: 'binance_raw_quotes',
  summary: 'Best bid and ask out of raw Binance combined-stream frames, one `<receive stamp> <json>` a line.',
  kind: Quote,
  options: z.strictObject({
    ...ordered,
    venue: venueOption('binance'),
    unit: z.enum(['ns', 'us']).default('ns').describe('unit of the receive stamp'),
    time: z
      .enum(['exchange', 'receive'])
      .default('exchange')
      .describe("the exchange's clock, estimated where a frame carries no stamp, or the recorder's"),
  }),
  notes:
    "Reads the bookTicker stream. Futures frames carry the exchange's time (T). Spot frames carry none: they get their receive stamp plus the distance between the two clocks at the newest frame of the file that has both, and never run back. A recorder whose clock is behind would otherwise show quotes before they were made. Quotes before the first such frame wait for it, 10,000 at most; in a file without any they keep the receive stamp.",
  detects: ({ lines }) => {
    const frames = lines.filter((line) => /^\d{16,19} \{"stream":/.test(line))
    return frames.length > 0 && frames.every((line) => line.includes('@bookTicker"'))
  },
  open({ venue, unit, time }) {
    const waiting: ImportedRow[] = []
    let ahead: number | undefined
    let newest = 0
    const estimated = (quote: ImportedRow, distance: number): ImportedRow => {
      newest = Math.max(newest, quote.at + distance)
      return { ...quote, at: newest }
    }
    const release = (distance: number) => {
      ahead = distance
      return waiting.splice(0).map((quote) => estimated(quote, distance))
    }
    return {
      line(text) {
        const frame = received(text, unit)
        if (frame === undefined) return undefined
        const quote = isStream(frame, 'bookTicker')
          ? { at: frame.received, key: `${venue}:${symbolOf(frame)}`, value: quoteOf(frame) }
          : undefined
        if (time === 'receive') return quote
        const sent = exchangeTime(frame.frame.E ?? frame.frame.T)
        if (sent !== undefined) {
          const rows = release(sent - frame.received)
          return quote ? [...rows, { ...quote, at: exchangeTime(frame.frame.T) ?? sent }] : rows
        }
        if (quote === undefined) return undefined
        if (ahead !== undefined) return estimated(quote, ahead)
        return waiting.push(quote) < patience ? undefined : release(0)
      },
      end: () => release(0),
    }
  },
  example_file: 'btcusdt_quotes.jsonl',
  example_options: {},
  example: `1704067200001000000 {"stream":"btcusdt@bookTicker","data":{"u":2,"s":"BTCUSDT","b":"41999.99","B":"1","a":"42000.00","A":"2"}}
1704067200002000000 {"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":3,"s":"BTCUSDT","b":"41999.98","B":"1","a":"42000.00","A":"2","T":1704067200001,"E":1704067200001}}
1704067200003000000 {"stream":"btcusdt@bookTicker","data":{"u":4,"s":"BTCUSDT","b":"41999.97","B":"1","a":"42000.00","A":"2"}}`,
})
