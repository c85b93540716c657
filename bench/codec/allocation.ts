import { decodeFrame } from '../../schemas/frame.ts'
import { rowReader } from '../../schemas/frame_reader.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import { kinds } from '../../schemas/kinds.ts'
import { Trade } from '../../schemas/market.ts'
import { makeFeed } from '../fused/feed.ts'

/** Bytes on the heap per tick, in the steady state within a frame. Needs `--expose-gc` and a young generation that holds a whole run. */
export type Allocation = Readonly<Record<string, number>>

const ROWS = 50_000
const feed = makeFeed(10, ROWS)
const messages = Array.from({ length: ROWS }, (_, i) => ({
  at: feed.at[i]!,
  key: feed.keys[feed.symbol[i]!]!,
  value: { price: feed.price[i]!, size: feed.size[i]!, side: feed.side[i]! as Trade['side'], id: i },
}))
const read = rowReader(Trade) as (...of: Parameters<ReturnType<typeof rowReader>>) => Trade
const writer = new FrameWriter(Trade, 'trades', { capacity: ROWS })
const push = () => {
  for (let i = 0; i < ROWS; i++) {
    const { at, key, value } = messages[i]!
    writer.push(at, key, value)
  }
}
push()
const frame = decodeFrame(writer.take(), kinds)
push()
// Not `take`: the frame itself, and its dictionary anew, belong to the frame and not to the tick.
const rewind = () => {
  writer.rows = 0
}
rewind()
const kept = new Array<Trade | undefined>(ROWS).fill(undefined)
let sink = 0

interface Case {
  readonly run: () => void
  /** Puts everything back, outside the measurement. */
  readonly reset?: () => void
}
const cases: Readonly<Record<string, Case>> = {
  nothing: { run() {} },
  push_ready_messages: { run: push, reset: rewind },
  push_from_columns: {
    run() {
      for (let i = 0; i < ROWS; i++) writer.push(feed.at[i]!, feed.keys[feed.symbol[i]!]!, messages[i]!.value)
    },
    reset: rewind,
  },
  read_rows_and_drop_them: {
    run() {
      // In a local: a double in a variable of the module is a new object at every write.
      let sum = 0
      for (let i = 0; i < ROWS; i++) {
        const { price, size, side } = read(frame, i)
        sum += price * size * side
      }
      sink += sum
    },
  },
  read_rows_and_keep_them: {
    run() {
      for (let i = 0; i < ROWS; i++) kept[i] = read(frame, i)
    },
    reset: () => kept.fill(undefined),
  },
}

const found: Record<string, number> = {}
for (const [name, { run, reset }] of Object.entries(cases)) {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 20; round++) {
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    run()
    const used = process.memoryUsage().heapUsed - before
    reset?.()
    // What a compilation in the background leaves on the heap is not the tick's.
    if (round >= 10) least = Math.min(least, used / ROWS)
  }
  found[name] = Math.round(least * 10) / 10
}
process.stdout.write(JSON.stringify(Number.isNaN(sink) ? undefined : found))
