import { decodeCommit } from '../commit.ts'
import type { Link } from '../log/jetstream/link.ts'
import { layout, type Range, suffix } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import type { Definitions, Pointer, Savepoint } from './definitions.ts'
import { rangesOf, tickStreams } from './feed_name.ts'
import { Leases } from './leases.ts'
import type { Plans } from './plans.ts'
import { timeOf } from './start.ts'

/** How far a range is behind one of its inputs. */
export interface InputLag {
  readonly stream: string
  /** The newest record taken, and the newest there is. */
  readonly taken: number
  readonly last: number
  readonly records: number
  /** µs of event time between the two; null where that is not known. */
  readonly time: number | null
}
export interface RangeStatus {
  readonly range: string
  readonly commits: number
  readonly epoch: number
  /** The plan and the worker of the newest commit. */
  readonly plan: string | null
  readonly owner: string | null
  /** Who holds the lease now. */
  readonly leased: string | null
  readonly dead: number
  readonly inputs: readonly InputLag[]
}
export interface PipelineStatus {
  readonly pipeline: string
  readonly pointer: Pointer
  readonly plan: string
  readonly ranges: readonly RangeStatus[]
  readonly savepoints: readonly Savepoint[]
}
export interface WorkerStatus {
  readonly worker: string
  readonly release: string
  readonly tasks: readonly string[]
  readonly problems: Readonly<Record<string, string>>
}
export interface Status {
  readonly pipelines: readonly PipelineStatus[]
  readonly workers: readonly WorkerStatus[]
}

interface From {
  readonly link: Link
  readonly log: Log
  readonly definitions: Definitions
  readonly plans: Plans
  readonly namespace: string
  readonly replicas: number
}

/** Everything there is to know of a namespace, or of one pipeline of it. @throws PIPELINE_UNKNOWN */
export async function statusOf(from: From, pipeline?: string): Promise<Status> {
  const leases = await Leases.open(from.link, from.namespace, { worker: 'status', instance: 'status' }, from.replicas)
  const names = pipeline === undefined ? await from.definitions.pipelines() : [pipeline]
  const pipelines = await Promise.all(names.map((name) => pipelineStatus(from, leases, name)))
  const workers = await leases.holders('worker.')
  return {
    pipelines,
    workers: [...workers.values()].map((held) => ({
      worker: held.worker,
      release: String(held['release'] ?? ''),
      tasks: (held['tasks'] ?? []) as string[],
      problems: (held['problems'] ?? {}) as Record<string, string>,
    })),
  }
}

async function pipelineStatus(from: From, leases: Leases, pipeline: string): Promise<PipelineStatus> {
  const { definitions, log } = from
  const { pointer } = await definitions.require(pipeline)
  const { plan } = await definitions.version(pipeline, pointer.version)
  const ranges = rangesOf(pointer.ranges).map(async (range): Promise<RangeStatus> => {
    const stage = await log.stream(layout.stage(pipeline, range))
    const [newest, holder] = [await stage.last(), await leases.holderOf(`task.stage.${pipeline}${suffix(range)}`)]
    const head = newest && decodeCommit(newest.data, newest.seq).head
    return {
      range: `${range.part}of${range.of}`,
      commits: newest?.seq ?? 0,
      epoch: head?.epoch ?? 0,
      plan: head?.plan ?? null,
      owner: head?.owner ?? null,
      leased: holder?.worker ?? null,
      dead: head?.dead?.length ?? 0,
      inputs: await Promise.all(
        (head?.inputs ?? (await untaken(from, pointer, pipeline, range))).map(({ stream, to }) =>
          lagOf(log, stream, to),
        ),
      ),
    }
  })
  return {
    pipeline,
    pointer,
    plan,
    ranges: await Promise.all(ranges),
    savepoints: await definitions.savepoints(pipeline),
  }
}

/** Before the first commit, what a range is going to take, as far as it is there. */
async function untaken({ plans, log }: From, { version, start }: Pointer, pipeline: string, range: Range) {
  const plan = await plans.of(pipeline, version).catch(() => undefined)
  const streams = plan === undefined ? [] : tickStreams(plan, range)
  const there = await Promise.all(streams.map(({ name }) => log.open(name)))
  const known = there.flatMap((stream) => stream ?? [])
  return Promise.all(
    known.map(async (stream) => ({
      stream: stream.name,
      to: (start[stream.name] ?? (await stream.state()).first) - 1,
    })),
  )
}

async function lagOf(log: Log, name: string, taken: number): Promise<InputLag> {
  const stream = await log.stream(name)
  const { first, last } = await stream.state()
  const known = taken >= first && last >= first
  const [newest, at] = known ? [await timeOf(stream, last), await timeOf(stream, taken)] : []
  const time = newest === undefined || at === undefined ? null : newest - at
  return { stream: name, taken, last, records: last - taken, time }
}
