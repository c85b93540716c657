import { TidegateError } from '../../schemas/errors.ts'
import { binanceProcessorCsv } from './binance_processor_csv.ts'
import { binancePublicAggTrades } from './binance_public_agg_trades.ts'
import { binancePublicKlines } from './binance_public_klines.ts'
import { binancePublicTrades } from './binance_public_trades.ts'
import { binanceRawQuotes } from './binance_raw_quotes.ts'
import { binanceRawTrades } from './binance_raw_trades.ts'
import { ccxtTradesJson } from './ccxt_trades_json.ts'
import { coinbaseCsv } from './coinbase_csv.ts'
import { cryptoMicrostructureCsv } from './crypto_microstructure_csv.ts'
import { cryptodatadownloadCsv } from './cryptodatadownload_csv.ts'
import type { Format, Head } from './format.ts'
import { geminiQuotesCsv } from './gemini_quotes_csv.ts'
import { geminiTradesCsv } from './gemini_trades_csv.ts'
import { jsonlBars, jsonlQuotes, jsonlTrades } from './jsonl.ts'
import { leanBarsCsv } from './lean_bars_csv.ts'
import { leanQuotesCsv } from './lean_quotes_csv.ts'
import { mtgoxCsv } from './mtgox_csv.ts'
import { nautilusQuotesCsv } from './nautilus_quotes_csv.ts'
import { nautilusTradesCsv } from './nautilus_trades_csv.ts'
import { ohlcvCsv } from './ohlcv_csv.ts'
import { parquetBars, parquetQuotes, parquetTrades } from './parquet.ts'
import { tardisBookCsv } from './tardis_book_csv.ts'
import { tardisQuotesCsv } from './tardis_quotes_csv.ts'
import { tardisTradesCsv } from './tardis_trades_csv.ts'

/** In the order in which `detect` asks: exact layouts first, the general candle table last. */
const all: readonly Format[] = [
  binanceRawQuotes,
  binanceRawTrades,
  binanceProcessorCsv,
  binancePublicAggTrades,
  binancePublicTrades,
  binancePublicKlines,
  cryptoMicrostructureCsv,
  mtgoxCsv,
  geminiTradesCsv,
  geminiQuotesCsv,
  coinbaseCsv,
  ccxtTradesJson,
  tardisTradesCsv,
  tardisQuotesCsv,
  tardisBookCsv,
  nautilusTradesCsv,
  nautilusQuotesCsv,
  leanBarsCsv,
  leanQuotesCsv,
  cryptodatadownloadCsv,
  parquetTrades,
  parquetQuotes,
  parquetBars,
  jsonlTrades,
  jsonlQuotes,
  jsonlBars,
  ohlcvCsv,
]

/** Every import format, by name. */
export const formats: Readonly<Record<string, Format>> = Object.fromEntries(all.map((format) => [format.name, format]))

export function formatNamed(name: string): Format {
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined
  if (format !== undefined) return format
  throw new TidegateError('FORMAT_UNKNOWN', `no import format ${name}; there are ${Object.keys(formats).join(', ')}`, {
    found: name,
    known: Object.keys(formats),
  })
}

/** The format a file seems to have, by its path and first lines. */
export const detect = (file: string, firstLines: readonly string[]): Format | undefined => {
  const head: Head = { file, lines: firstLines }
  return all.find((format) => format.detects(head))
}
