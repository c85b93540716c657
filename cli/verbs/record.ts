import { randomBytes } from 'node:crypto'
import { wallClock } from '../../runtime/clock.ts'
import { runFeed } from '../../runtime/cluster/feed.ts'
import { feedName } from '../../runtime/cluster/feed_name.ts'
import { type Lease, Leases } from '../../runtime/cluster/leases.ts'
import { recordingItems } from '../../runtime/cluster/recording_items.ts'
import type { Catalogue } from '../../runtime/define.ts'
import { type Plan, type PlannedSource, plan as planOf } from '../../runtime/plan.ts'
import type { Recorder } from '../../runtime/wire/recorder.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { durationOption, rangeOptions, rangesOption } from '../args.ts'
import { type Bindings, bindingsOf, bindOptions } from '../binding.ts'
import { type Cluster, natsOptions, openCluster, replicasOption } from '../cluster.ts'
import { folderOf, loadDefinition, readValue, setOption } from '../definition.ts'
import { endpointOption, endpointsOf } from '../endpoints.ts'
import { fileOptions, recorderOf, recordFiles, toFiles } from '../record_files.ts'
import { speedOf, speedOption } from '../speed.ts'
import { stopper } from '../stopper.ts'
import type { Args, Context, Verb } from '../verb.ts'

export const recordVerb: Verb = {
  name: 'record',
  summary: 'Writes what sources give into their tick streams, or into files: raw frames, a tape.',
  form: 'FILE|SOURCE [--bind NODE=TAPE --speed N] [--raw DIR] [-o TAPE]',
  positionals: { min: 1, max: 1 },
  options: {
    ...natsOptions,
    replicas: replicasOption,
    ...bindOptions,
    set: setOption,
    params: { type: 'string', value: 'JSON', help: 'the params of a SOURCE' },
    ranges: { type: 'string', value: 'N', help: 'ranges of keys, as the pipelines that read it were deployed with' },
    speed: speedOption,
    from: { type: 'string', value: 'TIME', help: 'recorded rows from this event time on' },
    to: { type: 'string', value: 'TIME', help: 'recorded rows before this event time' },
    endpoint: endpointOption,
    ...fileOptions,
    for: { type: 'string', value: 'DURATION', help: 'stop after this long' },
  },
  notes:
    'With --raw, every frame of every connection is kept as it came, with its time, in a folder of each source; `tidegate import raw DIR -o TAPE` and `--bind NODE=raw:DIR` make of it the very rows, gaps and heartbeats again. With -o the rows are kept too. With --raw or -o no server is needed, and none is asked unless --nats names one. A feed has one writer: while this runs, no worker opens the same feed. Pipelines that are deployed with the same source read the same stream; `tidegate replay FILE --log jetstream` runs a definition over what is there.',
  async run(args, context) {
    const { plan, catalogue } = await planned(args, context)
    const bindings = await bindingsOf(plan, args, catalogue, context.io)
    if (toFiles(args)) {
      await recordFiles(plan, bindings, args, context.io)
      return
    }
    const [length, ranges] = [durationOption(args, 'for'), rangesOption(args) ?? 1]
    const cluster = await openCluster(args, context, 'ingest')
    const stop = stopper(length)
    try {
      const feeds = await Promise.all(
        plan.sources.map((source) =>
          recordOne(source, { args, context, cluster, plan, bindings, ranges }, stop.signal),
        ),
      )
      context.io.document({ feeds }, () =>
        feeds
          .map((f) => `${f.source}: feed ${f.feed} holds ${f.rows} rows${f.ended ? ', and its end' : ''}`)
          .join('\n'),
      )
    } finally {
      stop.done()
      await cluster.close()
    }
  },
}

async function planned(args: Args, { catalogue }: Context): Promise<{ plan: Plan; catalogue: Catalogue }> {
  const [what = ''] = args.positionals
  const file = /\.(ya?ml|json|[cm]?[jt]s)$/.test(what)
  const components = await catalogue(file ? folderOf(what) : '.')
  if (file) return { plan: planOf(await loadDefinition(what, args), components, 'paper'), catalogue: components }
  const params = args.value('params')
  // a source alone is the smallest pipeline there is
  const definition = {
    pipeline: 'record',
    nodes: { [what]: { source: what, ...(params !== undefined && { params: paramsOf(params) }) } },
  }
  return { plan: planOf(definition, components, 'paper'), catalogue: components }
}

function paramsOf(text: string): unknown {
  try {
    return readValue(text)
  } catch (error) {
    const expected = `--params: expected JSON such as '{"symbols": ["BTCUSDT"]}', found ${text}`
    throw new TidegateError('USAGE', expected, { params: text }, error)
  }
}

interface Recording {
  readonly args: Args
  readonly context: Context
  readonly cluster: Cluster
  readonly plan: Plan
  readonly bindings: Bindings
  readonly ranges: number
}
async function recordOne(source: PlannedSource, on: Recording, signal: AbortSignal) {
  const { args, context, cluster, plan, bindings, ranges } = on
  const feed = feedName(source)
  const binding = bindings.get(source.id)
  if (binding === undefined && source.component.open === undefined && source.component.generate === undefined)
    throw new TidegateError(
      'BINDING_INVALID',
      `node "${source.id}" (${source.component.name}) has no feed of its own; bind it with --bind ${source.id}=TAPE`,
      { node: source.id },
    )
  const lease = await leaseOf(cluster, `task.feed.${feed}${ranges === 1 ? '' : `.${ranges}`}`)
  const both = AbortSignal.any([signal, lease.lost])
  const [from, to] = rangeOptions(args)
  const pace = { clock: wallClock, speed: speedOf(args), from, to, signal: both }
  context.io.say(`${source.id}: recording feed ${feed}`)
  const stop = new AbortController()
  const failed: unknown[] = []
  const fail = (error: unknown) => {
    failed.push(error)
    stop.abort()
  }
  let recorder: Recorder | undefined
  try {
    const { rows, ended } = await runFeed(
      {
        ...cluster,
        ...{ source, ranges, clock: wallClock, random: Math.random },
        endpoint: endpointsOf(args),
        notice: (text) => context.io.say(`${source.id}: ${text}`),
        opened: (open, world) => {
          recorder = recorderOf(args, source, world, fail)
          return recorder?.opened(open) ?? open(world)
        },
        ...(binding !== undefined && {
          items: (position: number) => recordingItems(plan, source, binding, position, pace),
        }),
      },
      AbortSignal.any([both, stop.signal]),
    )
    if (failed.length > 0) throw failed[0]
    return { source: source.id, feed, rows, ended }
  } finally {
    await recorder?.finish()
    await lease.release()
  }
}

async function leaseOf({ link, namespace, replicas }: Cluster, key: string): Promise<Lease> {
  const leases = await Leases.open(
    link,
    namespace,
    { worker: `record-${process.pid}`, instance: randomBytes(6).toString('hex') },
    replicas,
  )
  // who was killed holds it for two seconds more
  for (let tries = 0; tries < 20; tries++) {
    const lease = await leases.acquire(key)
    if (lease !== undefined) return lease
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const holder = await leases.holderOf(key)
  throw new TidegateError('LOG_LOCKED', `${key}: ${holder?.worker ?? 'somebody'} writes this feed already`, { key })
}
