import type { Kind } from '../schemas/kind.ts'
import { Bar, Quote, Trade } from '../schemas/market.ts'
import { aggTradesChannel } from '../sources/binance/agg_trades.ts'
import { barsChannel } from '../sources/binance/bars.ts'
import { bookChannel } from '../sources/binance/book.ts'
import * as binance from '../sources/binance/frames.ts'
import { quotesChannel } from '../sources/binance/quotes.ts'
import { tradesChannel } from '../sources/binance/trades.ts'
import { barsReader as bybitBars } from '../sources/bybit/bars.ts'
import { bookReader as bybitBook } from '../sources/bybit/book.ts'
import * as bybit from '../sources/bybit/frames.ts'
import { readQuotes as bybitQuotes } from '../sources/bybit/quotes.ts'
import { readTrades as bybitTrades } from '../sources/bybit/trades.ts'
import { readBookFrame as coinbaseBook } from '../sources/coinbase/book.ts'
import * as coinbase from '../sources/coinbase/frames.ts'
import { readTickerFrame as coinbaseQuote } from '../sources/coinbase/quotes.ts'
import { readMatchFrame } from '../sources/coinbase/trades.ts'
import type { Word } from '../sources/feed/venue.ts'
import { candleReader } from '../sources/kraken/bars.ts'
import { readBookFrame as krakenBook } from '../sources/kraken/book.ts'
import * as kraken from '../sources/kraken/frames.ts'
import { readTickerFrame as krakenQuote } from '../sources/kraken/quotes.ts'
import { readTradeFrame as krakenTrade } from '../sources/kraken/trades.ts'
import { barsReader as okxBars } from '../sources/okx/bars.ts'
import { readBook as okxBook } from '../sources/okx/book.ts'
import * as okx from '../sources/okx/frames.ts'
import { readQuotes as okxQuote } from '../sources/okx/quotes.ts'
import { readTrades as okxTrade } from '../sources/okx/trades.ts'

const given = { symbols: ['BTCUSDT'], market: 'spot', levels: 100, interval: '1m' } as const

export type Read = (bytes: Buffer, binary: boolean) => Word<unknown>
/** How each channel reads a message, by `venue what`, and the kind of its rows; a book has none. */
export const readers: Readonly<Record<string, readonly [Read, Kind | undefined]>> = {
  'binance trades': [tradesChannel(given).read, Trade],
  'binance agg_trades': [aggTradesChannel(given).read, Trade],
  'binance quotes': [quotesChannel(given).read, Quote],
  'binance book': [bookChannel(given).read, undefined],
  'binance bars': [barsChannel(given).read, Bar],
  'coinbase trades': [readMatchFrame, Trade],
  'coinbase quotes': [coinbaseQuote, Quote],
  'coinbase book': [coinbaseBook, undefined],
  'kraken trades': [krakenTrade, Trade],
  'kraken quotes': [krakenQuote, Quote],
  'kraken book': [krakenBook, undefined],
  'okx trades': [okxTrade, Trade],
  'okx quotes': [okxQuote, Quote],
  'okx book': [okxBook, undefined],
  'okx bars': [okxBars('1m'), Bar],
  'kraken bars': [candleReader(1), Bar],
  'bybit trades': [bybitTrades, Trade],
  'bybit quotes': [bybitQuotes, Quote],
  'bybit book': [bybitBook(50), undefined],
  'bybit bars': [bybitBars({ market: 'spot', interval: '1m' }), Bar],
}

/** Every text and every maker of texts a venue's test frames have. */
function corpusOf(frames: Readonly<Record<string, unknown>>): readonly Buffer[] {
  const found: Buffer[] = []
  const keep = (value: unknown): void => {
    if (typeof value === 'string' || Buffer.isBuffer(value)) found.push(Buffer.from(value))
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(keep)
    else if (typeof value === 'function')
      try {
        keep((value as (n: number, m: unknown) => unknown)(3, undefined))
      } catch {
        // wants arguments of its own
      }
  }
  Object.values(frames).forEach(keep)
  return found.filter((frame) => frame.length < 5000)
}
const { guide } = kraken
const [bids, asks] = [[['10101.10', '0.45054140']], [['10102.55', '0.57753524']]] as const
// "Kline/Candlestick Streams" of Spot, WebSocket Streams (2026-11)
const kline = {
  ...{ t: 1_672_515_780_000, T: 1_672_515_839_999, s: 'BTCUSDT', i: '1m', f: 100, L: 200, o: '0.0010', c: '0.0020' },
  ...{ h: '0.0025', l: '0.0005', v: '1000', n: 100, x: true, q: '1.0000', V: '500', Q: '0.500', B: '123456' },
}
/** Frames whose makers want to be told what is in them. */
const made: Readonly<Record<string, readonly string[]>> = {
  binance: [
    JSON.stringify({ stream: 'btcusdt@kline_1m', data: { e: 'kline', E: kline.T + 1, s: 'BTCUSDT', k: kline } }),
  ],
  bybit: [bybit.bookFrame(0, 1), bybit.bookFrame(1, 2, { type: 'delta' }), bybit.bookFrame(0, 1, { depth: 1 })],
  coinbase: [
    coinbase.snapshotFrame(bids, asks),
    coinbase.changeFrame([['buy', '10101.80', '0.162567']], coinbase.frameTime),
  ],
  kraken: [
    ...[kraken.tickerFrame(99.5, 100), kraken.ohlcFrame('update', kraken.candleOf(1, 3))],
    kraken.bookFrame('snapshot', guide, guide.checksum, kraken.frameTime),
  ],
}
/** The frames the tests of each venue are written with. */
export const corpora: Readonly<Record<string, readonly Buffer[]>> = Object.fromEntries(
  Object.entries({ binance, bybit, coinbase, kraken, okx }).map(([venue, frames]) => [
    venue,
    [...corpusOf(frames), ...(made[venue] ?? []).map((frame) => Buffer.from(frame))],
  ]),
)
