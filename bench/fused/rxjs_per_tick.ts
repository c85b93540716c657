// biome-ignore-all lint/suspicious/noDeprecatedImports: only signatures that are not used here are deprecated
import {
  filter,
  groupBy,
  map,
  merge,
  mergeMap,
  type Observable,
  Subject,
  scan,
  share,
  take,
  tap,
  withLatestFrom,
} from 'rxjs'
import type { Bar } from '../../schemas/market.ts'
import { type Feed, LATENESS } from './feed.ts'
import { rules, scoreOf } from './rules.ts'
import { accountOf, type Fill, gateOf, type Order, venueOf } from './rxjs_trading.ts'
import { put, putBar, Sheets } from './sheets.ts'
import { bandsOf, emaOf, fairOf, macdOf, rangeOf, rsiOf } from './steps.ts'
import type { Running } from './variants.ts'

export interface Tick {
  readonly type: 'tick'
  readonly at: number
  readonly symbol: number
  readonly price: number
  readonly size: number
}
/** Event time reached the end of a second. */
interface Boundary {
  readonly type: 'boundary'
  readonly at: number
}
export interface Signal {
  readonly at: number
  readonly symbol: number
  readonly direction: 1 | -1
  readonly strength: number
  readonly price: number
}
interface Timed {
  readonly at: number
  readonly bar: Bar
}

const defined = <T>(value: T | undefined): value is T => value !== undefined
/** A step with memory that may be silent. */
const present =
  <A, B>(step: (value: A) => B | undefined) =>
  (source: Observable<A>): Observable<B> =>
    source.pipe(map(step), filter(defined))

/** Says whether a tick is in time; before it goes on, the ends of seconds and minutes that it passed are told. */
function watermarks(feed: Feed, seconds: readonly Subject<Boundary>[], minutes: Subject<number>) {
  const newest = new Float64Array(seconds.length).fill(Number.NEGATIVE_INFINITY)
  const next = new Float64Array(seconds.length)
  let statement = 0
  return (tick: Tick): boolean => {
    const group = feed.group[tick.symbol]!
    const time = newest[group]!
    if (statement === 0) statement = (Math.floor(tick.at / rules.every) + 1) * rules.every
    for (; statement <= tick.at; statement += rules.every) minutes.next(statement)
    if (tick.at <= time) return tick.at >= time - LATENESS
    newest[group] = tick.at
    const mark = tick.at - LATENESS
    if (time === Number.NEGATIVE_INFINITY) next[group] = (Math.floor(mark / 1e6) + 1) * 1e6
    for (; next[group]! <= mark; next[group]! += 1e6) seconds[group]!.next({ type: 'boundary', at: next[group]! })
    return true
  }
}

/** Two windows stay open, as ticks of the next one may come before the end of this one is certain. */
function barsOf(every: number) {
  type Open = { -readonly [Field in keyof Bar]: Bar[Field] }
  const open = new Map<number, Open>()
  return (event: Tick | Boundary): Timed | undefined => {
    if (event.type === 'boundary') {
      if (event.at % every !== 0) return undefined
      const bar = open.get(event.at)
      open.delete(event.at)
      return bar && { at: event.at, bar }
    }
    const { price, size } = event
    const end = (Math.floor(event.at / every) + 1) * every
    const bar = open.get(end)
    if (bar === undefined)
      open.set(end, {
        open: price,
        high: price,
        low: price,
        close: price,
        volume: size,
        turnover: price * size,
        count: 1,
        complete: true,
      })
    else {
      if (price > bar.high) bar.high = price
      if (price < bar.low) bar.low = price
      bar.close = price
      bar.volume += size
      bar.turnover += price * size
      bar.count++
    }
    return undefined
  }
}

