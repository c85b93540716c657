import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bench, inProcess, machine, median, node, rounded } from './support.ts'

const ROWS = 1_000_000
const SYMBOLS = [1, 10, 500]
/** `flat_own_words`: a dictionary per frame, with the words of that frame only. */
export const variants = ['flat_own_words', 'flat', 'packed', 'lz4', 'parquet'] as const
export type Variant = (typeof variants)[number]

interface Reading {
  readonly symbols: number
  readonly variant: Variant
  readonly ns_per_tick: number
  readonly bytes_per_tick: number
}
export interface TapeBench {
  readonly bench: 'tape'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly rounds: number
  readonly rows: number
  readonly readings: readonly Reading[]
}

/** Reading tapes of every compression, and the same rows as Parquet. */
export const tape: Bench<TapeBench> = {
  summary: 'reading a tape: as it is, packed, compressed with LZ4, and the same rows as Parquet',
  async run(progress, { rounds }) {
    const directory = mkdtempSync(join(tmpdir(), 'tidegate-bench-'))
    try {
      const readings: Reading[] = []
      for (const symbols of SYMBOLS) {
        progress(`tape: ${symbols} symbols, about half a minute`)
        const written = inProcess<readonly Variant[]>('tape/write.ts', [directory, symbols, ROWS])
        const path = (variant: Variant) => join(directory, `${symbols}.${variant}`)
        const times = new Map(written.map((variant) => [variant, [] as number[]]))
        // The order changes from round to round, so that no variant always comes after the same other.
        for (let round = 0; round < rounds; round++)
          for (let n = 0; n < written.length; n++) {
            const variant = written[(n + round) % written.length]!
            times.get(variant)!.push(inProcess<number>('tape/read.ts', [variant, path(variant), ROWS]))
          }
        for (const [variant, all] of times)
          readings.push({
            symbols,
            variant,
            ns_per_tick: rounded(median(all)),
            bytes_per_tick: rounded(statSync(path(variant)).size / ROWS),
          })
      }
      return { bench: 'tape', machine: machine(), node, rounds, rows: ROWS, readings }
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
  table: ({ readings }) => [
    ['symbols', 'variant', 'ns/tick', 'bytes/tick'],
    ...readings.map((r) => [String(r.symbols), r.variant, r.ns_per_tick, r.bytes_per_tick]),
  ],
}
