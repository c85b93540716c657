import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Part } from './backtest/part.ts'
import { type Bench, inProcess, machine, median, node, rounded } from './support.ts'

const ROWS = 2_000_000
const PARTS = ['decode', 'graph', 'end_to_end'] as const
type PartName = (typeof PARTS)[number]

export interface BacktestBench {
  readonly bench: 'backtest'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly rounds: number
  readonly rows: number
  /** By symbols: CPU of each part, and of decoding and the graph over that of the whole. */
  readonly symbols: Readonly<
    Record<string, { readonly ns_per_tick: Readonly<Record<PartName, number>>; readonly ratio_to_parts: number }>
  >
}

/** Whole backtests from a packed tape, beside what they are made of. */
export const backtest: Bench<BacktestBench> = {
  summary: 'a backtest from a packed tape, against decoding alone and the graph alone',
  async run(progress, { rounds }) {
    const directory = mkdtempSync(join(tmpdir(), 'tidegate-bench-'))
    try {
      const measured = (symbols: number) => {
        const path = join(directory, `${symbols}.tape`)
        inProcess('backtest/write', [path, symbols, ROWS])
        const all: Record<PartName, Part>[] = []
        for (let round = 0; round < rounds; round++) {
          const order = PARTS.map((_, i) => PARTS[(i + round) % PARTS.length]!)
          const parts = order.map((part) => [part, inProcess<Part>('backtest/part', [part, path])] as const)
          all.push(Object.fromEntries(parts) as Record<PartName, Part>)
          progress(`backtest: ${symbols} symbols, round ${round + 1} of ${rounds}`)
        }
        if (new Set(all.flatMap((r) => [r.graph.outputs_sha256, r.end_to_end.outputs_sha256])).size !== 1)
          throw new Error(`outputs differ with ${symbols} symbols`)
        const ns = (part: PartName) => median(all.map((r) => r[part].ns_per_tick))
        const ratios = all.map((r) => (r.decode.ns_per_tick + r.graph.ns_per_tick) / r.end_to_end.ns_per_tick)
        return {
          ns_per_tick: {
            decode: rounded(ns('decode')),
            graph: rounded(ns('graph')),
            end_to_end: rounded(ns('end_to_end')),
          },
          ratio_to_parts: rounded(median(ratios)),
        }
      }
      const symbols = Object.fromEntries([1, 10, 500].map((count) => [count, measured(count)]))
      return { bench: 'backtest', machine: machine(), node, rounds, rows: ROWS, symbols }
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
  table: ({ symbols }) => [
    ['symbols', ...PARTS.map((part) => `${part} ns/tick`), 'decode + graph to end_to_end'],
    ...Object.entries(symbols).map(([count, { ns_per_tick, ratio_to_parts }]) => [
      count,
      ...PARTS.map((part) => ns_per_tick[part]),
      ratio_to_parts,
    ]),
  ],
}
