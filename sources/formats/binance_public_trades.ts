import { z } from 'zod'
import { Trade } from '../../schemas/market.ts'
import { symbolOfFile } from './binance_public.ts'
import { withoutHeader } from './csv.ts'
import { aggressorOfBuyerMaker, price, size, tradeNumber } from './decimal.ts'
import { epoch, unitOf } from './epoch.ts'
import { defineFormat, ordered, symbolOption, symbolUnknown, venueOption } from './format.ts'

export const binancePublicTrades = defineFormat({
  name: 'binance_public_trades',
  summary: 'Trades of data.binance.vision, daily or monthly files.',
  kind: Trade,
  options: z.strictObject({
    ...ordered,
    venue: venueOption('binance'),
    symbol: symbolOption.optional().describe('second half of the instrument; from the name of the file if left out'),
  }),
  notes:
    'Columns id, price, qty, quote_qty, time, is_buyer_maker, with or without a header (github.com/binance/binance-public-data, read 2025). Stamps are ms, and µs in spot files from 2025-01-01 on, told apart by their length. The zip archives can be read as they are.',
  ids_increase: true,
  detects: ({ file }) => symbolOfFile(file, 'trades') !== undefined,
  open({ venue, symbol }, file) {
    const key = `${venue}:${symbol ?? symbolOfFile(file, 'trades') ?? symbolUnknown('binance_public_trades')}`
    return {
      line: withoutHeader('binance_public_trades', 6, (cells) => ({
        at: epoch(cells[4], unitOf(cells[4])),
        key,
        value: {
          price: price(cells[1]),
          size: size(cells[2]),
          side: aggressorOfBuyerMaker(cells[5]),
          id: tradeNumber(cells[0]),
        },
      })),
    }
  },
  example_file: 'BTCUSDT-trades-2024-01-01.csv',
  example_options: {},
  example: `7,42000.01,0.25,10500.0025,1704067200000,True,True
8,42000.02,0.5,21000.01,1704067200004,False,True
9,42000.00,0.1,4200.0,1704067200100,True,True`,
})
