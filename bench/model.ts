import { hold, type Outcome, outcomeTable, ROWS } from './fused/contest.ts'
import { LIMIT } from './fused/variants.ts'
import type { KernelCost } from './model/kernel_cost.ts'
import { bits, variants } from './model/variants.ts'
import { type Bench, inProcess, machine, node, rounded } from './support.ts'

interface Symbols extends Outcome {
  /** Speed of the compiled program over the speed of the hand-fused loop. */
  readonly ratio_to_hand_fused: number
}
export interface ModelBench {
  readonly bench: 'model'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly rounds: number
  readonly rows_per_pass: number
  readonly kernel_ns_per_row: KernelCost
  readonly symbols: Readonly<Record<string, Symbols>>
}

/** The graph of bars, gate and fills around 26 indicators, 41 features and a model. */
export const model: Bench<ModelBench> = {
  summary: 'the engine against a loop written by hand, on a graph of 41 features and a model, with equal results',
  async run(progress, { rounds }) {
    const contest = { graph: 'model', variants: Object.keys(variants), bits, rounds, progress }
    const symbolsOf = (count: number): Symbols => {
      const { ratio, ...outcome } = hold(contest, count)
      return { ratio_to_hand_fused: ratio('compiled', LIMIT), ...outcome }
    }
    const kernels = inProcess<KernelCost>('model/kernel_cost', [])
    const kernel_ns_per_row = Object.fromEntries(
      Object.entries(kernels).map(([form, batches]) => [
        form,
        Object.fromEntries(Object.entries(batches).map(([rows, ns]) => [rows, rounded(ns)])),
      ]),
    )
    const symbols = Object.fromEntries([1, 10, 500].map((count) => [count, symbolsOf(count)]))
    return { bench: 'model', machine: machine(), node, rounds, rows_per_pass: ROWS, kernel_ns_per_row, symbols }
  },
  table: ({ symbols, kernel_ns_per_row }) => [
    ...outcomeTable(symbols),
    [],
    ['rows', 'form', 'ns/row'],
    ...Object.entries(kernel_ns_per_row).flatMap(([form, batches]) =>
      Object.entries(batches).map(([rows, ns]) => [rows, form, ns]),
    ),
  ],
}
