import { listed } from '../runtime/define.ts'
import { binanceAggTrades } from './binance/agg_trades.ts'
import { binanceBars } from './binance/bars.ts'
import { binanceBook } from './binance/book.ts'
import { binanceQuotes } from './binance/quotes.ts'
import { binanceTrades } from './binance/trades.ts'
import { bybitBars } from './bybit/bars.ts'
import { bybitBook } from './bybit/book.ts'
import { bybitQuotes } from './bybit/quotes.ts'
import { bybitTrades } from './bybit/trades.ts'
import { ccxtTrades } from './ccxt/trades.ts'
import { coinbaseBook } from './coinbase/book.ts'
import { coinbaseQuotes } from './coinbase/quotes.ts'
import { coinbaseTrades } from './coinbase/trades.ts'
import { evmBlocks } from './evm/blocks.ts'
import { evmPoolStates } from './evm/pool_states.ts'
import { evmSwaps } from './evm/swaps.ts'
import { krakenBars } from './kraken/bars.ts'
import { krakenBook } from './kraken/book.ts'
import { krakenQuotes } from './kraken/quotes.ts'
import { krakenTrades } from './kraken/trades.ts'
import { okxBars } from './okx/bars.ts'
import { okxBook } from './okx/book.ts'
import { okxQuotes } from './okx/quotes.ts'
import { okxTrades } from './okx/trades.ts'
import { syntheticMarket } from './synthetic/market.ts'
import { tapeBars } from './tape/bars.ts'
import { tapeQuotes } from './tape/quotes.ts'
import { tapeTrades } from './tape/trades.ts'
import { tonJettonHolders } from './ton/holders.ts'
import { tonNetwork } from './ton/network.ts'
import { tonPoolBars } from './ton/pool_bars.ts'
import { tonPoolTrades } from './ton/pool_trades.ts'
import { tonPools } from './ton/pools.ts'
import { tonSwaps } from './ton/swaps.ts'

export const sources = listed(
  binanceTrades,
  binanceAggTrades,
  binanceQuotes,
  binanceBook,
  binanceBars,
  bybitTrades,
  bybitQuotes,
  bybitBook,
  bybitBars,
  okxTrades,
  okxQuotes,
  okxBook,
  okxBars,
  coinbaseTrades,
  coinbaseQuotes,
  coinbaseBook,
  krakenTrades,
  krakenQuotes,
  krakenBook,
  krakenBars,
  evmBlocks,
  evmPoolStates,
  evmSwaps,
  ccxtTrades,
  syntheticMarket,
  tapeTrades,
  tapeQuotes,
  tapeBars,
  tonSwaps,
  tonPools,
  tonPoolTrades,
  tonPoolBars,
  tonJettonHolders,
  tonNetwork,
)
