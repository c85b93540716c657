import { replay } from '../../runtime/replay.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { formatTime } from '../../schemas/units.ts'
import { setOption } from '../definition.ts'
import { executionOf, executionOption } from '../execution.ts'
import { dirOption, storedRun } from '../stored_run.ts'
import type { Verb } from '../verb.ts'

export const parityVerb: Verb = {
  name: 'parity',
  summary: 'Recomputes a run from its inputs and compares it with what was committed; the first difference is named.',
  form: 'PIPELINE|FILE [--dir DIR]',
  positionals: { min: 1, max: 1 },
  options: { dir: dirOption, set: setOption, execution: executionOption },
  notes: 'Exit code 5 when they differ. Works beside a run that is going on: what is committed so far is compared.',
  async run(args, context) {
    const { plan, log } = await storedRun(args, context)
    try {
      const result = await replay(plan, log, {
        execution: executionOf(args),
        progress: (rows, at) => context.io.progress(`${rows.toLocaleString('en')} rows, ${formatTime(at)}`),
      })
      const d = result.first_difference
      if (!result.equal) {
        const where =
          d === null
            ? 'the number of outputs'
            : `${d.node} ${d.key} at ${formatTime(d.at)}: expected ${d.expected}, found ${d.found}`
        throw new TidegateError('PARITY_BROKEN', `${plan.pipeline}: first difference: ${where}`, { ...result })
      }
      context.io.document(
        { pipeline: plan.pipeline, plan: plan.hash, ...result },
        () =>
          `${plan.pipeline}: ${result.outputs.toLocaleString('en')} outputs of ${result.records} input records, all equal (sha256 ${result.replay_sha256})`,
      )
    } finally {
      await log.close()
    }
  },
}
