import { inProcess, median, rounded } from '../support.ts'
import type { Measured } from './measure.ts'
import { COMPARED, LIMIT } from './variants.ts'

export const ROWS = 200_000
/** Ticks before the first measured pass: V8 takes millions to be done with what is called once a bar or once a trade. */
const WARM: Readonly<Record<string, number>> = { [LIMIT]: 24_000_000, compiled: 24_000_000, compiled_plain: 24_000_000 }
const WARM_OTHERS = 600_000
/** ms of CPU that are measured at least, in each process. */
const LEAST = 1000

/** Variants of one graph against each other. */
export interface Contest {
  readonly graph: string
  readonly variants: readonly string[]
  /** Variants of the same name here must agree bit for bit; all, if it is left out. */
  readonly bits?: (variant: string) => string
  readonly rounds: number
  readonly progress: (words: string) => void
}
export interface Outcome {
  /** The speed of every variant over the hand-fused loop, with the extremes of the rounds. */
  readonly speed_to_hand_fused: Readonly<Record<string, { median: number; low: number; high: number }>>
  readonly ns_per_tick: Readonly<Record<string, number>>
  readonly cold_ns_per_tick: Readonly<Record<string, number>>
  /** Rows on each edge in the compared passes: the same in all variants that are compared. */
  readonly identical: Readonly<Record<string, number>>
  readonly final: { readonly cash: number; readonly equity: number }
}

/** @throws when two variants differ in any row of any edge */
function compare(symbols: number, all: readonly Measured[], bits: (variant: string) => string): void {
  const firsts = new Map<string, Measured>()
  for (const other of all) {
    const first = firsts.get(bits(other.variant)) ?? other
    firsts.set(bits(other.variant), first)
    for (const [pass, edges] of first.found.entries())
      for (const [edge, found] of Object.entries(edges))
        if (other.found[pass]?.[edge] !== found)
          throw new Error(
            `results differ with ${symbols} symbols in pass ${pass}, edge ${edge}: ${first.variant} found ${found}, ${other.variant} found ${other.found[pass]?.[edge]}`,
          )
  }
}

/** Runs all variants, each in a process of its own, round after round; `ratio` gives the median speed of one to another. */
export function hold(
  { graph, variants, bits = () => '', rounds, progress }: Contest,
  symbols: number,
): Outcome & { readonly ratio: (a: string, b: string) => number } {
  const all: Measured[][] = []
  for (let round = 0; round < rounds; round++) {
    // Which goes first changes from round to round.
    const order = variants.map((_, i) => variants[(i + round) % variants.length]!)
    all.push(
      order.map((name) =>
        inProcess<Measured>('fused/measure', [graph, name, symbols, ROWS, WARM[name] ?? WARM_OTHERS, LEAST]),
      ),
    )
    compare(symbols, all.flat(), bits)
    const words = all.at(-1)!.map(({ variant, warm_ns }) => `${variant} ${warm_ns.toFixed(0)}`)
    progress(
      `${graph}: ${symbols} symbols, round ${round + 1} of ${rounds}, results equal; ns per tick: ${words.join(', ')}`,
    )
  }
  const of = (name: string) => all.map((round) => round.find(({ variant }) => variant === name)!)
  const ratios = (a: string, b: string) => of(a).map(({ warm_ns }, round) => of(b)[round]!.warm_ns / warm_ns)
  const each = <T>(value: (name: string) => T) => Object.fromEntries(variants.map((name) => [name, value(name)]))
  const { counts, cash, equity } = of(LIMIT)[0]!
  return {
    ratio: (a, b) => rounded(median(ratios(a, b))),
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

export const outcomeTable = (symbols: Readonly<Record<string, Outcome>>): readonly (readonly (string | number)[])[] => [
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
]