export function rxjsPerTick(feed: Feed): Running {
  const at = feed.at.slice()
  const sheets = new Sheets()
  let late = 0
  const ticks = new Subject<Tick>()
  const seconds = Array.from({ length: 64 }, () => new Subject<Boundary>())
  const minutes = new Subject<number>()
  const fills = new Subject<Fill>()
  const inTime = watermarks(feed, seconds, minutes)
  const known = ticks.pipe(
    filter((tick) => {
      const known = inTime(tick)
      if (!known) late++
      return known
    }),
    share(),
  )

  const ofSymbol = (symbol: number, own: Observable<Tick>): Observable<unknown> => {
    const boundaries = seconds[feed.group[symbol]!]!
    const orders = new Subject<Order>()
    const filled = merge(orders, own).pipe(
      map(venueOf()),
      filter((some) => some.length > 0),
      mergeMap((some) => some),
      share(),
    )
    const minute = merge(boundaries, own).pipe(present(barsOf(60e6)), share())
    const second = merge(boundaries, own).pipe(present(barsOf(1e6)), share())
    const bars = second.pipe(
      map(({ bar }) => bar),
      share(),
    )
    const trend = minute.pipe(map(({ bar }) => bar)).pipe(map(emaOf(rules.trend)))
    const fast = bars.pipe(map(emaOf(rules.fast)), share())
    const score = second.pipe(
      withLatestFrom(
        fast,
        bars.pipe(map(emaOf(rules.slow))),
        bars.pipe(present(macdOf(rules.fast, rules.slow, rules.signal))),
        bars.pipe(present(rsiOf(rules.strength))),
        bars.pipe(present(bandsOf(rules.bands, rules.deviations))),
      ),
      withLatestFrom(bars.pipe(present(rangeOf(rules.range))), bars.pipe(present(fairOf(rules.fair)))),
      map(([[{ at: time, bar }, quick, steady, macd, strength, bands], range, fair]) => ({
        at: time,
        value: scoreOf(
          bar.close,
          quick,
          steady,
          macd.line,
          macd.signal,
          strength,
          bands.place,
          bands.width,
          range,
          fair,
        ),
      })),
    )
    const signal = second.pipe(
      withLatestFrom(trend, fast),
      scan(
        (last, [{ at: time, bar }, slow, quick]) => {
          const strength = quick - slow
          const side = strength === 0 ? last.side : strength > 0 ? 1 : -1
          return { side, crossed: last.side !== 0 && side !== last.side, at: time, strength, price: bar.close }
        },
        { side: 0, crossed: false, at: 0, strength: 0, price: 0 },
      ),
      filter(({ crossed }) => crossed),
      map(
        ({ side, at: time, strength, price }): Signal => ({
          at: time,
          symbol,
          direction: side > 0 ? 1 : -1,
          strength,
          price,
        }),
      ),
      share(),
    )
    const wanted = signal.pipe(
      withLatestFrom(own, own.pipe(take(1))),
      map(([of, newest, first]) => ({ type: 'wanted' as const, signal: of, fresh: newest.at, began: first.at })),
    )
    return merge(
      filled.pipe(tap((fill) => fills.next(fill))),
      minute.pipe(tap((m) => putBar(sheets.minute, m.at, symbol, m.bar))),
      signal.pipe(tap((s) => put(sheets.signal, s.at, symbol, s.direction, s.strength, s.price))),
      merge(filled, wanted).pipe(
        present(gateOf()),
        tap((answer) => {
          if ('order' in answer) orders.next(answer.order)
          else put(sheets.refused, answer.at, symbol, answer.code, answer.found, answer.allowed)
        }),
      ),
      second.pipe(tap((s) => putBar(sheets.second, s.at, symbol, s.bar))),
      score.pipe(tap((s) => put(sheets.score, s.at, symbol, s.value))),
    )
  }

  const account = accountOf(feed.keys.length, sheets)
  fills.subscribe(account.fill)
  minutes.subscribe(account.state)
  known
    .pipe(
      groupBy(({ symbol }) => symbol),
      mergeMap((own) => ofSymbol(own.key, own)),
    )
    .subscribe()
  known.subscribe(account.tick)

  return {
    sheets,
    pass() {
      const { symbol, price, size } = feed
      for (let i = 0; i < at.length; i++)
        ticks.next({ type: 'tick', at: at[i]!, symbol: symbol[i]!, price: price[i]!, size: size[i]! })
    },
    shift(by) {
      for (let i = 0; i < at.length; i++) at[i]! += by
    },
    late: () => late,
  }
}
