import { savepoint } from '../../runtime/cluster/savepoints.ts'
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
      if (name === undefined) await cluster.definitions.require(pipeline)
      else await savepoint(cluster, pipeline, name, new Date().toISOString())
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
