import { listed } from '../runtime/define.ts'
import { binanceTrades } from './binance/trades.ts'
import { tapeBars, tapeQuotes, tapeTrades } from './tape/tape.ts'

export const sources = listed(binanceTrades, tapeTrades, tapeQuotes, tapeBars)
