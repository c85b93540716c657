import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { operators } from '../../operators/catalogue.ts'
import { wallClock } from '../../runtime/clock.ts'
import { runPipeline } from '../../runtime/environment/run.ts'
import type { Binding, Recording } from '../../runtime/feed.ts'
import { plan as planOf } from '../../runtime/plan.ts'
import { type CrashPoint, stageName } from '../../runtime/stage.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { mixed, recut } from './cuts.ts'
import { openLog } from './logs.ts'

/**
 * A paper run that kills itself. Arguments: the definition, the run directory, how frames are cut (a seed), and where to die: a crash
 * point and which time it is passed; `torn` also leaves the beginning of a commit behind; `none` runs to the end. With the
 * address of a server the log is there, in a namespace of the directory's name.
 */
const [definition = '', directory = '', cut = '1', point = 'none', times = '1', server = ''] = process.argv.slice(2)

const plan = planOf(parse(readFileSync(definition, 'utf8')), { operators, sources, sinks }, 'paper')
const log = await openLog(directory, server)
let passed = 0
const die = (): never => {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('unreachable')
}
const probe = (here: CrashPoint) => {
  if (here !== (point === 'torn' ? 'before_commit' : point) || ++passed < Number(times)) return
  if (point === 'torn') {
    const stream = join(directory, 'log', stageName(plan.pipeline))
    const [segment = ''] = readdirSync(stream)
      .filter((f) => f.endsWith('.seg'))
      .sort()
      .reverse()
    appendFileSync(join(stream, segment), mixed(Number(cut), 16 + (Number(times) % 200)))
  }
  die()
}
const bindings = new Map<string, Binding>(
  plan.sources.map((source, i) => {
    const recording: Recording = { frames: () => recut(source, Number(cut) * 7 + i) }
    return [source.id, { type: 'recording', recording }]
  }),
)
process.stdout.write('started\n')
const result = await runPipeline(plan, {
  log,
  bindings,
  clock: wallClock,
  random: Math.random,
  speed: Number.POSITIVE_INFINITY,
  file: (name) => join(directory, name),
  probe,
})
await log.close()
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
