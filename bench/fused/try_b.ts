import { makeFeed, spanOf } from './feed.ts'
import { handFused } from './hand_fused.ts'

const [S, N, P] = process.argv.slice(3).map(Number) as [number, number, number]
const feed = makeFeed(S, N)
const span = spanOf(feed)
const run = handFused(feed)
for (let p = 0; p < P; p++) {
  if (p > 0) run.shift(span)
  run.sheets.clear()
  const c = process.cpuUsage()
  run.pass()
  const d = process.cpuUsage(c)
  console.log(p, (((d.user + d.system) * 1e3) / N).toFixed(1))
}
