import { z } from 'zod'
import { Trade } from '../../schemas/market.ts'
import { hasColumns, table } from './csv.ts'
import { aggressorOfTaker, price, size, tradeNumber } from './decimal.ts'
import { epoch } from './epoch.ts'
import { defineFormat, ordered } from './format.ts'

export const cryptoMicrostructureCsv = defineFormat({
  name: 'crypto_microstructure_csv',
  summary: "Trades with a stamp of receipt and the exchange's own, as the crypto-microstructure recorder keeps them.",
  kind: Trade,
  options: z.strictObject({
    ...ordered,
    time: z.enum(['exchange', 'receive']).default('exchange').describe('which of the two stamps is event time'),
  }),
  notes: 'Columns ts_ms (receipt) and exch_ts_ms in ms, venue, symbol, trade_id, price, qty, side of the taker.',
  detects: ({ lines }) => hasColumns(lines[0], 'exch_ts_ms', 'trade_id', 'qty', 'side'),
  open: ({ time }) => ({
    line: table(
      'crypto_microstructure_csv',
      ['ts_ms', 'exch_ts_ms', 'venue', 'symbol', 'trade_id', 'price', 'qty', 'side'] as const,
      (row) => ({
        at: epoch(time === 'exchange' ? row.exch_ts_ms : row.ts_ms, 'ms'),
        key: `${row.venue.toLowerCase()}:${row.symbol}`,
        value: {
          price: price(row.price),
          size: size(row.qty),
          side: aggressorOfTaker(row.side),
          id: tradeNumber(row.trade_id),
        },
      }),
    ),
  }),
  ids_increase: true,
  example_file: 'trades_btc_spot.csv',
  example_options: {},
  example: `ts_ms,exch_ts_ms,venue,market_type,symbol,trade_id,price,qty,side
1704067200150,1704067200000,Binance,spot,BTCUSDT,7,42000.01,0.25,buy
1704067200160,1704067200004,Binance,spot,BTCUSDT,8,42000.00,8e-05,sell`,
})
