import { z } from 'zod'
import { Quote } from '../../schemas/market.ts'
import { hasColumns, withoutHeader } from './csv.ts'
import { price, volume } from './decimal.ts'
import { defineFormat, ordered, symbolOption, venueOption } from './format.ts'
import { dayOf, everyOf, leanOptions, sinceMidnight } from './lean.ts'

export const leanQuotesCsv = defineFormat({
  name: 'lean_quotes_csv',
  summary: 'The last bid and ask of each quote bar of QuantConnect Lean.',
  kind: Quote,
  options: z.strictObject({ ...ordered, venue: venueOption('coinbase'), symbol: symbolOption, ...leanOptions }),
  notes:
    'Columns ms since midnight, then open, high, low, close and last size of the bid, then of the ask. The quote is the close of both, stamped with the end of the bar. A bar with one side only is invalid.',
  detects: ({ file, lines }) =>
    (/\d{8}_(?:\w+_)?quote/.test(file) && lines.some((line) => /^\d{1,8}(?:,[\d.eE+-]*){10}$/.test(line))) ||
    hasColumns(lines[0], 'ms_of_day_utc', 'bid_c', 'ask_c'),
  open({ venue, symbol, day, every }, file) {
    const key = `${venue}:${symbol}`
    const start = dayOf('lean_quotes_csv', day, file)
    const length = everyOf('lean_quotes_csv', every, file)
    return {
      line: withoutHeader('lean_quotes_csv', 11, (cells) => ({
        at: start + sinceMidnight(cells[0]) + length,
        key,
        value: {
          bid: price(cells[4], 'bid'),
          ask: price(cells[9], 'ask'),
          bid_size: volume(cells[5], 'bid size'),
          ask_size: volume(cells[10], 'ask size'),
        },
      })),
    }
  },
  example_file: 'minute/btcusd/20240101_quote.csv',
  example_options: { symbol: 'BTCUSD' },
  example: `0,42000.9,42000.9,42000.9,42000.9,1.88,42000.91,42000.91,42000.91,42000.91,33.35
60000,42005,42005,42005,42005,2.58,42005.01,42005.01,42005.01,42005.01,27.64`,
})
