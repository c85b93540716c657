import { z } from 'zod'
import { Trade } from '../../schemas/market.ts'
import { symbolOfFile } from './binance_public.ts'
import { withoutHeader } from './csv.ts'
import { aggressorOfBuyerMaker, price, size, tradeNumber } from './decimal.ts'
import { epoch, unitOf } from './epoch.ts'
import { defineFormat, ordered, symbolOption, symbolUnknown, venueOption } from './format.ts'

export const binancePublicAggTrades = defineFormat({
  name: 'binance_public_agg_trades',
  summary: 'Aggregated trades of data.binance.vision: fills of one taker order at one price in one row.',
  kind: Trade,
  options: z.strictObject({
    ...ordered,
    venue: venueOption('binance'),
    symbol: symbolOption.optional().describe('second half of the instrument; from the name of the file if left out'),
  }),
  notes:
    'Columns agg_trade_id, price, quantity, first_trade_id, last_trade_id, transact_time, is_buyer_maker, with or without a header (github.com/binance/binance-public-data, read 2025). Stamps are ms, and µs in spot files from 2025-01-01 on, told apart by their length. The zip archives can be read as they are.',
  ids_increase: true,
  detects: ({ file }) => symbolOfFile(file, 'aggTrades') !== undefined,
  open({ venue, symbol }, file) {
    const key = `${venue}:${symbol ?? symbolOfFile(file, 'aggTrades') ?? symbolUnknown('binance_public_agg_trades')}`
    return {
      line: withoutHeader('binance_public_agg_trades', 7, (cells) => ({
        at: epoch(cells[5], unitOf(cells[5])),
        key,
        value: {
          price: price(cells[1]),
          size: size(cells[2]),
          side: aggressorOfBuyerMaker(cells[6]),
          id: tradeNumber(cells[0]),
        },
      })),
    }
  },
  example_file: 'BTCUSDT-aggTrades-2024-01-01.csv',
  example_options: {},
  example: `26129,42000.01,0.25,27781,27782,1704067200000,true,true
26130,42000.02,0.5,27783,27783,1704067200004,false,true
26131,42000.00,0.1,27784,27786,1704067200100,true,true`,
})
