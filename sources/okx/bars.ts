import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Bar } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Rest } from '../feed/rest.ts'
import type { Channel, Missing, Row } from '../feed/venue.ts'
import { fillBack } from './fill_back.ts'
import { ask, connectionOf, delivery, instruments, symbol } from './markets.ts'
import { isDecimal, microsOf, type Reader, readerOf, rowsOf } from './wire.ts'

const [minute, hour] = [60e6, 3600e6]
const lengths = {
  ...{ '1m': minute, '3m': 3 * minute, '5m': 5 * minute, '15m': 15 * minute, '30m': 30 * minute },
  ...{ '1h': hour, '2h': 2 * hour, '4h': 4 * hour, '6h': 6 * hour, '12h': 12 * hour, '1d': 24 * hour },
} as const
type Interval = keyof typeof lengths
/** OKX's names: from six hours on, the plain ones begin their days in Hong Kong. */
const nameOf = (interval: Interval): string =>
  interval.replace('h', lengths[interval] < 6 * hour ? 'H' : 'Hutc').replace('d', 'Dutc')

const params = z.strictObject({
  ...feedParams(symbol),
  interval: z
    .enum(Object.keys(lengths) as [Interval, ...Interval[]])
    .default('1m')
    .describe('length of a bar; days begin at 0:00 UTC'),
})
const isBar = guardOf(Bar)

/** Reads the candles of one length. One that is still open is data, and no row. */
export function barsReader(interval: Interval): Reader<Bar> {
  const length = lengths[interval]
  return readerOf<Bar>([`candle${nameOf(interval)}`], ({ symbol: instId, data }) => {
    const closed = data.filter((given) => !(Array.isArray(given) && given[8] === '0'))
    return rowsOf(closed, (given) => barOf(given, instId, length), 'bar_fields')
  })
}
// www.okx.com/docs-v5/en, "WS / Candlesticks channel", "GET / Candlesticks" (2026-08). Bars are numbered by where they
// open, so that a missing one is seen: one without trades is told all the same.
function barOf(given: unknown, instId: string, length: number): Row<Bar> | undefined {
  if (!Array.isArray(given)) return undefined
  const [ts, open, high, low, close, vol, volCcy, volCcyQuote, confirm] = given
  const texts: readonly unknown[] = [open, high, low, close, vol, volCcy, volCcyQuote]
  const start = microsOf(ts)
  if (start === undefined || confirm !== '1' || !texts.every(isDecimal)) return undefined
  const value = {
    ...{ open: Number(open), high: Number(high), low: Number(low), close: Number(close) },
    // `vol` counts base units on spot and contracts elsewhere, where `volCcy` counts base units.
    ...{ volume: Number(instId.split('-').length === 2 ? vol : volCcy), turnover: Number(volCcyQuote) },
    ...{ count: 0, complete: true },
  }
  return isBar(value) ? { symbol: instId, at: start + length, id: Math.floor(start / length), value } : undefined
}

const PAGE = 300
/** `GET market/candles` has 1440 bars. */
const PAGES = 5
/** The newest first, opened before the time `after`. */
const fill = (interval: Interval, missing: Missing, rest: Rest): Promise<readonly Row<Bar>[]> =>
  fillBack(missing, PAGES, async (below) => {
    const { symbol: instId } = missing
    const length = lengths[interval]
    const query = { instId, bar: nameOf(interval), after: (below * length) / 1e3, limit: PAGE }
    return (await ask(rest, 'market/candles', query)).map((given) => barOf(given, instId, length))
  })

export function barsChannel({
  symbols,
  interval,
}: {
  readonly symbols: readonly string[]
  readonly interval: Interval
}): Channel<Bar> {
  return {
    ...connectionOf('business', `candle${nameOf(interval)}`, symbols),
    name: 'okx_bars',
    read: barsReader(interval),
    numbering: 'contiguous',
    fill: (missing, rest) => fill(interval, missing, rest),
  }
}

/** Candles of OKX, told when they are closed. */
export const okxBars = defineSource({
  name: 'okx_bars',
  version: 1,
  summary: 'Closed bars of OKX markets, as OKX builds them.',
  notes: `${instruments} A bar is told when OKX says it is complete, stamped with its end; what OKX tells of open ones keeps the feed from counting as stalled, and is no row. Volume is in base units and turnover in quote units on all markets, unlike the sizes of trades; how many trades are in a bar OKX does not tell (\`count\` 0). Gaps: bars are numbered by where they open, and one without trades is told too. Missing ones are asked for over REST (market/candles, 1440 back) and told in their place, behind an event \`filled\`; what cannot be had in \`fill_within\` is a gap. ${delivery}`,
  output: Bar,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(barsChannel(given), given, context),
  example: { params: { symbols: ['BTC-USDT'], interval: '1m' } },
})
