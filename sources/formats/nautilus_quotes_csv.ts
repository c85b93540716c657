import { z } from 'zod'
import { Quote } from '../../schemas/market.ts'
import { hasColumns, table } from './csv.ts'
import { price, volume } from './decimal.ts'
import { epoch } from './epoch.ts'
import { defineFormat, ordered, symbolOption, venueOption } from './format.ts'

export const nautilusQuotesCsv = defineFormat({
  name: 'nautilus_quotes_csv',
  summary: 'Quotes as the data frames of NautilusTrader hold them: timestamp, symbol, bid, ask and their sizes.',
  kind: Quote,
  options: z.strictObject({
    ...ordered,
    venue: venueOption('binance'),
    symbol: symbolOption.optional().describe('second half of the instrument; BTCUSDT from BTC/USDT if left out'),
  }),
  notes: 'Stamps are ISO text with a zone; without one they count as UTC. The slash of the symbol column is dropped.',
  detects: ({ lines }) => hasColumns(lines[0], 'timestamp', 'symbol', 'bid', 'ask', 'bid_size', 'ask_size'),
  open: ({ venue, symbol }) => ({
    line: table(
      'nautilus_quotes_csv',
      ['timestamp', 'symbol', 'bid', 'ask', 'bid_size', 'ask_size'] as const,
      (row) => ({
        at: epoch(row.timestamp, 'iso'),
        key: `${venue}:${symbol ?? row.symbol.replace('/', '')}`,
        value: {
          bid: price(row.bid, 'bid'),
          ask: price(row.ask, 'ask'),
          bid_size: volume(row.bid_size, 'bid size'),
          ask_size: volume(row.ask_size, 'ask size'),
        },
      }),
    ),
  }),
  example_file: 'btcusdt-quotes.csv',
  example_options: {},
  example: `timestamp,symbol,ask_size,ask,bid_size,bid
2024-01-01 00:00:01.076000+00:00,BTC/USDT,0.066851,42000.62,0.0031,42000.01
2024-01-01 00:00:01.157000+00:00,BTC/USDT,0.018027,42000.6,2.0,42000.01`,
})
