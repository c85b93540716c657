import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { extname } from 'node:path'
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

/** A script beside the one of that URL: TypeScript where that is read, and JavaScript where it was built. */
export const scriptAt = (script: string, beside: string): string =>
  fileURLToPath(new URL(`${script}${extname(beside)}`, beside))

/** Runs a script of the benchmark in a process of its own and reads the JSON it writes. */
export function inProcess<R>(script: string, args: readonly (string | number)[], flags: readonly string[] = []): R {
  const file = scriptAt(script, import.meta.url)
  const text = execFileSync(process.execPath, [...process.execArgv, ...flags, file, ...args.map(String)], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(text) as R
}
