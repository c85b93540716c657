import { backtest } from '../../runtime/environment/backtest.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import { Trade } from '../../schemas/market.ts'
import { makeFeed, spanOf } from '../fused/feed.ts'
import { benchPlan, SOURCE } from '../fused/graph.ts'

export interface Peak {
  readonly ticks: number
  readonly outputs: number
  /** Bytes in use after a full collection, the most seen on the way; and what they were half way. */
  readonly peak: number
  readonly half_way: number
  readonly max_rss: number
}

const ROWS_PER_FRAME = 1024
const SAMPLE_EVERY = 50_000

/** A tape without end: the same feed over and over, moved on in time; a frame exists only while it is read. */
function* frames(passes: number): Generator<Uint8Array> {
  const feed = makeFeed(10, 100_000)
  const span = spanOf(feed)
  const writer = new FrameWriter(Trade, SOURCE, { capacity: ROWS_PER_FRAME })
  for (let pass = 0; pass < passes; pass++)
    for (let i = 0; i < feed.rows; i++) {
      const value = { price: feed.price[i], size: feed.size[i], side: feed.side[i], id: i }
      writer.push(feed.at[i]! + pass * span, feed.keys[feed.symbol[i]!]!, value)
      if (writer.rows === ROWS_PER_FRAME || i === feed.rows - 1) yield writer.take()
    }
}

const passes = Number(process.argv[2])
const samples: number[] = []
let next = SAMPLE_EVERY
function sample(): void {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  samples.push(heapUsed + external)
}
const result = await backtest(benchPlan(), {
  bindings: new Map([[SOURCE, { type: 'recording', recording: { frames: () => frames(passes) } }]]),
  progress(rows) {
    if (rows < next) return
    next += SAMPLE_EVERY
    sample()
  },
})
sample()
const peak: Peak = {
  ticks: result.ticks,
  outputs: result.outputs,
  peak: Math.max(...samples),
  half_way: samples[samples.length >> 1]!,
  max_rss: process.resourceUsage().maxRSS * 1024,
}
process.stdout.write(JSON.stringify(peak))
