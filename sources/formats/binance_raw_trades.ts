import { z } from 'zod'
import { Trade } from '../../schemas/market.ts'
import { exchangeTime, isStream, received, symbolOf, tradeOf } from './binance_raw.ts'
import { defineFormat, flag, ordered, refuse, venueOption } from './format.ts'

export const binanceRawTrades = defineFormat({
  name: 'binance_raw_trades',
  summary: 'Trades out of raw Binance combined-stream frames, one `<receive stamp> <json>` a line.',
  kind: Trade,
  options: z.strictObject({
    ...ordered,
    venue: venueOption('binance'),
    unit: z.enum(['ns', 'us']).default('ns').describe('unit of the receive stamp'),
    market_only: flag(true).describe('leave out USD-M prints that no market order made (field X is not MARKET)'),
  }),
  notes:
    'What recorders of Binance streams write, such as that of hftbacktest. Event time is the time of the trade (T); the receive stamp is not used. Frames of other streams are passed over. Sizes of COIN-M contracts stay numbers of contracts.',
  ids_increase: true,
  detects: ({ lines }) => lines.some((line) => /^\d{16,19} \{"stream":/.test(line)),
  open: ({ venue, unit, market_only }) => ({
    line(text) {
      const frame = received(text, unit)
      if (frame === undefined || !isStream(frame, 'trade')) return undefined
      if (market_only && frame.frame.X !== undefined && frame.frame.X !== 'MARKET') return undefined
      const at = exchangeTime(frame.frame.T) ?? refuse('expected the field T, the time of the trade')
      return { at, key: `${venue}:${symbolOf(frame)}`, value: tradeOf(frame) }
    },
  }),
  example_file: 'btcusdt.jsonl',
  example_options: {},
  example: `1704067200001000000 {"stream":"btcusdt@trade","data":{"e":"trade","E":1704067200000,"s":"BTCUSDT","t":1,"p":"42000.00","q":"0.5","T":1704067200000,"m":true,"M":true}}
1704067200002000000 {"stream":"btcusdt@bookTicker","data":{"u":2,"s":"BTCUSDT","b":"41999.99","B":"1","a":"42000.00","A":"2"}}
1704067200003000000 {"stream":"btcusdt@trade","data":{"e":"trade","E":1704067200002,"s":"BTCUSDT","t":2,"p":"42000.01","q":"0.1","T":1704067200001,"m":false,"M":true}}`,
})
