import { z } from 'zod'
import { Quote } from '../../schemas/market.ts'
import { hasColumns, table } from './csv.ts'
import { price, volume } from './decimal.ts'
import { epoch } from './epoch.ts'
import { defineFormat, ordered } from './format.ts'
import { tardisTime, venueOf } from './tardis.ts'

export const tardisQuotesCsv = defineFormat({
  name: 'tardis_quotes_csv',
  summary: 'Best bid and ask in the CSV layout of tardis.dev.',
  kind: Quote,
  options: z.strictObject({
    ...ordered,
    time: z.enum(['exchange', 'local']).default('exchange').describe('which of the two stamps is event time'),
  }),
  notes: `Columns exchange, symbol, timestamp, local_timestamp (µs), ask_amount, ask_price, bid_price, bid_amount. ${tardisTime} A row whose book has one side only is invalid.`,
  detects: ({ lines }) => hasColumns(lines[0], 'exchange', 'local_timestamp', 'ask_price', 'bid_price'),
  open: ({ time }) => ({
    line: table(
      'tardis_quotes_csv',
      [
        'exchange',
        'symbol',
        'timestamp',
        'local_timestamp',
        'ask_amount',
        'ask_price',
        'bid_price',
        'bid_amount',
      ] as const,
      (row) => ({
        at: epoch(time === 'local' ? row.local_timestamp : row.timestamp, 'us'),
        key: `${venueOf(row.exchange)}:${row.symbol}`,
        value: {
          bid: price(row.bid_price, 'bid'),
          ask: price(row.ask_price, 'ask'),
          bid_size: volume(row.bid_amount, 'bid size'),
          ask_size: volume(row.ask_amount, 'ask size'),
        },
      }),
    ),
  }),
  example_file: 'deribit_quotes_BTC-PERPETUAL.csv',
  example_options: {},
  example: `exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount
deribit,BTC-PERPETUAL,1704067201099000,1704067201234268,5490,42000.5,42000,800
deribit,BTC-PERPETUAL,1704067201133000,1704067201454126,5480,42000.5,42000,800`,
})
