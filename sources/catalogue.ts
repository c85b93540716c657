import { listed } from '../runtime/define.ts'
import { binanceTrades } from './binance/trades.ts'
import { syntheticMarket } from './synthetic/market.ts'
import { tapeBars } from './tape/bars.ts'
import { tapeQuotes } from './tape/quotes.ts'
import { tapeTrades } from './tape/trades.ts'

export const sources = listed(binanceTrades, syntheticMarket, tapeTrades, tapeQuotes, tapeBars)
