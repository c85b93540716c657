import type { Bar } from '../../schemas/market.ts'
import { parseDuration } from '../../schemas/units.ts'
import { price, volume } from './decimal.ts'
import { refuse } from './format.ts'

/** The texts of one bar; what a file does not tell is left out. */
export interface BarText {
  readonly open: string | undefined
  readonly high: string | undefined
  readonly low: string | undefined
  readonly close: string | undefined
  readonly volume: string | undefined
  readonly turnover?: string | undefined
  readonly count?: string | undefined
}

/** Without a turnover in the file it is estimated as volume x the mean of high, low and close; without a count it is 0. */
export function barOfText(text: BarText): Bar {
  const open = price(text.open, 'open')
  const high = price(text.high, 'high')
  const low = price(text.low, 'low')
  const close = price(text.close, 'close')
  if (high < open || high < close || low > open || low > close)
    refuse(`expected low <= open, close <= high, found open ${open}, high ${high}, low ${low}, close ${close}`)
  const traded = volume(text.volume)
  const turnover = text.turnover === undefined ? (traded * (high + low + close)) / 3 : volume(text.turnover, 'turnover')
  const count = text.count === undefined ? 0 : volume(text.count, 'count')
  return { open, high, low, close, volume: traded, turnover, count, complete: true }
}

/** The length of a bar in a file's name: `BTCUSD-1m-2018.csv`, `BTC-USD-4h.csv`. */
export function lengthInName(file: string): number | undefined {
  const length = /(?:^|[-_./])(\d+(?:s|m|h|d))(?=$|[-_.])/.exec(file.slice(file.lastIndexOf('/') + 1))?.[1]
  return length === undefined ? undefined : parseDuration(length)
}
