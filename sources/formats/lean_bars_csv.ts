import { z } from 'zod'
import { Bar } from '../../schemas/market.ts'
import { barOfText } from './bars.ts'
import { hasColumns, withoutHeader } from './csv.ts'
import { defineFormat, ordered, symbolOption, venueOption } from './format.ts'
import { dayOf, everyOf, leanOptions, sinceMidnight } from './lean.ts'

export const leanBarsCsv = defineFormat({
  name: 'lean_bars_csv',
  summary: 'Second, minute or hour trade bars of QuantConnect Lean: ms since midnight, open, high, low, close, volume.',
  kind: Bar,
  options: z.strictObject({ ...ordered, venue: venueOption('coinbase'), symbol: symbolOption, ...leanOptions }),
  notes:
    'Stamps are the start of the bar, in UTC for crypto; the bar is stamped with its end. Stretches without a trade are absent. Lean keeps such files as DAY_trade.zip, which can be read as they are. Equity files scale prices by 10,000: those are not read here.',
  detects: ({ file, lines }) =>
    (/\d{8}_(?:\w+_)?trade/.test(file) && lines.some((line) => /^\d{1,8}(?:,[\d.eE+-]+){5}$/.test(line))) ||
    hasColumns(lines[0], 'ms_of_day_utc', 'open', 'volume'),
  open({ venue, symbol, day, every }, file) {
    const key = `${venue}:${symbol}`
    const start = dayOf('lean_bars_csv', day, file)
    const length = everyOf('lean_bars_csv', every, file)
    return {
      line: withoutHeader('lean_bars_csv', 6, ([ms, open, high, low, close, volume]) => ({
        at: start + sinceMidnight(ms) + length,
        key,
        value: barOfText({ open, high, low, close, volume }),
      })),
    }
  },
  example_file: 'minute/btcusd/20240101_trade.csv',
  example_options: { symbol: 'BTCUSD' },
  example: `0,42000.78,42010.91,41990.78,42005.9,1.13872
60000,42005.87,42005.88,42005.87,42005.88,0.56799
180000,42004.75,42005.87,42004.75,42005.87,0.39553`,
})
