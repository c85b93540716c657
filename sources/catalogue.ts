import { listed } from '../runtime/define.ts'
import { binanceTrades } from './binance/trades.ts'
import { evmBlocks } from './evm/blocks.ts'
import { evmPoolStates } from './evm/pool_states.ts'
import { evmSwaps } from './evm/swaps.ts'
import { syntheticMarket } from './synthetic/market.ts'
import { tapeBars } from './tape/bars.ts'
import { tapeQuotes } from './tape/quotes.ts'
import { tapeTrades } from './tape/trades.ts'

export const sources = listed(
  binanceTrades,
  evmBlocks,
  evmPoolStates,
  evmSwaps,
  syntheticMarket,
  tapeTrades,
  tapeQuotes,
  tapeBars,
)
