import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bench, inProcess, machine, median, node, rounded } from './support.ts'
import type { Passes } from './tape/read.ts'

const ROWS = 1_000_000
const SYMBOLS = [1, 10, 500]
/** What is written. `flat_own_words` has a dictionary per frame, with the words of that frame only. */
export type Written = 'flat_own_words' | 'flat' | 'packed' | 'lz4' | 'parquet'
/** What is read: some tapes also by a reader that asks for frames in the same memory again and again. */
type Variant = Written | 'flat_reused' | 'packed_reused' | 'lz4_reused'
const readingsOf = (written: Written): readonly Variant[] =>
  written === 'flat' || written === 'packed' || written === 'lz4' ? [written, `${written}_reused`] : [written]
const fileOf = (variant: Variant) => variant.replace('_reused', '')

interface Reading {
  readonly symbols: number
  readonly variant: Variant
  readonly ns_per_tick: number
  /** Of the first pass of a process, with everything that is done once. */
  readonly first_pass: number
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
        progress(`tape: ${symbols} symbols, about a minute`)
        const written = inProcess<readonly Written[]>('tape/write', [directory, symbols, ROWS])
        const readers = written.flatMap(readingsOf)
        const path = (variant: Variant) => join(directory, `${symbols}.${fileOf(variant)}`)
        const times = new Map(readers.map((variant) => [variant, [] as Passes[]]))
        // The order changes from round to round, so that no variant always comes after the same other.
        for (let round = 0; round < rounds; round++)
          for (let n = 0; n < readers.length; n++) {
            const variant = readers[(n + round) % readers.length]!
            times.get(variant)!.push(inProcess<Passes>('tape/read', [variant, path(variant), ROWS]))
          }
        for (const [variant, all] of times)
          readings.push({
            symbols,
            variant,
            ns_per_tick: rounded(median(all.map(({ warm }) => warm))),
            first_pass: rounded(median(all.map(({ first }) => first))),
            bytes_per_tick: rounded(statSync(path(variant)).size / ROWS),
          })
      }
      return { bench: 'tape', machine: machine(), node, rounds, rows: ROWS, readings }
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
  table: ({ readings }) => [
    ['symbols', 'variant', 'ns/tick', 'first pass', 'bytes/tick'],
    ...readings.map((r) => [String(r.symbols), r.variant, r.ns_per_tick, r.first_pass, r.bytes_per_tick]),
  ],
}
