import type { Measured } from './fused/measure.ts'
import { COMPARED, LIMIT, variants } from './fused/variants.ts'
import { type Bench, inProcess, machine, median, node, rounded } from './support.ts'

const ROWS = 200_000
/** Ticks before the first measured pass: V8 needs more of them for one large function than for many small ones. */
const WARM: Readonly<Record<string, number>> = { [LIMIT]: 2_000_000 }
const WARM_OTHERS = 600_000
/** ms of CPU that are measured at least, in each process. */
const LEAST = 1000

interface Symbols {
  /** Speed of the interpreter over the speed of the hand-fused loop. */
  readonly ratio_to_hand_fused: number
  /** Speed of the interpreter over the speed of RxJS per tick. */
  readonly ratio_to_rxjs_per_tick: number
  /** The same for every variant, each over the hand-fused loop, with the extremes of the rounds. */
  readonly speed_to_hand_fused: Readonly<Record<string, { median: number; low: number; high: number }>>
  readonly ns_per_tick: Readonly<Record<string, number>>
  readonly cold_ns_per_tick: Readonly<Record<string, number>>
  /** Rows on each edge in the compared passes: the same in all variants. */
  readonly identical: Readonly<Record<string, number>>
  readonly final: { readonly cash: number; readonly equity: number }
}
export interface FusedBench {
  readonly bench: 'fused'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly rounds: number
  readonly rows_per_pass: number
  readonly symbols: Readonly<Record<string, Symbols>>
}

/** @throws when two variants differ in any row of any edge */
function compare(symbols: number, all: readonly Measured[]): void {
  const [first, ...others] = all as [Measured, ...Measured[]]
  for (const other of others)
    for (const [pass, edges] of first.found.entries())
      for (const [edge, found] of Object.entries(edges))
        if (other.found[pass]?.[edge] !== found)
          throw new Error(
            `results differ with ${symbols} symbols in pass ${pass}, edge ${edge}: ${first.variant} found ${found}, ${other.variant} found ${other.found[pass]?.[edge]}`,
          )
}

function symbolsOf(symbols: number, rounds: number, progress: (words: string) => void): Symbols {
  const all: Measured[][] = []
  for (let round = 0; round < rounds; round++) {
    const names = Object.keys(variants)
    // Which goes first changes from round to round.
    const order = names.map((_, i) => names[(i + round) % names.length]!)
    all.push(
      order.map((name) =>
        inProcess<Measured>('fused/measure.ts', [name, symbols, ROWS, WARM[name] ?? WARM_OTHERS, LEAST]),
      ),
    )
    compare(symbols, all.flat())
    const words = all.at(-1)!.map(({ variant, warm_ns }) => `${variant} ${warm_ns.toFixed(0)}`)
    progress(
      `fused: ${symbols} symbols, round ${round + 1} of ${rounds}, results equal; ns per tick: ${words.join(', ')}`,
    )
  }
  const of = (name: string) => all.map((round) => round.find(({ variant }) => variant === name)!)
  const ratios = (a: string, b: string) => of(a).map(({ warm_ns }, round) => of(b)[round]!.warm_ns / warm_ns)
  const each = <T>(value: (name: string) => T) =>
    Object.fromEntries(Object.keys(variants).map((name) => [name, value(name)]))
  const { counts, cash, equity } = all[0]![0]!
  return {
    ratio_to_hand_fused: rounded(median(ratios('interpreter', LIMIT))),
    ratio_to_rxjs_per_tick: rounded(median(ratios('interpreter', 'rxjs_per_tick'))),
    speed_to_hand_fused: each((name) => {
      const speeds = ratios(name, LIMIT)
      return { median: rounded(median(speeds)), low: rounded(Math.min(...speeds)), high: rounded(Math.max(...speeds)) }
    }),
    ns_per_tick: each((name) => rounded(median(of(name).map(({ warm_ns }) => warm_ns)))),
    cold_ns_per_tick: each((name) => rounded(median(of(name).map(({ cold_ns }) => cold_ns)))),
    identical: { passes: COMPARED, ...counts },
    final: { cash: cash / 1e8, equity: equity / 1e8 },
  }
}

/** One graph of bars, indicators, gate and fills, three ways: as a loop written by hand, by the engine, in RxJS. */
export const fused: Bench<FusedBench> = {
  summary: 'the engine against a loop written by hand and against RxJS per tick, on one graph with equal results',
  async run(progress, { rounds }) {
    const symbols = Object.fromEntries([1, 10, 500].map((count) => [count, symbolsOf(count, rounds, progress)]))
    return { bench: 'fused', machine: machine(), node, rounds, rows_per_pass: ROWS, symbols }
  },
  table: ({ symbols }) => [
    ['symbols', 'variant', 'ns/tick', 'speed to hand_fused', 'low', 'high', 'first pass ns/tick'],
    ...Object.entries(symbols).flatMap(([count, s]) =>
      Object.entries(s.speed_to_hand_fused).map(([name, speed]) => [
        count,
        name,
        s.ns_per_tick[name]!,
        speed.median,
        speed.low,
        speed.high,
        s.cold_ns_per_tick[name]!,
      ]),
    ),
  ],
}
