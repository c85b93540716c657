import { z } from 'zod'
import { Quote } from '../../schemas/market.ts'
import { hasColumns, table } from './csv.ts'
import { price, volume } from './decimal.ts'
import { epoch } from './epoch.ts'
import { defineFormat, ordered } from './format.ts'
import { tardisTime, venueOf } from './tardis.ts'

const top = ['bids[0].price', 'bids[0].amount', 'asks[0].price', 'asks[0].amount'] as const

export const tardisBookCsv = defineFormat({
  name: 'tardis_book_csv',
  summary: 'Best bid and ask out of book snapshots (book_snapshot_5, book_snapshot_25) of tardis.dev.',
  kind: Quote,
  options: z.strictObject({
    ...ordered,
    time: z.enum(['exchange', 'local']).default('exchange').describe('which of the two stamps is event time'),
  }),
  notes: `Columns exchange, symbol, timestamp, local_timestamp (µs), then levels; the first level of each side is read. ${tardisTime} A row whose book has one side only is invalid.`,
  detects: ({ lines }) => hasColumns(lines[0], 'exchange', 'local_timestamp', ...top),
  open: ({ time }) => ({
    line: table('tardis_book_csv', ['exchange', 'symbol', 'timestamp', 'local_timestamp', ...top] as const, (row) => ({
      at: epoch(time === 'local' ? row.local_timestamp : row.timestamp, 'us'),
      key: `${venueOf(row.exchange)}:${row.symbol}`,
      value: {
        bid: price(row['bids[0].price'], 'bid'),
        ask: price(row['asks[0].price'], 'ask'),
        bid_size: volume(row['bids[0].amount'], 'bid size'),
        ask_size: volume(row['asks[0].amount'], 'ask size'),
      },
    })),
  }),
  example_file: 'binance-futures_book_snapshot_5_BTCUSDT.csv',
  example_options: {},
  example: `exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount
binance-futures,BTCUSDT,1704067203696000,1704067203810979,42000.08,1.7,42000.07,10.5
binance-futures,BTCUSDT,1704067203888000,1704067203894256,42000.08,1.4,42000.07,10.5`,
})
