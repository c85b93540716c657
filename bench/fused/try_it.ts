import { makeFeed, spanOf } from './feed.ts'
import { edgeNames } from './sheets.ts'
import { variants } from './variants.ts'
const [S, N, P] = process.argv.slice(2).map(Number) as [number, number, number]
const feed = makeFeed(S, N)
const span = spanOf(feed)
const all = Object.entries(variants).map(([name, start]) => ({ name, run: start(feed) }))
for (let p = 0; p < P; p++) {
  for (const { name, run } of all) {
    if (p > 0) run.shift(span)
    run.sheets.clear()
    const c = process.cpuUsage()
    run.pass()
    const d = process.cpuUsage(c)
    console.log(p, name.padEnd(14), (((d.user + d.system) * 1e3) / N).toFixed(1), 'late', run.late(), edgeNames.map((e) => `${e} ${run.sheets.rows(e)}`).join(' '))
  }
  const [first, ...others] = all
  for (const { name, run } of others)
    for (const e of edgeNames)
      if (run.sheets.digest(e) !== first!.run.sheets.digest(e)) {
        const a = first!.run.sheets[e], b = run.sheets[e]
        let i = 0
        while (i < a.length && Object.is(a.data[i], b.data[i])) i++
        const r = Math.floor(i / a.width)
        console.log('DIFF', name, e, 'row', r, 'of', a.length / a.width, b.length / b.width, [...a.data.subarray(r * a.width, (r + 1) * a.width)], [...b.data.subarray(r * a.width, (r + 1) * a.width)])
      }
}
