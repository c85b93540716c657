import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openEmbeddedLog } from '../runtime/log/embedded.ts'

const ROUNDS = 7
const ROUND_BYTES = 2 ** 28

interface Rate {
  readonly block_bytes: number
  readonly raw_bytes_per_second: number
  readonly append_bytes_per_second: number
  /** Of the appended to the raw rate: median of the rounds, each of which runs both, and the extremes. */
  readonly ratio: number
  readonly ratio_low: number
  readonly ratio_high: number
}
export interface LogBench {
  readonly bench: 'log'
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string }
  readonly rounds: number
  readonly bytes_per_round: number
  readonly rates: readonly Rate[]
}

async function inDirectory(run: (directory: string) => Promise<void>): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-bench-'))
  try {
    const start = performance.now()
    await run(directory)
    return (ROUND_BYTES / (performance.now() - start)) * 1000
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const raw = (block: Uint8Array) =>
  inDirectory(async (directory) => {
    const fd = openSync(join(directory, 'raw'), 'w')
    for (let done = 0; done < ROUND_BYTES; done += block.byteLength) writeSync(fd, block)
    fsyncSync(fd)
    closeSync(fd)
  })

const appended = (block: Uint8Array) =>
  inDirectory(async (directory) => {
    const log = await openEmbeddedLog(directory)
    const stream = await log.stream('bench')
    const count = ROUND_BYTES / block.byteLength
    for (let last = 0; last < count; last++) await stream.append(block, last)
    await log.close()
  })

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b)
const median = (values: readonly number[]) => sorted(values)[values.length >> 1] as number

async function rateOf(blockBytes: number): Promise<Rate> {
  const block = Uint8Array.from({ length: blockBytes }, (_, i) => (i * 2654435761) >>> 24)
  await raw(block)
  await appended(block)
  const rounds: { raw: number; append: number }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    // Which goes first changes, so that neither always finds the disk busy with the other's rest.
    if (round % 2 === 0) rounds.push({ raw: await raw(block), append: await appended(block) })
    else rounds.push({ append: await appended(block), raw: await raw(block) })
  }
  const ratios = rounds.map(({ raw, append }) => append / raw)
  const round2 = (value: number) => Math.round(value * 100) / 100
  return {
    block_bytes: blockBytes,
    raw_bytes_per_second: Math.round(median(rounds.map((r) => r.raw))),
    append_bytes_per_second: Math.round(median(rounds.map((r) => r.append))),
    ratio: round2(median(ratios)),
    ratio_low: round2(Math.min(...ratios)),
    ratio_high: round2(Math.max(...ratios)),
  }
}

/** Appending to the embedded log against writing the same blocks to a bare file, both synced once at the end. */
export async function logBench(): Promise<LogBench> {
  return {
    bench: 'log',
    machine: { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length, node: process.version },
    rounds: ROUNDS,
    bytes_per_round: ROUND_BYTES,
    rates: [await rateOf(2 ** 16), await rateOf(2 ** 18)],
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  process.stdout.write(`${JSON.stringify(await logBench(), null, 2)}\n`)
