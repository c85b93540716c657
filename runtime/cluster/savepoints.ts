import { TidegateError } from '../../schemas/errors.ts'
import { layout } from '../log/layout.ts'
import type { Savepoint } from './definitions.ts'
import type { Deploying } from './deploy.ts'
import { rangesOf } from './feed_name.ts'
import { checkSame } from './same_stream.ts'
import { newestHead } from './tasks.ts'

/** Gives the newest commit of each range a name. @throws USAGE where a range has no commit of the version that runs */
export async function savepoint(
  { definitions, plans, log }: Deploying,
  pipeline: string,
  name: string,
  at: string,
): Promise<void> {
  const { pointer } = await definitions.require(pipeline)
  const { hash } = await plans.of(pipeline, pointer.version)
  const commits: Record<string, number> = {}
  const marks: Record<string, string> = {}
  for (const range of rangesOf(pointer.ranges)) {
    const stage = layout.stage(pipeline, range)
    const { created } = await (await log.stream(stage)).state()
    const head = await newestHead(log, stage)
    // after a promotion the newest commit is of the version before, until the new one has committed
    if (head?.plan !== hash)
      throw new TidegateError(
        'USAGE',
        `${stage} has no commit of version ${pointer.version} yet: there is nothing to go back to`,
      )
    commits[stage] = head.seq
    marks[stage] = created
  }
  await definitions.savepoint(pipeline, { name, version: pointer.version, commits, created: marks, at })
}

/** The savepoint of that name. @throws USAGE where there is none; LOG_LOST where its commits were made anew since */
export async function savepointOf({ definitions, log }: Deploying, pipeline: string, name: string): Promise<Savepoint> {
  const all = await definitions.savepoints(pipeline)
  const found = all.find((one) => one.name === name)
  if (found !== undefined) {
    for (const stage of Object.keys(found.commits))
      await checkSame(await log.stream(stage), found.created, `savepoint "${name}"`)
    return found
  }
  const known = all.map((one) => one.name).join(', ')
  throw new TidegateError('USAGE', `${pipeline} has no savepoint "${name}"; it has ${known || 'none'}`, { name })
}
