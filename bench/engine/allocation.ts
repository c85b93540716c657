import { PerformanceObserver } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { spanOf } from '../fused/feed.ts'
import { handFused } from '../fused/hand_fused.ts'
import { median } from '../support.ts'
import { Loop, ROWS, Subject, say, WARM_PASSES } from './subject.ts'

// Needs `--expose-gc` and a young generation that holds a whole pass.
const PASSES = 7
const TRIES = 40

const collections: { readonly from: number; readonly to: number }[] = []
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries())
    collections.push({ from: startTime, to: startTime + duration })
}).observe({ entryTypes: ['gc'] })

/** Bytes of heap per tick of passes in which nothing was collected. */
async function bytes(prepare: () => void, pass: () => void): Promise<number> {
  const found: number[] = []
  for (let i = 0; i < TRIES && found.length < PASSES; i++) {
    prepare()
    globalThis.gc?.({ type: 'minor' })
    const from = performance.now()
    const before = process.memoryUsage().heapUsed
    pass()
    const used = process.memoryUsage().heapUsed - before
    const to = performance.now()
    // entries are handed over in a later turn
    await setImmediate()
    await setImmediate()
    if (!collections.some((c) => c.to > from && c.from < to)) found.push(used / ROWS)
  }
  if (collections.length === 0 || found.length < PASSES)
    throw new Error('collections were not seen, or came in between')
  return median(found)
}

const [symbols, variant] = process.argv.slice(2)
const loop = new Loop(Number(symbols))
if (variant === 'hand_fused') {
  const hand = handFused(loop.feed)
  const span = spanOf(loop.feed)
  const prepare = () => {
    hand.shift(span)
    hand.sheets.clear()
  }
  for (let i = 0; i < WARM_PASSES; i++) {
    prepare()
    hand.pass()
  }
  say({ bytes_per_tick: await bytes(prepare, () => hand.pass()) })
} else {
  const subject = await Subject.open(loop)
  subject.warm(loop)
  say({
    bytes_per_tick: await bytes(
      () => loop.moveOn(),
      () => subject.take(loop.frames),
    ),
  })
}
