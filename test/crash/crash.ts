import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { operators } from '../../operators/catalogue.ts'
import { OutputHash } from '../../runtime/output_hash.ts'
import { committed } from '../../runtime/outputs.ts'
import { type Plan, plan as planOf } from '../../runtime/plan.ts'
import { type CrashPoint, inputsName, stageName } from '../../runtime/stage.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { NatsServer, natsServerBinary } from '../../testing/nats_server.ts'
import { compile } from './compile.ts'
import { whole } from './cuts.ts'
import { openLog } from './logs.ts'

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

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const definition = here('pipeline.yaml')
const start = (
  child: string,
  directory: string,
  cut: number,
  point: string,
  times: number,
  server: string,
): ChildProcess =>
  spawn(process.execPath, [child, definition, directory, String(cut), point, String(times), server], {
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

async function outcome(
  plan: Plan,
  directory: string,
  server: string,
): Promise<{ outputs: number; log: string; published: string; inputs: number; commits: number }> {
  const log = await openLog(directory, server, true)
  const hash = new OutputHash(plan)
  for await (const row of committed(plan, await log.stream(stageName(plan.pipeline)))) hash.row(row)
  const [inputs, commits] = [await log.stream(inputsName(plan.pipeline)), await log.stream(stageName(plan.pipeline))]
  const passed = { inputs: (await inputs.state()).last, commits: (await commits.state()).last }
  await log.close()
  // commit and order are places in the log, not part of what is compared
  const published = readFileSync(join(directory, 'publish.jsonl'), 'utf8').replaceAll(/,"commit":\d+,"order":\d+/g, '')
  return { outputs: hash.rows, log: hash.digest(), published, ...passed }
}

/**
 * Kills paper runs at every numbered point of the commit and at random, restarts them until they end, and compares the
 * whole output log and the file of published signals with those of a run that was left alone.
 */
export async function crash(options: {
  readonly runs: number
  readonly seed?: number
  /** Keeps the logs on a real nats-server, which is killed too. */
  readonly jetstream?: boolean
  readonly progress?: (text: string) => void
}): Promise<CrashResult> {
  const plan = planOf(parse(readFileSync(definition, 'utf8')), { operators, sources, sinks }, 'paper')
  const child = compile('test/crash/child.js')
  const root = mkdtempSync(join(tmpdir(), 'tidegate-crash-'))
  const next = whole(options.seed ?? 1)
  const by: Record<string, number> = {}
  let [kills, wrong] = [0, 0]
  let firstWrong: string | null = null
  const server = options.jetstream === true ? await startServer() : undefined
  const at = server?.url ?? ''
  try {
    const calm = join(root, 'calm')
    await endOf(start(child, calm, 1, 'none', 1, at), undefined)
    const expected = await outcome(plan, calm, at)
    for (let run = 0; run < options.runs; run++) {
      const directory = join(root, String(run))
      const story: string[] = []
      for (let attempt = 0; ; attempt++) {
        // every point in turn, so that few runs cover all; later attempts and every eighth run by chance
        const choice = attempt === 0 ? run % (points.length + 1) : next(points.length + 1)
        const point = attempt >= 4 ? 'none' : (points[choice] ?? 'random')
        // each attempt may die before it has done half of the work, so that most of them do
        const times = 1 + next(Math.ceil((point.includes('ingest') ? expected.inputs : expected.commits) / 2))
        const here = point === 'random' || (point === 'torn' && server !== undefined) ? 'none' : point
        const running = start(child, directory, 1 + next(1_000_000), here, times, at)
        const started = new Promise((resolve) => running.stdout?.once('data', resolve))
        const ending = endOf(running, point === 'random' ? next(250) : undefined)
        if (server !== undefined && point === 'torn') {
          // a server has no torn records of ours: it is killed instead, while the run goes on
          await Promise.race([started, ending])
          await new Promise((resolve) => setTimeout(resolve, next(400)))
          await server.kill()
          await new Promise((resolve) => setTimeout(resolve, next(400)))
          await server.restart()
          kills++
          by['server'] = (by['server'] ?? 0) + 1
          story.push('server')
        }
        const ended = await ending
        if (!ended.killed) break
        kills++
        by[point] = (by[point] ?? 0) + 1
        story.push(`${point}#${times}`)
      }
      const found = await outcome(plan, directory, at)
      if (found.log !== expected.log || found.published !== expected.published || found.outputs !== expected.outputs) {
        wrong++
        firstWrong ??= `run ${run}: ${story.join(', ')}`
      } else rmSync(directory, { recursive: true })
      options.progress?.(`${run + 1} runs, ${kills} kills, ${wrong} wrong`)
    }
    return { runs: options.runs, kills, wrong, by_point: by, outputs: expected.outputs, first_wrong: firstWrong }
  } finally {
    await server?.stop()
    if (wrong === 0) rmSync(root, { recursive: true, force: true })
  }
}

async function startServer(): Promise<NatsServer> {
  const binary = natsServerBinary()
  if (binary === undefined) throw new Error('no nats-server here: apt-get install nats-server, or set NATS_SERVER_BIN')
  return NatsServer.start({ binary })
}
