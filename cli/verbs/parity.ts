import { recompute } from '../../runtime/cluster/recompute.ts'
import type { ReplayResult } from '../../runtime/replay.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { formatTime } from '../../schemas/units.ts'
import { setOption } from '../definition.ts'
import { executionOf, executionOption } from '../execution.ts'
import { combined, deadText, passedText } from '../replay_report.ts'
import { savepointOption, storedRun, storedRunOptions } from '../stored_run.ts'
import type { Verb } from '../verb.ts'

export const parityVerb: Verb = {
  name: 'parity',
  summary: 'Recomputes a run from its inputs and compares it with what was committed; the first difference is named.',
  form: 'PIPELINE|FILE [--log jetstream]',
  positionals: { min: 1, max: 1 },
  options: { ...storedRunOptions, savepoint: savepointOption, set: setOption, execution: executionOption },
  notes:
    'Exit code 5 when they differ. Works beside a run that is going on: what is committed so far is compared. On a server, commits of other versions, and those whose inputs the server has let go, are left out, and `tidegate worker --audit` does this all the time.',
  async run(args, context) {
    const { plan, log, stages, close } = await storedRun(args, context)
    try {
      const results: (readonly ReplayResult[])[] = []
      for (const stage of stages) {
        const stretches = await recompute(plan, log, {
          ...stage,
          execution: executionOf(args),
          progress: (rows, at) => context.io.progress(`${rows.toLocaleString('en')} rows, ${formatTime(at)}`),
        })
        for (const stretch of stretches) if (!stretch.equal) throw broken(plan.pipeline, stretch)
        results.push(stretches)
      }
      const total = combined(results.flat())
      // what stands before a savepoint was not asked for
      const passed = args.value('savepoint') === undefined ? passedText(results) : ''
      const also = passed === '' ? '' : `; ${passed}`
      context.io.document({ pipeline: plan.pipeline, plan: plan.hash, ...total }, () =>
        total.records === 0
          ? `${plan.pipeline}: ${passed === '' ? 'nothing was taken yet, and nothing was compared' : 'this version has taken nothing yet'}${also}`
          : `${plan.pipeline}: ${total.outputs.toLocaleString('en')} outputs of ${total.records} input records, all equal (sha256 ${total.replay_sha256})${total.dead > 0 ? `; ${deadText(total.dead)}, as in the run` : ''}${also}`,
      )
    } finally {
      await close()
    }
  },
}

function broken(pipeline: string, result: ReplayResult): TidegateError {
  const d = result.first_difference
  const where =
    d === null
      ? 'the number of outputs'
      : `${d.node} ${d.key} at ${formatTime(d.at)}: expected ${d.expected}, found ${d.found}`
  return new TidegateError('PARITY_BROKEN', `${pipeline}: first difference: ${where}`, { ...result })
}
