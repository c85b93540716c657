import type { Observable } from 'rxjs'
import { z } from 'zod'
import { wallClock } from '../../runtime/clock.ts'
import type { SourceItem } from '../../runtime/connect.ts'
import { encodeItems } from '../../runtime/feed.ts'
import { plan } from '../../runtime/plan.ts'
import { type BinanceTradesParams, binanceTrades, tradesChannel } from '../../sources/binance/trades.ts'
import { openFeed } from '../../sources/feed/feed.ts'
import { symbolName } from '../../testing/trade_maker.ts'

/** `binance_trades` on a local venue. */
export function feedOf(url: string, symbols: number, more: object = {}): Observable<readonly SourceItem[]> {
  const names = Array.from({ length: symbols }, (_, n) => symbolName(n))
  const given = z.parse(binanceTrades.definition.params, {
    symbols: names,
    max_jump: 0,
    ...more,
  }) as BinanceTradesParams
  return openFeed(tradesChannel(given), given, {
    clock: wallClock,
    random: Math.random,
    position: 0,
    endpoint: (name) => (name === 'binance_trades' ? url : undefined),
    notice: () => {},
  })
}

const definition = { pipeline: 'bench', nodes: { trades: { source: 'binance_trades', params: { symbols: ['A'] } } } }
const [source] = plan(
  definition,
  { sources: { binance_trades: binanceTrades.definition }, operators: {}, sinks: {} },
  'paper',
).sources
/** Items as frames, as the log takes them. */
export const framesOf = (items: readonly SourceItem[]): readonly Uint8Array[] =>
  source === undefined ? [] : encodeItems(source, items)
