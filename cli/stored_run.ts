import { existsSync } from 'node:fs'
import { openEmbeddedLog } from '../runtime/log/embedded.ts'
import type { Log } from '../runtime/log/log.ts'
import { type Plan, plan as planOf } from '../runtime/plan.ts'
import { TidegateError } from '../schemas/errors.ts'
import { folderOf, loadDefinition } from './definition.ts'
import { RunDirectory } from './run_directory.ts'
import type { Args, Context } from './verb.ts'

/** The plan and the log of a run that was made, by the name of its pipeline or by a definition file. */
export async function storedRun(
  args: Args,
  { catalogue, io }: Context,
): Promise<{ plan: Plan; log: Log; directory: RunDirectory; made: string }> {
  const [name = ''] = args.positionals
  const file = /\.(ya?ml|json|[cm]?[jt]s)$/.test(name)
  const given = file ? await loadDefinition(name, args) : undefined
  const pipeline = given === undefined ? name : String((given as { pipeline?: unknown }).pipeline)
  const directory = RunDirectory.of(pipeline, args.value('dir'))
  const kept = directory.kept()
  const near = existsSync(kept.near) ? kept.near : '.'
  const plan = planOf(given ?? kept.definition, await catalogue(file ? folderOf(name) : near), 'paper')
  if (plan.pipeline !== pipeline)
    throw new TidegateError('PLAN_MISMATCH', `${directory.path} holds ${plan.pipeline}, not ${pipeline}`, {
      expected: pipeline,
      found: plan.pipeline,
    })
  const log = await openEmbeddedLog(directory.log, { readonly: true })
  for (const notice of log.notices) io.say(notice)
  return { plan, log, directory, made: kept.plan }
}
export const dirOption = {
  type: 'string',
  value: 'DIR',
  help: 'the run directory; .tidegate/PIPELINE unless named',
} as const
