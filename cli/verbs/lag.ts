import { statusOf } from '../../runtime/cluster/status.ts'
import { natsOptions, withCluster } from '../cluster.ts'
import { table } from '../describe/table.ts'
import type { Verb } from '../verb.ts'

export const lagVerb: Verb = {
  name: 'lag',
  summary: 'Says how far each pipeline is behind its inputs, in records and in event time.',
  form: '[PIPELINE]',
  positionals: { min: 0, max: 1 },
  options: natsOptions,
  notes: 'A record is a frame of one or more rows.',
  async run(args, context) {
    await withCluster(args, context, 'operator', async (cluster) => {
      const { pipelines } = await statusOf(cluster, args.positionals[0])
      const lags = pipelines.flatMap(({ pipeline, ranges }) =>
        ranges.flatMap(({ range, inputs }) => inputs.map((input) => ({ pipeline, range, ...input }))),
      )
      context.io.document({ lags }, () => {
        if (pipelines.length === 0) return 'nothing is deployed'
        return table(
          ['pipeline', 'range', 'input', 'taken', 'last', 'records behind', 'seconds behind'],
          lags.map((l) => [
            ...[l.pipeline, l.range, l.stream, l.taken, l.last, l.records],
            l.time === null ? '-' : (l.time / 1e6).toFixed(3),
          ]),
        )
      })
    })
  },
}
