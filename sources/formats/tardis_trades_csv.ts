import { z } from 'zod'
import { Trade } from '../../schemas/market.ts'
import { hasColumns, table } from './csv.ts'
import { aggressorOfTaker, price, size, tradeNumber } from './decimal.ts'
import { epoch } from './epoch.ts'
import { defineFormat, ordered } from './format.ts'
import { tardisTime, venueOf } from './tardis.ts'

export const tardisTradesCsv = defineFormat({
  name: 'tardis_trades_csv',
  summary: 'Trades in the CSV layout of tardis.dev.',
  kind: Trade,
  options: z.strictObject({
    ...ordered,
    time: z.enum(['exchange', 'local']).default('exchange').describe('which of the two stamps is event time'),
  }),
  notes: `Columns exchange, symbol, timestamp, local_timestamp (µs), id, side of the taker, price, amount. ${tardisTime} Sizes of inverse contracts stay as the exchange counts them. A trade number that is a UUID becomes 0.`,
  detects: ({ lines }) => hasColumns(lines[0], 'exchange', 'local_timestamp', 'id', 'side', 'price', 'amount'),
  open: ({ time }) => ({
    line: table(
      'tardis_trades_csv',
      ['exchange', 'symbol', 'timestamp', 'local_timestamp', 'id', 'side', 'price', 'amount'] as const,
      (row) => ({
        at: epoch(time === 'local' ? row.local_timestamp : row.timestamp, 'us'),
        key: `${venueOf(row.exchange)}:${row.symbol}`,
        value: {
          price: price(row.price),
          size: size(row.amount, 'amount'),
          side: aggressorOfTaker(row.side),
          id: tradeNumber(row.id),
        },
      }),
    ),
  }),
  example_file: 'bitmex_trades_XBTUSD.csv',
  example_options: {},
  example: `exchange,symbol,timestamp,local_timestamp,id,side,price,amount
bitmex,XBTUSD,1704067200145000,1704067200307160,7f9a2c10-aaaa-bbbb-cccc-000000000001,sell,42000.5,2100
bitmex,XBTUSD,1704067200276000,1704067200336743,7f9a2c10-aaaa-bbbb-cccc-000000000002,buy,42001,1`,
})
