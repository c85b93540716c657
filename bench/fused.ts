import { hold, type Outcome, outcomeTable, ROWS } from './fused/contest.ts'
import { LIMIT, variants } from './fused/variants.ts'
import { type Bench, machine, node } from './support.ts'

interface Symbols extends Outcome {
  /** Speed of the compiled program over the speed of the hand-fused loop. */
  readonly ratio_to_hand_fused: number
  /** Speed of the compiled program over the speed of RxJS per tick. */
  readonly ratio_to_rxjs_per_tick: number
}
export interface FusedBench {
  readonly bench: 'fused'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly rounds: number
  readonly rows_per_pass: number
  readonly symbols: Readonly<Record<string, Symbols>>
}

/** One graph of bars, indicators, gate and fills, four ways: as a loop written by hand, compiled and interpreted by the engine, in RxJS. */
export const fused: Bench<FusedBench> = {
  summary: 'the engine against a loop written by hand and against RxJS per tick, on one graph with equal results',
  async run(progress, { rounds }) {
    const contest = { graph: 'fused', variants: Object.keys(variants), rounds, progress }
    const symbolsOf = (count: number): Symbols => {
      const { ratio, ...outcome } = hold(contest, count)
      return {
        ratio_to_hand_fused: ratio('compiled', LIMIT),
        ratio_to_rxjs_per_tick: ratio('compiled', 'rxjs_per_tick'),
        ...outcome,
      }
    }
    const symbols = Object.fromEntries([1, 10, 500].map((count) => [count, symbolsOf(count)]))
    return { bench: 'fused', machine: machine(), node, rounds, rows_per_pass: ROWS, symbols }
  },
  table: ({ symbols }) => outcomeTable(symbols),
}
