import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { main } from '../main.ts'
import type { Io } from '../verb.ts'

/** What a command line said, and its exit code. */
export interface Captured {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** The document on stdout. */
  json<T = unknown>(): T
  /** The JSON lines on stdout. */
  lines<T = unknown>(): T[]
}

/** Runs a command line in this process with streams of its own. */
export async function captured(argv: readonly string[], stdin: readonly string[] = []): Promise<Captured> {
  let [stdout, stderr] = ['', '']
  const json = argv.includes('--json')
  const io: Io = {
    json,
    document(value, render) {
      stdout += json ? `${JSON.stringify(value)}\n` : `${render()}\n`
    },
    line(value, text) {
      stdout += `${json ? JSON.stringify(value) : text}\n`
    },
    say(text) {
      stderr += `${text}\n`
    },
    progress() {},
    async *stdin() {
      yield* stdin
    },
  }
  const code = await main(argv, io)
  return {
    code,
    stdout,
    stderr,
    json: <T>() => JSON.parse(stdout) as T,
    lines: <T>() =>
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as T),
  }
}

const made: string[] = []
/** Takes away every folder that `folderWith` made: `afterAll(removeFolders)`. */
export function removeFolders(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
}
/** A temporary folder that holds some files. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-cli-'))
  made.push(folder)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

/** A small whole pipeline for tests: a strategy with feedback from the venue. */
export const momentum = `pipeline: btc_momentum
nodes:
  trades: { source: binance_trades, params: { symbols: [BTCUSDT] } }
  bars: { op: time_bars, from: trades, params: { every: 1m } }
  trend: { op: ema, from: bars, params: { span: 20 } }
  above: { op: cross, from: bars, latest: { trend: trend } }
  sized: { op: fixed_notional, from: above, params: { notional: 1000, decimals: 5 } }
  gate: { op: risk_gate, from: { intent: sized, fill: execute.fill }, params: { max_notional: 50000 } }
  execute: { sink: simulated_venue, from: gate.approved }
  publish: { sink: signals, from: above }
`
