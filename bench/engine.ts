import { type Measurement, measurements } from './engine/measurements.ts'
import { type Bench, machine, median, node, rounded } from './support.ts'

interface Figure {
  readonly measurement: string
  readonly of: string
  readonly symbols: number
  readonly figure: string
  /** Of the rounds, each of which has processes of its own. */
  readonly median: number
  readonly low: number
  readonly high: number
  /** What it must not exceed, and what it had better be. */
  readonly limit?: number
  readonly wanted?: number
}
export interface EngineBench {
  readonly bench: 'engine'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly rounds: number
  readonly figures: readonly Figure[]
}

function figuresOf({ name, of, symbols, bounds = {}, take }: Measurement, rounds: number): readonly Figure[] {
  const all = Array.from({ length: rounds }, (_, round) => take(round))
  return Object.keys(all[0]!).map((figure): Figure => {
    const values = all.map((found) => found[figure]!)
    const [limit, wanted] = bounds[figure] ?? []
    return {
      measurement: name,
      of,
      symbols,
      figure,
      median: rounded(median(values)),
      low: rounded(Math.min(...values)),
      high: rounded(Math.max(...values)),
      ...(limit === undefined ? {} : { limit }),
      ...(wanted === undefined ? {} : { wanted }),
    }
  })
}

/** What a compiled engine costs beside the speed of long frames: memory, single ticks, more engines, more nodes, saves. */
export const engine: Bench<EngineBench> = {
  summary: 'a compiled engine: allocation, single ticks, second engines, nodes on every tick, snapshots, cold starts',
  async run(progress, { rounds }) {
    const figures: Figure[] = []
    for (const measurement of measurements) {
      const { name, of, symbols } = measurement
      const found = figuresOf(measurement, rounds)
      figures.push(...found)
      progress(`engine: ${name} ${of}, ${symbols} symbols: ${found.map((f) => `${f.figure} ${f.median}`).join(', ')}`)
    }
    return { bench: 'engine', machine: machine(), node, rounds, figures }
  },
  table: ({ figures }) => [
    ['measurement', 'of', 'symbols', 'figure', 'median', 'low', 'high', 'limit', 'wanted'],
    ...figures.map((f) => [
      f.measurement,
      f.of,
      f.symbols,
      f.figure,
      f.median,
      f.low,
      f.high,
      f.limit ?? '',
      f.wanted ?? '',
    ]),
  ],
}
