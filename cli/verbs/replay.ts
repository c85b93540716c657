import { wallClock } from '../../runtime/clock.ts'
import { toJson } from '../../runtime/json.ts'
import { replay } from '../../runtime/replay.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { formatTime } from '../../schemas/units.ts'
import { numberOption, timeOption } from '../args.ts'
import { setOption } from '../definition.ts'
import { executionOf, executionOption } from '../execution.ts'
import { dirOption, storedRun } from '../stored_run.ts'
import type { Verb } from '../verb.ts'

export const replayVerb: Verb = {
  name: 'replay',
  summary: 'Recomputes the outputs of a run from its input log, and says whether they are what was committed.',
  form: 'PIPELINE|FILE [--dir DIR]',
  positionals: { min: 1, max: 1 },
  options: {
    dir: dirOption,
    set: setOption,
    execution: executionOption,
    'from-seq': { type: 'string', value: 'N', help: 'print outputs from this input record on' },
    'from-time': { type: 'string', value: 'TIME', help: 'print outputs from this event time on' },
    speed: {
      type: 'string',
      value: 'N|max',
      help: 'event seconds per second between printed outputs; max unless named',
    },
    outputs: { type: 'boolean', help: 'print every output, as JSON lines with --json' },
  },
  notes:
    'The log is always recomputed from its first record, so that every printed output is what the run really made. With a FILE the log runs through that definition instead of the one it was made with: what would it have done? They are compared on the edges it has.',
  async run(args, context) {
    const { io } = context
    const { plan, log, directory, made } = await storedRun(args, context)
    const fromSeq = numberOption(args, 'from-seq')
    const fromTime = timeOption(args, 'from-time')
    const prints = args.flags.has('outputs') || fromSeq !== undefined || fromTime !== undefined
    const pace = paceOf(args.value('speed'))
    const printed: { at: number; line: unknown; text: string }[] = []
    const began = performance.now()
    try {
      const result = await replay(plan, log, {
        execution: executionOf(args),
        output({ commit, order, ...row }, input) {
          if (!prints || input < (fromSeq ?? 0) || row.at < (fromTime ?? 0)) return
          const text = `${formatTime(row.at)} ${row.edge} ${row.key} ${toJson(row.value)}`
          if (pace === undefined) io.line(JSON.parse(toJson(row)), text)
          else printed.push({ at: row.at, line: JSON.parse(toJson(row)), text })
        },
        progress: (rows, at) => io.progress(`${rows.toLocaleString('en')} rows, ${formatTime(at)}`),
      })
      if (pace !== undefined) await playBack(printed, pace, (line, text) => io.line(line, text))
      const same = plan.hash === made
      const document = {
        pipeline: plan.pipeline,
        directory: directory.path,
        plan: plan.hash,
        plan_of_log: made,
        ...result,
        seconds: (performance.now() - began) / 1000,
      }
      const render = () =>
        [
          `${plan.pipeline}: replayed ${result.records} input records, ${result.rows.toLocaleString('en')} rows, ${result.outputs.toLocaleString('en')} outputs`,
          `  committed  sha256 ${result.committed_sha256}`,
          `  replayed   sha256 ${result.replay_sha256}`,
          `  ${result.equal ? 'equal' : `different${same ? '' : ' (another plan than the log was made with)'}; first at ${result.first_difference?.node} ${result.first_difference?.key} ${formatTime(result.first_difference?.at ?? 0)}`}`,
        ].join('\n')
      if (prints) io.line({ report: document }, render())
      else io.document(document, render)
      if (!result.equal && same) return 5
      return 0
    } finally {
      await log.close()
    }
  },
}

function paceOf(text: string | undefined): number | undefined {
  if (text === undefined || text === 'max') return undefined
  const speed = Number(text)
  if (!(speed > 0)) throw new TidegateError('USAGE', `--speed: expected a number above 0 or max, found "${text}"`)
  return speed
}
async function playBack(
  rows: readonly { at: number; line: unknown; text: string }[],
  speed: number,
  print: (line: unknown, text: string) => void,
): Promise<void> {
  const [first] = rows
  const began = wallClock.now()
  for (const { at, line, text } of rows) {
    const wait = (at - (first?.at ?? at)) / speed - (wallClock.now() - began)
    if (wait > 0) await new Promise<void>((resolve) => wallClock.after(wait, resolve))
    print(line, text)
  }
}
