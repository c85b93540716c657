import { listed } from '../runtime/define.ts'
import { portfolio } from './account/portfolio.ts'
import { atr } from './feature/atr.ts'
import { bollinger } from './feature/bollinger.ts'
import { ema } from './feature/ema.ts'
import { macd } from './feature/macd.ts'
import { rsi } from './feature/rsi.ts'
import { sma } from './feature/sma.ts'
import { vwap } from './feature/vwap.ts'
import { arbitrageScan } from './market/arbitrage_scan.ts'
import { bestQuote } from './market/best_quote.ts'
import { consolidatedPrice } from './market/consolidated_price.ts'
import { orderBook } from './market/order_book.ts'
import { poolQuote } from './market/pool_quote.ts'
import { passGate } from './risk/pass_gate.ts'
import { riskGate } from './risk/risk_gate.ts'
import { allIn } from './sizing/all_in.ts'
import { fixedNotional } from './sizing/fixed_notional.ts'
import { fixedQuantity } from './sizing/fixed_quantity.ts'
import { stopAndReverse } from './sizing/stop_and_reverse.ts'
import { cross } from './window/cross.ts'
import { timeBars } from './window/time_bars.ts'

/** Every operator, listed by hand: being in this list is what makes an operator known, documented and lawful. */
export const operators = listed(
  timeBars,
  cross,
  sma,
  ema,
  rsi,
  macd,
  bollinger,
  atr,
  vwap,
  fixedNotional,
  fixedQuantity,
  allIn,
  stopAndReverse,
  riskGate,
  passGate,
  portfolio,
  orderBook,
  poolQuote,
  bestQuote,
  consolidatedPrice,
  arbitrageScan,
)
