import { randomBytes } from 'node:crypto'
import { isTidegateError, TidegateError } from '../../schemas/errors.ts'
import type { Clock } from '../clock.ts'
import type { ExecutionName } from '../engine.ts'
import type { Link } from '../log/jetstream/link.ts'
import { pause } from '../log/jetstream/patience.ts'
import type { Log } from '../log/log.ts'
import type { Probe } from '../stage.ts'
import type { Watch } from '../watch.ts'
import { Definitions, type Pointer } from './definitions.ts'
import { Events } from './events.ts'
import { LEASE_TTL, type Lease, Leases } from './leases.ts'
import { type Planner, Plans } from './plans.ts'
import { sharesOf } from './shares.ts'
import { type Task, tasksOf } from './tasks.ts'

export interface WorkerOptions {
  readonly link: Link
  readonly log: Log
  readonly namespace: string
  readonly name: string
  readonly release: string
  readonly replicas?: number
  readonly planner: Planner
  readonly clock: Clock
  readonly random: () => number
  readonly endpoint?: (source: string) => string | undefined
  /** Recomputes what others commit, all the time. */
  readonly audit?: boolean
  readonly execution?: ExecutionName | undefined
  readonly notice: (text: string) => void
  readonly failed?: Watch['failed']
  readonly probe?: Probe
}

/** How often a worker looks at what there is to do. */
const LOOK_MS = 200
/** How long a worker that is stopped waits for its last commits. */
const END_MS = 5_000
/** After a failure a task rests: at first for so long, then twice as long each time. */
const [REST_MS, LONGEST_REST_MS] = [500, 30_000]

interface Running {
  readonly task: Task
  readonly lease: Lease
  readonly stop: AbortController
  readonly done: Promise<void>
}

/** The key that says which worker cannot plan a pipeline. */
const refusal = (pipeline: string, worker: string): string => `refused.${pipeline}.${worker}`
/** What there is to do, by pipeline. */
type Tasks = ReadonlyMap<string, readonly Task[]>

/**
 * Does its share of what is deployed. It looks at the definitions, the workers and the leases, works out whose is what as
 * every other worker does, takes a lease for each task of its own and gives back those that are not.
 */
export class Worker {
  private readonly options: WorkerOptions
  private readonly definitions: Definitions
  private readonly leases: Leases
  private readonly plans: Plans
  private readonly events: Events
  private readonly running = new Map<string, Running>()
  private readonly rests = new Map<string, { shape: string; until: number; next: number }>()
  /** What a task failed of, also while it is tried again. */
  private readonly problems = new Map<string, string>()
  private known: { revision: number; tasks: Tasks } = { revision: -1, tasks: new Map() }
  /** Leases that tell the others of pipelines that cannot be planned here. */
  private readonly refusals = new Map<string, Lease>()

  private constructor(options: WorkerOptions, definitions: Definitions, leases: Leases, events: Events, plans: Plans) {
    this.options = options
    this.definitions = definitions
    this.leases = leases
    this.events = events
    this.plans = plans
  }

  /** Runs a worker until the signal aborts; then it finishes what it does and gives back its leases. @throws WORKER_NAME_TAKEN */
  static async run(options: WorkerOptions, signal: AbortSignal): Promise<void> {
    const { link, namespace, name, replicas = 1 } = options
    const definitions = await Definitions.open(link, namespace, replicas)
    const instance = randomBytes(6).toString('hex')
    const leases = await Leases.open(link, namespace, { worker: name, instance }, replicas)
    const events = await Events.open(link, namespace, name, replicas)
    const worker = new Worker(options, definitions, leases, events, new Plans(definitions, options.planner))
    // a server that is away would be waited for; what was not committed is done by whoever comes next
    let deadline: NodeJS.Timeout | undefined
    const hurry = () => {
      deadline = setTimeout(() => void link.close(), END_MS)
    }
    signal.addEventListener('abort', hurry, { once: true })
    try {
      await worker.work(signal)
    } finally {
      clearTimeout(deadline)
      signal.removeEventListener('abort', hurry)
    }
  }

  private async work(signal: AbortSignal): Promise<void> {
    const { name, release, notice } = this.options
    const facts = () => ({
      release,
      pid: process.pid,
      tasks: [...this.running.keys()].sort(),
      problems: Object.fromEntries([...this.problems].filter(([key]) => !this.running.has(key))),
    })
    let presence = await this.appear(facts())
    notice(`worker ${name} is up`)
    try {
      while (!signal.aborted) {
        if (presence.lost.aborted) presence = await this.appear(facts())
        await this.look()
        presence.say(facts())
        await pause(LOOK_MS, signal)
      }
    } finally {
      await Promise.all([...this.running.keys()].map((key) => this.end(key)))
      await Promise.all([...this.refusals.values()].map((lease) => lease.release()))
      await presence.release()
      notice(`worker ${name} is down`)
    }
  }

  /** A worker that was killed holds its name until its lease runs out. */
  private async appear(facts: Readonly<Record<string, unknown>>): Promise<Lease> {
    const { name } = this.options
    // by how often it was seen: an outage of the server may take as long, and says nothing
    for (let seen = 1; ; seen++) {
      const lease = await this.leases.acquire(`worker.${name}`, facts)
      if (lease !== undefined) return lease
      if (seen * LOOK_MS > (LEASE_TTL + 2) * 1000)
        throw new TidegateError('WORKER_NAME_TAKEN', `a worker "${name}" is at work already`, {
          name,
          holder: await this.leases.holderOf(`worker.${name}`),
        })
      await pause(LOOK_MS)
    }
  }

