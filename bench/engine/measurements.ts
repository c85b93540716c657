import { inProcess } from '../support.ts'
import type { Figures } from './subject.ts'

export interface Measurement {
  readonly name: string
  readonly of: string
  readonly symbols: number
  /** Limit and wanted value of a figure. */
  readonly bounds?: Readonly<Record<string, readonly [limit: number, wanted?: number]>>
  /** Measures once, in processes of its own. */
  readonly take: (round: number) => Figures
}
type Argument = string | number

const ROOMY = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=512']
const of = (script: string, args: readonly Argument[], flags?: readonly string[]): Figures =>
  inProcess<Figures>(`engine/${script}`, args, flags)
const ns = (...args: readonly Argument[]): number => of('ticks', args)['ns_per_tick']!

const allocation = ([symbols, wanted]: readonly [number, number?]) =>
  ['compiled', 'hand_fused'].map(
    (variant): Measurement => ({
      name: 'allocation',
      of: variant,
      symbols,
      bounds: variant === 'compiled' ? { bytes_per_tick: wanted === undefined ? [64] : [64, wanted] } : {},
      take: () => of('allocation', [symbols, variant], ROOMY),
    }),
  )
const live = (symbols: number) =>
  ['one_row_frames', 'rows_in_place', 'hand_fused'].map(
    (variant): Measurement => ({
      name: 'live',
      of: variant,
      symbols,
      bounds: variant === 'hand_fused' ? {} : { tick_p99_ns: [1000, 300], bar_p99_ns: [1500, 800] },
      take: () => of('live', [symbols, variant]),
    }),
  )
const second = (symbols: number): readonly Measurement[] => [
  {
    name: 'second_engine',
    of: 'one plan',
    symbols,
    bounds: { second: [1.3, 1.1], third: [1.3, 1.1] },
    take: () => of('second_engine', [symbols, 'one_plan']),
  },
  {
    name: 'second_engine',
    of: 'loose, reused',
    symbols,
    bounds: { reused: [1.3, 1.1] },
    take: () => of('second_engine', [symbols, 'loose']),
  },
]
/** Processes in an order that changes from round to round. */
function turned<K extends string>(round: number, runs: Readonly<Record<K, () => number>>): Record<K, number> {
  const names = Object.keys(runs) as K[]
  const order = names.map((_, i) => names[(i + round) % names.length]!)
  return Object.fromEntries(order.map((name) => [name, runs[name]()])) as Record<K, number>
}
const operators = (symbols: number): Measurement => ({
  name: 'tick_operators',
  of: '0, 5, 10 more',
  symbols,
  bounds: { each_of_10_ns: [4, 2] },
  take(round) {
    const found = turned(round, {
      none: () => ns(symbols, 0),
      five: () => ns(symbols, 5),
      ten: () => ns(symbols, 10),
    })
    return {
      with_0_ns: found.none,
      with_5_ns: found.five,
      with_10_ns: found.ten,
      each_of_5_ns: (found.five - found.none) / 5,
      each_of_10_ns: (found.ten - found.none) / 10,
    }
  },
})
const price = (symbols: number): Measurement => ({
  name: 'price',
  of: 'meters, isolation',
  symbols,
  take(round) {
    const { all, meters, isolation } = turned(round, {
      all: () => ns(symbols, 0),
      meters: () => ns(symbols, 0, 'meters'),
      isolation: () => ns(symbols, 0, 'isolation'),
    })
    return {
      with_all_ns: all,
      without_meters_ns: meters,
      without_isolation_ns: isolation,
      meters_ns: all - meters,
      isolation_ns: all - isolation,
    }
  },
})
const snapshot: Measurement = {
  name: 'snapshot',
  of: 'us per key',
  symbols: 500,
  bounds: { save_all: [2, 0.8], save_dirty: [2, 0.8], load: [2, 0.8] },
  take: () => of('snapshot', [500]),
}
const cold = (symbols: number) =>
  ['nothing', 'reused'].map(
    (before): Measurement => ({
      name: 'cold',
      of: before === 'nothing' ? 'first engine' : 'loose, reused',
      symbols,
      take: () => of('cold', [symbols, before]),
    }),
  )

const allocations: readonly (readonly [number, number?])[] = [[1], [10, 16], [500, 32]]
export const measurements: readonly Measurement[] = [
  ...allocations.flatMap(allocation),
  ...[10, 500].flatMap(live),
  ...[10, 500].flatMap(second),
  ...[10, 500].map(operators),
  ...[10, 500].map(price),
  snapshot,
  ...[10, 500].flatMap(cold),
]
