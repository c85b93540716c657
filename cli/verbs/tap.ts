import { rangesOf } from '../../runtime/cluster/feed_name.ts'
import { Mailbox } from '../../runtime/cluster/mailbox.ts'
import { decodeCommit } from '../../runtime/commit.ts'
import { toJson } from '../../runtime/json.ts'
import { layout } from '../../runtime/log/layout.ts'
import { nearest } from '../../runtime/nearest.ts'
import { committedRows } from '../../runtime/outputs.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { formatTime } from '../../schemas/units.ts'
import { durationOption, wholeOption } from '../args.ts'
import { type Cluster, natsOptions, openCluster } from '../cluster.ts'
import { stopper } from '../stopper.ts'
import type { Verb } from '../verb.ts'

export const tapVerb: Verb = {
  name: 'tap',
  summary: 'Prints what a node of a running pipeline puts out, as it is committed.',
  form: 'NODE|PIPELINE/NODE',
  positionals: { min: 1, max: 1 },
  options: {
    ...natsOptions,
    all: { type: 'boolean', help: 'begin with the oldest commit there is' },
    limit: { type: 'string', value: 'N', help: 'stop after so many' },
    for: { type: 'string', value: 'DURATION', help: 'stop after this long' },
  },
  notes:
    'A node or one of its ports: `gate` or `gate.refused`. Kinds that are not recorded (ticks) are not in the commits.',
  async run(args, context) {
    const { io } = context
    const length = durationOption(args, 'for')
    const limit = wholeOption(args, 'limit') ?? Number.POSITIVE_INFINITY
    const cluster = await openCluster(args, context, 'operator')
    const stop = stopper(length)
    try {
      const { pipeline, node } = await target(args.positionals[0] ?? '', cluster)
      const { pointer } = await cluster.definitions.require(pipeline)
      const plan = await cluster.plans.of(pipeline, pointer.version)
      const edges = plan.edges.filter(({ name }) => name === node || name.startsWith(`${node}.`))
      if (!edges.some(({ recorded }) => recorded)) throw unknownNode(node, plan.edges)
      const stages = await Promise.all(
        rangesOf(pointer.ranges).map((r) => cluster.log.stream(layout.stage(pipeline, r))),
      )
      const starts = stages.map(async (stream) => {
        const { first, last } = await stream.state()
        return { stream, from: args.flags.has('all') ? first : last + 1 }
      })
      const mailbox = new Mailbox(await Promise.all(starts), stop.signal)
      for (let count = 0; !stop.signal.aborted && count < limit; )
        for (const { seq, data } of await mailbox.take(64, stop.signal)) {
          const { head, outputs } = decodeCommit(data, seq)
          for (const row of committedRows(await cluster.plans.byHash(pipeline, head.plan), seq, outputs)) {
            if ((row.edge !== node && !row.edge.startsWith(`${node}.`)) || count >= limit) continue
            count++
            io.line(JSON.parse(toJson(row)), `${formatTime(row.at)} ${row.edge} ${row.key} ${toJson(row.value)}`)
          }
        }
      mailbox.close()
    } finally {
      stop.done()
      await cluster.close()
    }
  },
}

async function target(text: string, { definitions }: Cluster): Promise<{ pipeline: string; node: string }> {
  const at = text.indexOf('/')
  if (at > 0) return { pipeline: text.slice(0, at), node: text.slice(at + 1) }
  const all = await definitions.pipelines()
  if (all.length === 0)
    throw new TidegateError('PIPELINE_UNKNOWN', `no pipeline with a node "${text}": nothing is deployed`)
  if (all.length > 1)
    throw new TidegateError('USAGE', `expected PIPELINE/NODE: ${all.length} pipelines are deployed (${all.join(', ')})`)
  return { pipeline: all[0] as string, node: text }
}
function unknownNode(node: string, edges: readonly { name: string; recorded: boolean }[]): TidegateError {
  const names = edges.flatMap(({ name, recorded }) => (recorded ? [name] : []))
  const near = nearest(node, names)
  return new TidegateError(
    'USAGE',
    `"${node}" is no node whose outputs are committed${near ? `; did you mean "${near}"?` : ''}; those are ${names.join(', ')}`,
    { node, names },
  )
}
