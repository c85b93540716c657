import { TidegateError } from '../../schemas/errors.ts'
import { layout } from '../log/layout.ts'
import type { Savepoint } from './definitions.ts'
import type { Deploying } from './deploy.ts'
import { rangesOf } from './feed_name.ts'
import { checkSame } from './same_stream.ts'

/** Gives the newest commit of each range a name. */
export async function savepoint(
  { definitions, log }: Deploying,
  pipeline: string,
  name: string,
  at: string,
): Promise<void> {
  const { pointer } = await definitions.require(pipeline)
  const commits: Record<string, number> = {}
  const marks: Record<string, string> = {}
  for (const range of rangesOf(pointer.ranges)) {
    const stage = layout.stage(pipeline, range)
    const { last, created } = await (await log.stream(stage)).state()
    if (last === 0)
      throw new TidegateError('USAGE', `${pipeline} has no commit in ${stage} yet: there is nothing to go back to`)
    commits[stage] = last
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
