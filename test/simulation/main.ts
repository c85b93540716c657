import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { nothing, type SimulationResult, sum } from './simulate.ts'
import type { Share } from './worker.ts'

const { values } = parseArgs({
  options: {
    histories: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean' },
  },
})
const [histories, seed] = [Number(values.histories), Number(values.seed)]
for (const [name, value] of [['histories', histories] as const, ['seed', seed] as const])
  if (!Number.isSafeInteger(value) || value < 1) {
    process.stderr.write(`--${name}: expected a whole number from 1 on, found "${values[name]}"\n`)
    process.exit(2)
  }

/** Threads run what the compiler makes: a loader's code for names of functions costs a third of a history. */
function compiled(): string {
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
  const directory = here('../../node_modules/.cache/tidegate_simulation')
  const options = ['--noEmit', 'false', '--noCheck', '--declaration', 'false', '--sourceMap', 'false']
  const compiler = [here('../../node_modules/ts7/bin/tsc'), '-p', here('../../tsconfig.json')]
  execFileSync(process.execPath, [...compiler, ...options, '--outDir', directory], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return join(directory, 'test/simulation/worker.js')
}

const entry = compiled()
const share: Share = { histories, seed, stretch: 500, taken: new Int32Array(new SharedArrayBuffer(4)) }
const started = performance.now()
let result: SimulationResult = nothing
const thread = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(entry, { workerData: share, execArgv: [] })
    worker.on('message', (part: SimulationResult) => {
      // stretches come as they are done: the same first one for any number of threads is not promised
      result = sum(result, part)
      const rate = result.histories / ((performance.now() - started) / 1000)
      const text = `${result.histories} histories, ${Math.round(rate)} a second, ${result.wrong} wrong`
      if (process.stderr.isTTY) process.stderr.write(`\r${text}`)
      else if (result.histories % 50_000 === 0) process.stderr.write(`${text}\n`)
    })
    worker.once('error', reject)
    worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a thread ended with ${code}`))))
  })
await Promise.all(
  Array.from({ length: Math.min(availableParallelism(), Math.ceil(histories / share.stretch)) }, thread),
)

const { crashes, zombies, lost_answers, conflicts, wrong, first_wrong } = result
process.stdout.write(
  values.json
    ? `${JSON.stringify(result)}\n`
    : `${histories} histories, ${crashes} crashes, ${zombies} zombies, ${lost_answers} lost answers, ${conflicts} conflicts: ${wrong} wrong${first_wrong === null ? '' : `\n${first_wrong}`}\n`,
)
process.exitCode = wrong === 0 ? 0 : 1
