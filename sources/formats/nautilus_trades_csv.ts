import { z } from 'zod'
import { Trade } from '../../schemas/market.ts'
import { hasColumns, table } from './csv.ts'
import { aggressorOfBuyerMaker, price, size, tradeNumber } from './decimal.ts'
import { epoch } from './epoch.ts'
import { defineFormat, ordered, symbolOption, venueOption } from './format.ts'

export const nautilusTradesCsv = defineFormat({
  name: 'nautilus_trades_csv',
  summary: 'Trades as the data frames of NautilusTrader hold them: timestamp, trade_id, price, quantity, buyer_maker.',
  kind: Trade,
  options: z.strictObject({ ...ordered, venue: venueOption('binance'), symbol: symbolOption }),
  notes: 'Stamps are ISO text with a zone; without one they count as UTC.',
  detects: ({ lines }) => hasColumns(lines[0], 'timestamp', 'trade_id', 'price', 'quantity', 'buyer_maker'),
  open({ venue, symbol }) {
    const key = `${venue}:${symbol}`
    return {
      line: table(
        'nautilus_trades_csv',
        ['timestamp', 'trade_id', 'price', 'quantity', 'buyer_maker'] as const,
        (row) => ({
          at: epoch(row.timestamp, 'iso'),
          key,
          value: {
            price: price(row.price),
            size: size(row.quantity),
            side: aggressorOfBuyerMaker(row.buyer_maker),
            id: tradeNumber(row.trade_id),
          },
        }),
      ),
    }
  },
  example_file: 'btcusdt-trades.csv',
  example_options: { symbol: 'BTCUSDT' },
  example: `timestamp,trade_id,price,quantity,buyer_maker
2024-01-01 00:00:00.278000+00:00,7,42000.48,0.000263,True
2024-01-01 00:00:01+00:00,8,42000.44,0.00031099999999999997,False`,
})
