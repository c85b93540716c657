import { listed } from '../runtime/define.ts'
import { binanceAggTrades } from './binance/agg_trades.ts'
import { binanceBars } from './binance/bars.ts'
import { binanceBook } from './binance/book.ts'
import { binanceQuotes } from './binance/quotes.ts'
import { binanceTrades } from './binance/trades.ts'
import { syntheticMarket } from './synthetic/market.ts'
import { tapeBars } from './tape/bars.ts'
import { tapeQuotes } from './tape/quotes.ts'
import { tapeTrades } from './tape/trades.ts'

export const sources = listed(
  binanceTrades,
  binanceAggTrades,
  binanceQuotes,
  binanceBook,
  binanceBars,
  syntheticMarket,
  tapeTrades,
  tapeQuotes,
  tapeBars,
)
