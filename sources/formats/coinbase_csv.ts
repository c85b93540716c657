import { z } from 'zod'
import { Trade } from '../../schemas/market.ts'
import { hasColumns, table } from './csv.ts'
import { aggressorOfTaker, price, size } from './decimal.ts'
import { epoch } from './epoch.ts'
import { defineFormat, ordered, venueOption } from './format.ts'

export const coinbaseCsv = defineFormat({
  name: 'coinbase_csv',
  summary: 'Trades with symbol, taker side, price, amount and an ISO stamp, as QuestDB publishes Coinbase trades.',
  kind: Trade,
  options: z.strictObject({ ...ordered, venue: venueOption('coinbase') }),
  notes: 'The layout of github.com/questdb/sample-datasets: symbol, side, price, amount, timestamp.',
  detects: ({ lines }) =>
    hasColumns(lines[0], 'symbol', 'side', 'price', 'amount', 'timestamp') && !hasColumns(lines[0], 'local_timestamp'),
  open: ({ venue }) => ({
    line: table('coinbase_csv', ['symbol', 'side', 'price', 'amount', 'timestamp'] as const, (row) => ({
      at: epoch(row.timestamp, 'iso'),
      key: `${venue}:${row.symbol}`,
      value: { price: price(row.price), size: size(row.amount), side: aggressorOfTaker(row.side), id: 0 },
    })),
  }),
  example_file: 'btc_trades.csv',
  example_options: {},
  example: `"symbol","side","price","amount","timestamp"
"BTC-USD","sell",42000.02,0.25,"2024-01-01T00:00:01.281719Z"
"BTC-USD","buy",42000.03,3.844E-5,"2024-01-01T00:00:02.722748Z"`,
})
