import { z } from 'zod'
import { Quote } from '../../schemas/market.ts'
import { hasColumns, table } from './csv.ts'
import { price, volume } from './decimal.ts'
import { epoch } from './epoch.ts'
import { defineFormat, ordered, symbolOption, venueOption } from './format.ts'

export const geminiQuotesCsv = defineFormat({
  name: 'gemini_quotes_csv',
  summary: 'Best bid and ask once a second on change, as ccapi records them.',
  kind: Quote,
  options: z.strictObject({ ...ordered, venue: venueOption('gemini'), symbol: symbolOption }),
  notes:
    'The market-depth files of github.com/crypto-chassis/ccapi: time_seconds, then price and size of each side joined by _. Deeper levels, behind |, are left out.',
  detects: ({ lines }) => hasColumns(lines[0], 'time_seconds', 'bid_price_bid_size', 'ask_price_ask_size'),
  open({ venue, symbol }) {
    const key = `${venue}:${symbol}`
    return {
      line: table('gemini_quotes_csv', ['time_seconds', 'bid_price_bid_size', 'ask_price_ask_size'] as const, (row) => {
        const [bid, bidSize] = top(row.bid_price_bid_size)
        const [ask, askSize] = top(row.ask_price_ask_size)
        return {
          at: epoch(row.time_seconds, 's'),
          key,
          value: {
            bid: price(bid, 'bid'),
            ask: price(ask, 'ask'),
            bid_size: volume(bidSize, 'bid size'),
            ask_size: volume(askSize, 'ask size'),
          },
        }
      }),
    }
  },
  example_file: '2024-01-01__market-depth.csv',
  example_options: { symbol: 'ETHUSD' },
  example: `time_seconds,bid_price_bid_size,ask_price_ask_size
1704067200,2271.58_1.6477,2279.63_28.479526
1704067201,2271.58_1.6477,2279.86_11.74342`,
})

const top = (levels: string): readonly string[] => (levels.split('|')[0] as string).split('_')