  private async look(): Promise<void> {
    const held = await this.leases.holders('worker.', 'refused.')
    const tasks = await this.tasks()
    const workers = [...held.keys()].flatMap((key) => (key.startsWith('worker.') ? [key.slice('worker.'.length)] : []))
    const keys = new Map([...tasks].map(([pipeline, some]) => [pipeline, some.map(({ key }) => key)]))
    const owners = sharesOf(keys, workers, (pipeline, worker) => !held.has(refusal(pipeline, worker)))
    const mine = new Map(
      [...tasks.values()].flatMap((some) =>
        some.flatMap((task) => (owners.get(task.key) === this.options.name ? [[task.key, task] as const] : [])),
      ),
    )
    const ending = [...this.running.values()].filter(
      ({ task, lease }) => lease.lost.aborted || mine.get(task.key)?.shape !== task.shape,
    )
    await Promise.all(ending.map(({ task }) => this.end(task.key)))
    // what is done by another, or is not to be done, is no problem here; names of pipelines have no dot
    for (const key of this.problems.keys()) if (key.includes('.') && !mine.has(key)) this.problems.delete(key)
    for (const task of mine.values()) if (!this.running.has(task.key) && this.rested(task)) await this.start(task)
  }

  private async tasks(): Promise<Tasks> {
    const revision = await this.definitions.revision()
    if (revision === this.known.revision) return this.known.tasks
    const pointers: Pointer[] = []
    for (const pipeline of await this.definitions.pipelines()) {
      const held = await this.definitions.pointer(pipeline)
      if (held !== undefined) pointers.push(held.pointer)
    }
    const tasks = new Map<string, readonly Task[]>()
    let planned = true
    for (const pointer of pointers)
      try {
        tasks.set(pointer.pipeline, await tasksOf(pointer, this.plans, this.options.audit === true))
        this.problems.delete(pointer.pipeline)
        await this.refuse(pointer.pipeline, false)
      } catch (error) {
        planned = false
        this.trouble(pointer.pipeline, error)
        await this.refuse(pointer.pipeline, true)
      }
    // what could not be planned is tried again, with what is installed then
    this.known = { revision: planned ? revision : -1, tasks }
    return tasks
  }

  private async refuse(pipeline: string, refuses: boolean): Promise<void> {
    const there = this.refusals.get(pipeline)
    if (refuses && there?.lost.aborted === false) return
    this.refusals.delete(pipeline)
    await there?.release()
    if (!refuses) return
    const lease = await this.leases.acquire(refusal(pipeline, this.options.name))
    if (lease !== undefined) this.refusals.set(pipeline, lease)
  }

  private async start(task: Task): Promise<void> {
    const lease = await this.leases.acquire(`task.${task.key}`)
    if (lease === undefined) return
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, lease.lost])
    const { options, plans, events } = this
    const began = performance.now()
    const done = task
      .run({ ...options, replicas: options.replicas ?? 1, plans, events }, signal)
      .then(() => {
        this.rests.delete(task.key)
        this.problems.delete(task.key)
      })
      .catch((error: unknown) => this.trouble(task.key, error, task.shape, performance.now() - began))
      .finally(() => {
        // a task that is over (a finite feed, a drained range) keeps its lease: nobody need do it again
        if (!signal.aborted && this.problems.has(task.key)) void this.end(task.key)
      })
    this.running.set(task.key, { task, lease, stop, done })
    options.notice(`took ${task.key}`)
  }
  private async end(key: string): Promise<void> {
    const running = this.running.get(key)
    if (running === undefined) return
    running.stop.abort()
    await running.done
    this.running.delete(key)
    await running.lease.release()
    this.options.notice(`left ${key}`)
  }

  private rested({ key, shape }: Task): boolean {
    const rest = this.rests.get(key)
    return rest?.shape !== shape || performance.now() >= rest.until
  }
  /** A task that failed is tried again later; who was fenced only comes too late. */
  private trouble(key: string, error: unknown, shape = '', ran = 0): void {
    // what went well for long, or is another task by now, fails for the first time
    if (ran > LONGEST_REST_MS || this.rests.get(key)?.shape !== shape) {
      this.rests.delete(key)
      this.problems.delete(key)
    }
    const code = isTidegateError(error) ? error.code : 'INTERNAL'
    const text = error instanceof Error ? error.message : String(error)
    const due = this.rests.get(key)?.next ?? REST_MS
    const [rest, next] = code === 'LOG_CONFLICT' ? [0, due] : [due, Math.min(due * 2, LONGEST_REST_MS)]
    this.rests.set(key, { shape, until: performance.now() + rest, next })
    if (this.problems.get(key) !== `${code}: ${text}`) {
      this.options.notice(`${key}: ${code}: ${text}`)
      this.events.tell(key.split('.')[1] ?? key, code === 'LOG_CONFLICT' ? 'fenced' : 'failed', {
        task: key,
        code,
        text,
      })
    }
    this.problems.set(key, `${code}: ${text}`)
  }
}
