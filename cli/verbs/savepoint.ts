import { rangesOf } from '../../runtime/cluster/feed_name.ts'
import { layout } from '../../runtime/log/layout.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { natsOptions, withCluster } from '../cluster.ts'
import { table } from '../describe/table.ts'
import type { Verb } from '../verb.ts'

export const savepointVerb: Verb = {
  name: 'savepoint',
  summary: 'Gives the newest commit of a pipeline a name, to replay or compare from; without a name, lists them.',
  form: 'PIPELINE [NAME]',
  positionals: { min: 1, max: 2 },
  options: natsOptions,
  notes: '`tidegate replay PIPELINE --log jetstream --savepoint NAME` begins with the state that was there.',
  async run(args, context) {
    const [pipeline = '', name] = args.positionals
    if (name !== undefined && !/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name))
      throw new TidegateError('USAGE', `expected a name of lower-case letters, digits, _ and -, found "${name}"`)
    await withCluster(args, context, 'operator', async (cluster) => {
      const { pointer } = await cluster.definitions.require(pipeline)
      if (name !== undefined) {
        const commits: Record<string, number> = {}
        for (const range of rangesOf(pointer.ranges)) {
          const stage = layout.stage(pipeline, range)
          commits[stage] = (await (await cluster.log.stream(stage)).state()).last
          if (commits[stage] === 0)
            throw new TidegateError(
              'USAGE',
              `${pipeline} has no commit in ${stage} yet: there is nothing to go back to`,
            )
        }
        const at = new Date().toISOString()
        await cluster.definitions.savepoint(pipeline, { name, version: pointer.version, commits, at })
      }
      const savepoints = await cluster.definitions.savepoints(pipeline)
      context.io.document({ pipeline, savepoints }, () =>
        savepoints.length === 0
          ? `${pipeline} has no savepoint`
          : table(
              ['savepoint', 'version', 'made', 'commits'],
              savepoints.map((s) => [
                ...[s.name, `v${s.version}`, s.at],
                Object.entries(s.commits)
                  .map(([stage, seq]) => `${stage} ${seq}`)
                  .join(', '),
              ]),
            ),
      )
    })
  },
}
