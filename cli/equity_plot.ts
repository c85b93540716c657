import { formatTime } from '../schemas/units.ts'

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [960, 360, 96, 24, 40, 48]

/** Round numbers that span a range: 1, 2 or 5 times a power of ten apart. */
function ticks(low: number, high: number, about: number): readonly number[] {
  const rough = (high - low) / about || 1
  const power = Number(`1e${Math.floor(Math.log10(rough))}`)
  const step = ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10) * power
  const from = Math.ceil(low / step)
  return Array.from({ length: Math.max(0, Math.floor(high / step) - from + 1) }, (_, i) => (from + i) * step)
}

/** The equity of a run over event time, with the peak so far behind it: the area between them is the drawdown. */
export function equityPlot(points: readonly { readonly at: number; readonly equity: number }[]): string {
  const frame = (body: string) =>
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12"><title>Equity over event time</title><rect width="100%" height="100%" fill="#fff"/>${body}</svg>\n`
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined)
    return frame(
      `<text x="${WIDTH / 2}" y="${HEIGHT / 2}" text-anchor="middle" fill="#555">no equity in this run: the pipeline has no portfolio node</text>`,
    )
  let peak = Number.NEGATIVE_INFINITY
  const peaks = points.map((p) => {
    peak = Math.max(peak, p.equity)
    return peak
  })
  const values = points.map((p) => p.equity)
  const low = values.reduce((a, b) => Math.min(a, b))
  const margin = (peak - low || Math.abs(peak) * 0.01 || 1) * 0.05
  const [bottom, top] = [low - margin, peak + margin]
  const x = (at: number) => LEFT + ((at - first.at) / (last.at - first.at || 1)) * (WIDTH - LEFT - RIGHT)
  const y = (value: number) => TOP + ((top - value) / (top - bottom)) * (HEIGHT - TOP - BOTTOM)
  const at = (p: { at: number }, value: number) => `${x(p.at).toFixed(1)},${y(value).toFixed(1)}`
  const line = points.map((p) => at(p, p.equity)).join(' ')
  const under = points.map((p, i) => at(p, peaks[i] as number)).join(' ')
  const area = `${under} ${[...points]
    .reverse()
    .map((p) => at(p, p.equity))
    .join(' ')}`
  const rows = ticks(bottom, top, 5).map(
    (value) =>
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" stroke="#e5e7eb"/><text x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end" fill="#555">${value.toLocaleString('en', { maximumFractionDigits: 6 })}</text>`,
  )
  const days = last.at - first.at > 2 * 86_400e6
  const label = (time: number) => (days ? formatTime(time).slice(0, 10) : formatTime(time).slice(11, 19))
  const columns = [0, 0.25, 0.5, 0.75, 1].map((share) => first.at + Math.round(share * (last.at - first.at)))
  const anchor = ['start', 'middle', 'middle', 'middle', 'end']
  const times = columns.map(
    (time, i) =>
      `<text x="${x(time)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="${anchor[i]}" fill="#555">${label(time)}</text>`,
  )
  const title = `Equity, quote units${days ? '' : `, ${formatTime(first.at).slice(0, 10)} UTC`} (shaded: fall from the peak)`
  return frame(
    `<text x="${LEFT}" y="22" font-size="14" fill="#111">${title}</text>${rows.join('')}${times.join('')}<polygon points="${area}" fill="#fecaca"/><polyline points="${line}" fill="none" stroke="#1d4ed8" stroke-width="1.5"/>`,
  )
}
