import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

/** A benchmark: figures as one JSON value, and the same as a table for people. */
export interface Bench<R = unknown> {
  readonly summary: string
  run(progress: (words: string) => void, options: Options): Promise<R>
  table(result: R): readonly (readonly (string | number)[])[]
}
export interface Options {
  /** How often everything is measured; the median counts. */
  readonly rounds: number
}

export const machine = () => ({ cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length })
export const node = process.version

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
/** Three significant digits. */
export const rounded = (value: number): number => Number(value.toPrecision(3))

/** Runs a script of the benchmark in a process of its own and reads the JSON it writes. */
export function inProcess<R>(script: string, args: readonly (string | number)[], flags: readonly string[] = []): R {
  const file = fileURLToPath(new URL(script, import.meta.url))
  // The flags of this process load its TypeScript; the child needs the same.
  const text = execFileSync(process.execPath, [...process.execArgv, ...flags, file, ...args.map(String)], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(text) as R
}
