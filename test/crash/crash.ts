import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { operators } from '../../operators/catalogue.ts'
import { openEmbeddedLog } from '../../runtime/log/embedded.ts'
import { OutputHash } from '../../runtime/outputs.ts'
import { type Plan, plan as planOf } from '../../runtime/plan.ts'
import { type CrashPoint, committed, stageName } from '../../runtime/stage.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { whole } from './cuts.ts'

export const points: readonly (CrashPoint | 'torn')[] = [
  'before_ingest',
  'after_ingest',
  'before_commit',
  'torn',
  'after_commit',
  'before_deliver',
  'after_deliver',
]

export interface CrashResult {
  readonly runs: number
  readonly kills: number
  readonly wrong: number
  /** Kills by where they struck; `random` is a SIGKILL from outside at a random time. */
  readonly by_point: Readonly<Record<string, number>>
  readonly outputs: number
  readonly first_wrong: string | null
}

const child = fileURLToPath(new URL('child.ts', import.meta.url))
const start = (directory: string, cut: number, point: string, times: number): ChildProcess =>
  spawn(process.execPath, ['--import', 'tsx', child, directory, String(cut), point, String(times)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })

/** Runs a child to its end, by itself or by a SIGKILL some milliseconds after it began its work. */
function endOf(process: ChildProcess, killAfter: number | undefined): Promise<{ killed: boolean; complaint: string }> {
  return new Promise((resolve, reject) => {
    let complaint = ''
    process.stderr?.on('data', (text) => {
      complaint += text
    })
    if (killAfter !== undefined)
      process.stdout?.once('data', () => setTimeout(() => process.kill('SIGKILL'), killAfter))
    process.once('error', reject)
    process.once('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve({ killed: true, complaint })
      else if (code === 0) resolve({ killed: false, complaint })
      else reject(new Error(`child ended with ${code}: ${complaint}`))
    })
  })
}

async function outcome(plan: Plan, directory: string): Promise<{ outputs: number; log: string; published: string }> {
  const log = await openEmbeddedLog(join(directory, 'log'), { readonly: true })
  const hash = new OutputHash()
  for await (const row of committed(plan, await log.stream(stageName(plan.pipeline))))
    hash.add(row.id, row.kind, row.value)
  await log.close()
  // commit and order are places in the log, not part of what is compared
  const published = readFileSync(join(directory, 'publish.jsonl'), 'utf8').replaceAll(/,"commit":\d+,"order":\d+/g, '')
  return { outputs: hash.rows, log: hash.digest(), published }
}

/**
 * Kills paper runs at every numbered point of the commit and at random, restarts them until they end, and compares the
 * whole output log and the file of published signals with those of a run that was left alone.
 */
export async function crash(options: {
  readonly runs: number
  readonly seed?: number
  readonly progress?: (text: string) => void
}): Promise<CrashResult> {
  const plan = planOf(
    parse(readFileSync(new URL('pipeline.yaml', import.meta.url), 'utf8')),
    { operators, sources, sinks },
    'paper',
  )
  const root = mkdtempSync(join(tmpdir(), 'tidegate-crash-'))
  const next = whole(options.seed ?? 1)
  const by: Record<string, number> = {}
  let [kills, wrong] = [0, 0]
  let firstWrong: string | null = null
  try {
    const calm = join(root, 'calm')
    await endOf(start(calm, 1, 'none', 1), undefined)
    const expected = await outcome(plan, calm)
    for (let run = 0; run < options.runs; run++) {
      const directory = join(root, String(run))
      const story: string[] = []
      for (let attempt = 0; ; attempt++) {
        // every point in turn, so that few runs cover all; later attempts and every eighth run by chance
        const choice = attempt === 0 ? run % (points.length + 1) : next(points.length + 1)
        const point = attempt >= 4 ? 'none' : (points[choice] ?? 'random')
        const times = 1 + next(point.includes('ingest') ? 120 : 100)
        const ended = await endOf(
          start(directory, 1 + next(1_000_000), point === 'random' ? 'none' : point, times),
          point === 'random' ? next(250) : undefined,
        )
        if (!ended.killed) break
        kills++
        by[point] = (by[point] ?? 0) + 1
        story.push(`${point}#${times}`)
      }
      const found = await outcome(plan, directory)
      if (found.log !== expected.log || found.published !== expected.published || found.outputs !== expected.outputs) {
        wrong++
        firstWrong ??= `run ${run}: ${story.join(', ')}`
      } else rmSync(directory, { recursive: true })
      options.progress?.(`${run + 1} runs, ${kills} kills, ${wrong} wrong`)
    }
    return { runs: options.runs, kills, wrong, by_point: by, outputs: expected.outputs, first_wrong: firstWrong }
  } finally {
    if (wrong === 0) rmSync(root, { recursive: true, force: true })
  }
}
