import { z } from 'zod'
import { Trade } from '../../schemas/market.ts'
import { duration, formatDuration } from '../../schemas/units.ts'
import { hasColumns, table } from './csv.ts'
import { aggressorOfBuyerMaker, price, size, tradeNumber } from './decimal.ts'
import { epoch, unitOf } from './epoch.ts'
import { defineFormat, ordered, refuse, venueOption } from './format.ts'

export const binanceProcessorCsv = defineFormat({
  name: 'binance_processor_csv',
  summary: 'Binance trade streams as the Binance-Data-Processor writes them: stamps of receipt, event and transaction.',
  kind: Trade,
  options: z.strictObject({
    ...ordered,
    venue: venueOption('binance'),
    max_delay: duration()
      .default(6e7)
      .describe('how far the stamp of receipt may lie from the transaction before the row is invalid'),
  }),
  notes:
    'Event time is TransactionTime; spot files count µs, futures files ms, told apart by their length. Lines that start with # are a quality report and passed over. Futures rows whose XUnknownParameter is not MARKET are prints without a trade (price and quantity 0) and passed over.',
  ids_increase: true,
  detects: ({ lines }) => lines.some((line) => hasColumns(line, 'transactiontime', 'isbuyermarketmaker', 'tradeid')),
  open({ venue, max_delay }) {
    const columns = [
      'timestampofreceive',
      'transactiontime',
      'symbol',
      'tradeid',
      'price',
      'quantity',
      'isbuyermarketmaker',
    ] as const
    let market: number | undefined
    const read = table('binance_processor_csv', columns, (row) => {
      const at = epoch(row.transactiontime, unitOf(row.transactiontime))
      const delay = epoch(row.timestampofreceive, unitOf(row.timestampofreceive)) - at
      if (Math.abs(delay) > max_delay)
        refuse(`received ${formatDuration(Math.abs(delay))} ${delay < 0 ? 'before' : 'after'} its transaction`)
      return {
        at,
        key: `${venue}:${row.symbol}`,
        value: {
          price: price(row.price),
          size: size(row.quantity),
          side: aggressorOfBuyerMaker(row.isbuyermarketmaker),
          id: tradeNumber(row.tradeid),
        },
      }
    })
    return {
      line(text, number) {
        if (text.startsWith('#')) return undefined
        if (market === undefined) market = hasColumns(text, 'xunknownparameter') ? text.split(',').length - 1 : -1
        else if (market >= 0 && text.split(',')[market] !== 'MARKET') return undefined
        return read(text, number)
      },
    }
  },
  example_file: 'trade_stream_spot_btcusdt.csv',
  example_options: {},
  example: `TimestampOfReceive,Stream,EventType,EventTime,TransactionTime,Symbol,TradeId,Price,Quantity,IsBuyerMarketMaker,MUnknownParameter
1704067200000900,btcusdt@trade,trade,1704067200000500,1704067200000100,BTCUSDT,7,42000.01,0.25,1,True
1704067200300900,btcusdt@trade,trade,1704067200300500,1704067200300100,BTCUSDT,8,42000.02,0.5,0,True`,
})
