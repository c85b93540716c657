import { decodeFrame } from '../../schemas/frame.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import { kinds } from '../../schemas/kinds.ts'
import { Trade } from '../../schemas/market.ts'
import { type Feed, spanOf } from '../fused/feed.ts'
import { SOURCE } from '../fused/graph.ts'
import { handFused } from '../fused/hand_fused.ts'
import type { Sheets } from '../fused/sheets.ts'
import { median } from '../support.ts'
import { FRAME, Loop, ROWS, Subject, say, WARM_PASSES } from './subject.ts'

/** Frames that are decoded ahead: each is taken once, as one that has just come in. */
const AHEAD = 200
const PASSES = 3

/** Something that takes the rows of a feed one at a time. */
interface Taker {
  readonly sheets: Sheets
  /** Gives how to take rows from one on. */
  ahead(from: number, to: number): (row: number) => void
  moveOn(): void
}

/** As a live process has them: every frame is one row, with a dictionary of its own. */
function oneRowFrames({ engine, sheets }: Subject, loop: Loop): Taker {
  const { price, size, side, keys, symbol } = loop.feed
  const writer = new FrameWriter(Trade, SOURCE, { capacity: 1 })
  return {
    sheets,
    ahead(from, to) {
      const frames = Array.from({ length: to - from }, (_, i) => {
        const row = from + i
        const value = { price: price[row], size: size[row], side: side[row], id: row }
        writer.push(loop.at(row), keys[symbol[row]!]!, value)
        return decodeFrame(writer.take(), kinds)
      })
      return (row) => engine.frame(frames[row - from]!)
    },
    moveOn: () => loop.moveOn(),
  }
}
/** Rows of longer frames, one at a time. */
function rowsInPlace({ engine, sheets }: Subject, loop: Loop): Taker {
  return {
    sheets,
    ahead: () => (row) => {
      const i = row % FRAME
      engine.frame(loop.frames[(row - i) / FRAME]!, i, i + 1)
    },
    moveOn: () => loop.moveOn(),
  }
}
function handTaker(feed: Feed): Taker {
  const hand = handFused(feed)
  const span = spanOf(feed)
  return { sheets: hand.sheets, ahead: () => (row) => hand.rows(row, row + 1), moveOn: () => hand.shift(span) }
}

const loop = new Loop(Number(process.argv[2]))
const variant = process.argv[3]
const engine = await Subject.open(loop)
const others: Readonly<Record<string, () => Taker>> = {
  hand_fused: () => handTaker(loop.feed),
  one_row_frames: () => oneRowFrames(engine, loop),
}
const inPlace = rowsInPlace(engine, loop)
const taker = others[variant ?? '']?.() ?? inPlace

const times = new Float64Array(ROWS * PASSES)
/** Bars that each tick closed. */
const bars = new Uint16Array(ROWS * PASSES)
function pass(taker: Taker, place: number): void {
  const { sheets } = taker
  taker.moveOn()
  for (let from = 0; from < ROWS; from += AHEAD) {
    const take = taker.ahead(from, from + AHEAD)
    sheets.clear()
    let known = 0
    for (let row = from; row < from + AHEAD; row++) {
      const before = performance.now()
      take(row)
      times[place + row] = performance.now() - before
      const closed = sheets.second.length / sheets.second.width + sheets.minute.length / sheets.minute.width
      bars[place + row] = closed - known
      known = closed
    }
  }
}
// Twice as warm as the others: what is called once a trade is the slowest hundredth, and V8 compiles it last. Frames of
// one row take longest to make, so only the last of these passes have them.
const warm = 2 * WARM_PASSES
for (let i = 0; i < warm; i++) pass(variant === 'one_row_frames' && i < warm - 2 ? inPlace : taker, 0)
for (let i = 0; i < PASSES; i++) pass(taker, i * ROWS)

/** ms from one look at the clock to the next, with nothing in between. */
function clockCost(): number {
  const gaps = Array.from({ length: 100_000 }, () => {
    const before = performance.now()
    return performance.now() - before
  })
  return median(gaps.slice(50_000))
}
const clock = clockCost() * 1e6
const quantile = (sorted: Float64Array, share: number) => sorted[Math.floor(sorted.length * share)]!
const ticks = times
  .filter((_, i) => bars[i] === 0)
  .map((ms) => ms * 1e6 - clock)
  .sort()
const closed = bars.reduce((sum, n) => sum + n, 0)
const closes = times
  .map((ms, i) => (ms * 1e6 - clock) / bars[i]!)
  .filter((_, i) => bars[i]! > 0)
  .sort()
say({
  clock_ns: clock,
  tick_p50_ns: quantile(ticks, 0.5),
  tick_p99_ns: quantile(ticks, 0.99),
  'tick_p99.9_ns': quantile(ticks, 0.999),
  bar_p50_ns: quantile(closes, 0.5),
  bar_p99_ns: quantile(closes, 0.99),
  'bar_p99.9_ns': quantile(closes, 0.999),
  bar_mean_ns: times.reduce((sum, ms, i) => sum + (bars[i]! > 0 ? ms * 1e6 - clock : 0), 0) / closed,
  bars_per_closing_tick: closed / closes.length,
})
