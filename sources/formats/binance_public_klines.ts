import { z } from 'zod'
import { Bar } from '../../schemas/market.ts'
import { barOfText } from './bars.ts'
import { withoutHeader } from './csv.ts'
import { epoch, unitOf } from './epoch.ts'
import { defineFormat, ordered, symbolOption, symbolUnknown, venueOption } from './format.ts'

const fileName = /(?:^|\/)([A-Z0-9_]+)-\d+(?:s|m|h|d|w|mo)-\d{4}-\d\d/

export const binancePublicKlines = defineFormat({
  name: 'binance_public_klines',
  summary: 'Candles of data.binance.vision, daily or monthly files, with their turnover and number of trades.',
  kind: Bar,
  options: z.strictObject({
    ...ordered,
    venue: venueOption('binance'),
    symbol: symbolOption.optional().describe('second half of the instrument; from the name of the file if left out'),
  }),
  notes:
    'Columns open_time, open, high, low, close, volume, close_time, quote_volume, count and three more, with or without a header (github.com/binance/binance-public-data, read 2025). The bar is stamped with its end, one unit after close_time. Stamps are ms, and µs in spot files from 2025-01-01 on. In COIN-M files volume counts contracts and turnover base units.',
  detects: ({ file, lines }) => fileName.test(file) && (lines.at(-1) ?? '').split(',').length === 12,
  open({ venue, symbol }, file) {
    const key = `${venue}:${symbol ?? fileName.exec(file)?.[1] ?? symbolUnknown('binance_public_klines')}`
    return {
      line: withoutHeader('binance_public_klines', 9, ([, open, high, low, close, volume, end, turnover, count]) => {
        const unit = unitOf(end)
        return {
          at: epoch(end, unit) + (unit === 'us' ? 1 : 1000),
          key,
          value: barOfText({ open, high, low, close, volume, turnover, count }),
        }
      }),
    }
  },
  example_file: 'BTCUSDT-1m-2024-01-01.csv',
  example_options: {},
  example: `1704067200000,42000.00,42010.00,41990.00,42005.00,12.5,1704067259999,525000.0,310,6.0,252000.0,0
1704067260000,42005.00,42020.00,42005.00,42020.00,3.5,1704067319999,147050.0,95,2.0,84030.0,0
1704067320000,42020.00,42020.00,42001.00,42002.00,4.0,1704067379999,168040.0,101,1.0,42010.0,0`,
})
