import { ticksOf } from '../../runtime/cluster/begin.ts'
import type { Pointer } from '../../runtime/cluster/definitions.ts'
import { rangesOf } from '../../runtime/cluster/feed_name.ts'
import { statusOf } from '../../runtime/cluster/status.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { natsOptions, openCluster, withCluster } from '../cluster.ts'
import { stopper } from '../stopper.ts'
import type { Args, Context, Verb } from '../verb.ts'

const form = { form: 'PIPELINE', positionals: { min: 1, max: 1 }, options: natsOptions } as const

export const pauseVerb: Verb = {
  ...form,
  name: 'pause',
  summary: 'Stops a pipeline from taking input; its feeds go on, and nothing is lost.',
  run: (args, context) => set(args, context, 'paused', ['running']),
}
export const resumeVerb: Verb = {
  ...form,
  name: 'resume',
  summary: 'Lets a paused or drained pipeline go on where it stopped.',
  run: (args, context) => set(args, context, 'running', ['paused', 'drained', 'draining']),
}
export const drainVerb: Verb = {
  ...form,
  name: 'drain',
  summary: 'Lets a pipeline take everything its inputs hold now, then stops it and its feeds.',
  notes: 'Waits until it is done; Ctrl-C stops waiting, and the pipeline drains on.',
  async run(args, context) {
    const [pipeline = ''] = args.positionals
    const cluster = await openCluster(args, context, 'operator')
    const stop = stopper(undefined)
    try {
      const { pointer } = await cluster.definitions.require(pipeline)
      const ranges = rangesOf(pointer.ranges)
      const readBy = async (version: number) => ticksOf(await cluster.plans.of(pipeline, version), ranges)
      const until: Record<string, number> = {}
      for (const name of await readBy(pointer.version))
        until[name] = (await (await cluster.log.stream(name)).state()).last
      await cluster.definitions.move(pipeline, (now) => ({ ...now, state: 'draining', until }))
      let warned = false
      for (let left = Number.POSITIVE_INFINITY; left > 0; ) {
        const { pipelines, workers } = await statusOf(cluster, pipeline)
        const [status] = pipelines
        const inputs = (status?.ranges ?? []).flatMap((range) => range.inputs)
        // several nodes may read one stream, each at its own pace
        const takenOf = (name: string) => {
          const taken = inputs.flatMap((input) => (input.stream === name ? [input.taken] : []))
          return taken.length > 0 ? Math.min(...taken) : (pointer.start[name] ?? 1) - 1
        }
        // another version may be promoted meanwhile, and read other streams
        const due = new Set(await readBy(status?.pointer.version ?? pointer.version))
        left = [...due].reduce((sum, name) => sum + Math.max(0, (until[name] ?? 0) - takenOf(name)), 0)
        context.io.progress(`${left} records left`)
        if (left > 0 && workers.length === 0 && !warned) {
          warned = true
          context.io.say(`${left} records are left, and no worker is up: \`tidegate worker\``)
        }
        if (stop.signal.aborted) return 1
        if (status !== undefined) draining(status.pointer)
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
      const drained = await cluster.definitions.move(pipeline, (now) => {
        draining(now)
        const { until: _done, ...rest } = now
        return { ...rest, state: 'drained' }
      })
      context.io.document({ pipeline, pointer: drained }, () => `${pipeline}: drained; \`tidegate resume\` goes on`)
      return 0
    } finally {
      stop.done()
      await cluster.close()
    }
  },
}

/** Whoever changed its state meanwhile meant it. */
function draining({ pipeline, state }: Pointer): void {
  if (state !== 'draining')
    throw new TidegateError('USAGE', `${pipeline} is ${state} meanwhile; expected it to go on draining`, { state })
}

async function set(args: Args, context: Context, state: Pointer['state'], from: readonly Pointer['state'][]) {
  const [pipeline = ''] = args.positionals
  await withCluster(args, context, 'operator', async (cluster) => {
    const pointer = await cluster.definitions.move(pipeline, ({ until: _over, ...now }) => {
      if (!from.includes(now.state))
        throw new TidegateError('USAGE', `${pipeline} is ${now.state}; expected ${from.join(' or ')}`, {
          state: now.state,
        })
      return { ...now, state }
    })
    context.io.document({ pipeline, pointer }, () => `${pipeline}: ${state}, version ${pointer.version}`)
  })
}
