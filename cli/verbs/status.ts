import { type RangeStatus, type Status, statusOf } from '../../runtime/cluster/status.ts'
import { natsOptions, withCluster } from '../cluster.ts'
import { table } from '../describe/table.ts'
import type { Verb } from '../verb.ts'

export const statusVerb: Verb = {
  name: 'status',
  summary: 'Shows what is deployed, who runs it, how far it got, and what is wrong.',
  form: '[PIPELINE]',
  positionals: { min: 0, max: 1 },
  options: natsOptions,
  async run(args, context) {
    await withCluster(args, context, 'operator', async (cluster) => {
      const status = await statusOf(cluster, args.positionals[0])
      context.io.document(status, () => render(status))
    })
  },
}

function render({ pipelines, workers }: Status): string {
  if (pipelines.length === 0 && workers.length === 0) return 'nothing is deployed, and no worker is up'
  const rows = pipelines.flatMap(({ pipeline, pointer, ranges }) =>
    ranges.map((range) => [
      pipeline,
      range.range,
      `v${pointer.version}${pointer.candidate > pointer.version ? ` (v${pointer.candidate} waits)` : ''}`,
      `${pointer.state}${pointer.shadow === null ? '' : `, shadow v${pointer.shadow.version}`}`,
      range.commits,
      range.epoch,
      lagWords(range),
      range.leased ?? '-',
    ]),
  )
  const problems = workers.flatMap(({ worker, problems: all }) =>
    Object.entries(all).map(([task, text]) => `  ${worker}: ${task}: ${text}`),
  )
  return [
    table(['pipeline', 'range', 'version', 'state', 'commits', 'epoch', 'behind', 'worker'], rows),
    '',
    workers.length === 0
      ? 'no worker is up: `tidegate worker`'
      : table(
          ['worker', 'release', 'tasks'],
          workers.map((w) => [w.worker, w.release, w.tasks.join(' ') || '-']),
        ),
    ...(problems.length > 0 ? ['', 'problems:', ...problems] : []),
  ].join('\n')
}
export const lagWords = ({ inputs }: RangeStatus): string => {
  if (inputs.length === 0) return 'nothing taken'
  const records = inputs.reduce((sum, { records: n }) => sum + n, 0)
  const times = inputs.flatMap(({ time }) => (time === null ? [] : [time]))
  return `${records} records${times.length > 0 ? `, ${(Math.max(...times) / 1e6).toFixed(1)} s` : ''}`
}
