import { listed } from '../runtime/define.ts'
import { binanceTrades } from './binance/trades.ts'
import { syntheticMarket } from './synthetic/market.ts'
import { tapeBars, tapeQuotes, tapeTrades } from './tape/tape.ts'

export const sources = listed(binanceTrades, syntheticMarket, tapeTrades, tapeQuotes, tapeBars)
