import { z } from 'zod'
import { Trade } from '../../schemas/market.ts'
import { hasColumns, table } from './csv.ts'
import { aggressorOfBuyerMaker, price, size } from './decimal.ts'
import { epoch } from './epoch.ts'
import { defineFormat, ordered, symbolOption, venueOption } from './format.ts'

export const geminiTradesCsv = defineFormat({
  name: 'gemini_trades_csv',
  summary: 'Trades with seconds, price, size and whether the buyer made, as ccapi records them.',
  kind: Trade,
  options: z.strictObject({ ...ordered, venue: venueOption('gemini'), symbol: symbolOption }),
  notes: 'The trade files of github.com/crypto-chassis/ccapi: time_seconds, price, size, is_buyer_maker.',
  detects: ({ lines }) => hasColumns(lines[0], 'time_seconds', 'price', 'size', 'is_buyer_maker'),
  open({ venue, symbol }) {
    const key = `${venue}:${symbol}`
    return {
      line: table('gemini_trades_csv', ['time_seconds', 'price', 'size', 'is_buyer_maker'] as const, (row) => ({
        at: epoch(row.time_seconds, 's'),
        key,
        value: {
          price: price(row.price),
          size: size(row.size),
          side: aggressorOfBuyerMaker(row.is_buyer_maker),
          id: 0,
        },
      })),
    }
  },
  example_file: '2024-01-01__trade.csv',
  example_options: { symbol: 'ETHUSD' },
  example: `time_seconds,price,size,is_buyer_maker
1704067200.647,2278.15,0.0409,1
1704067226.087,2272,3.6456,0`,
})
