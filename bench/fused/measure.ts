import { makeFeed, spanOf } from './feed.ts'
import { COMPARED, type Variants } from './variants.ts'

const graphs: Readonly<Record<string, () => Promise<{ readonly variants: Variants }>>> = {
  fused: () => import('./variants.ts'),
  model: () => import('../model/variants.ts'),
}

/** What one process says of one variant. */
export interface Measured {
  readonly variant: string
  /** CPU of the first pass and of the warm ones, ns per tick. */
  readonly cold_ns: number
  readonly warm_ns: number
  readonly passes: number
  /** Digest of every edge in the first passes, and how many rows it had: equal for all variants. */
  readonly found: readonly Readonly<Record<string, string>>[]
  readonly counts: Readonly<Record<string, number>>
  /** Cash and equity after the compared passes, in whole 1e-8. */
  readonly cash: number
  readonly equity: number
}
async function timed(run: () => void | Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) * 1e3
}

/** Runs a variant for `warm` ticks, then measures passes for at least `least` ms of CPU. */
async function measure(
  graph: string,
  variant: string,
  symbols: number,
  rows: number,
  warm: number,
  least: number,
): Promise<Measured> {
  const feed = makeFeed(symbols, rows)
  const span = spanOf(feed)
  const { variants } = await graphs[graph]!()
  const running = await (await variants[variant]!())(feed)
  const { sheets } = running
  const edgeNames = sheets.names
  const found: Record<string, string>[] = []
  const counts: Record<string, number> = {}
  const times: number[] = []
  let money: readonly number[] = []
  let spent = 0
  while (times.length < COMPARED || spent < least * 1e6) {
    if (times.length > 0) running.shift(span)
    sheets.clear()
    const time = await timed(() => running.pass())
    times.push(time)
    if (times.length > Math.max(1, Math.ceil(warm / rows))) spent += time
    if (times.length > COMPARED) continue
    for (const edge of edgeNames) counts[edge] = (counts[edge] ?? 0) + sheets.rows(edge)
    found.push({
      ...Object.fromEntries(edgeNames.map((edge) => [edge, `${sheets.rows(edge)} rows ${sheets.digest(edge)}`])),
      late: `${running.late()} rows`,
    })
    counts['late'] = running.late()
    if (sheets.rows('equity') > 0) money = sheets.last('equity')
  }
  const measured = times.slice(Math.max(1, Math.ceil(warm / rows)))
  return {
    variant,
    cold_ns: times[0]! / rows,
    warm_ns: measured.reduce((sum, time) => sum + time) / measured.length / rows,
    passes: measured.length,
    found,
    counts,
    cash: money[0]!,
    equity: money[1]!,
  }
}

const [graph = '', variant = '', symbols, rows, warm, least] = process.argv.slice(2)
const result = await measure(graph, variant, Number(symbols), Number(rows), Number(warm), Number(least))
process.stdout.write(JSON.stringify(result))
