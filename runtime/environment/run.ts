import type { Subscription } from 'rxjs'
import { TidegateError } from '../../schemas/errors.ts'
import { rowReader } from '../../schemas/frame_reader.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import type { Kind } from '../../schemas/kind.ts'
import { type Clock, pause } from '../clock.ts'
import type { Committed, SourceContext, SourceItem } from '../connect.ts'
import type { ExecutionName } from '../engine.ts'
import { type Binding, encodeItems, merged, ownGenerator, type Slice } from '../feed.ts'
import type { Log, LogRecord, LogStream } from '../log/log.ts'
import type { NodeMetrics } from '../meter.ts'
import { committed } from '../outputs.ts'
import { kindsOf, type Plan, type PlannedSource } from '../plan.ts'
import { type Probe, Stage, type StageInput } from '../stage.ts'
import type { Watch } from '../watch.ts'
import { Delivery, type Published } from './deliver.ts'
import { type Answered, Executors } from './executors.ts'
import { secretOf } from './secret.ts'

export interface RunOptions {
  readonly log: Log
  /** Sources without a binding are live. */
  readonly bindings: ReadonlyMap<string, Binding>
  readonly clock: Clock
  readonly random: () => number
  /** Event seconds per second for bound sources; Infinity for as fast as it goes. */
  readonly speed: number
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly endpoint?: (source: string) => string | undefined
  readonly execution?: ExecutionName | undefined
  /** A node threw; it is left out for that key. */
  readonly failed?: Watch['failed']
  readonly notice?: (text: string) => void
  readonly file?: (name: string) => string | undefined
  /** Every committed row of this run, those of earlier runs first. */
  readonly output?: (row: Committed) => void
  readonly published?: (message: Published) => void
  readonly progress?: (rows: number, at: number) => void
  readonly signal?: AbortSignal
  /** The log has taken the plan: from here on the run is one. */
  readonly accepted?: (fresh: boolean) => void
  readonly probe?: Probe
}
export interface RunResult {
  readonly ticks: number
  readonly late: number
  readonly invalid: number
  readonly gaps: number
  /** How often a node threw, over the whole run. */
  readonly failed: number
  readonly execution: ExecutionName
  /** What each node did in this process. */
  readonly nodes: readonly NodeMetrics[]
  readonly resumed: boolean
  /** All data had been taken before. */
  readonly complete: boolean
  readonly ended: boolean
}

/** Input records of one step at most: bounds what a commit holds. */
const RECORDS_PER_STEP = 64
const ROWS_PER_STEP = 4096

/**
 * Paper and live trading: live or recorded data through the log, the same engine as a backtest. Whatever comes in is
 * appended to the input stream first; the stage commits what it made of it; sinks take committed rows. In paper the
 * venue is simulated in the pass; live, orders go to executors, and their answers come in like everything else.
 */
export async function runPipeline(plan: Plan, options: RunOptions): Promise<RunResult> {
  const live = plan.sources.some(
    (s) => s.passive !== true && options.bindings.get(s.id) === undefined && ownGenerator(s) === undefined,
  )
  const stage = await Stage.open(plan, options.log, {
    ...(options.probe && { probe: options.probe }),
    execution: options.execution,
    warm_up: live,
    failed: options.failed,
  })
  if (stage.warmed > 0) options.notice?.(`warmed up on the newest ${stage.warmed.toLocaleString('en')} rows of the log`)
  options.accepted?.(stage.last === 0 && (await own(stage).state()).last === 0)
  const delivery = new Delivery(plan, plan.mode, options.file ?? (() => undefined))
  const subscription = options.published ? delivery.published.subscribe(options.published) : undefined
  let executors: Executors | undefined
  try {
    executors = await Executors.open(plan, stage.engine, {
      ...{ clock: options.clock, random: options.random, secret: secretOf },
      run: (await stage.stream.state()).created,
      endpoint: options.endpoint ?? (() => undefined),
      notice: options.notice ?? (() => {}),
    })
    const run = new Run(plan, stage, delivery, executors, options)
    return await run.start()
  } finally {
    await executors?.close()
    stage.close()
    delivery.close()
    subscription?.unsubscribe()
  }
}

/** A run logs what it takes itself, in one stream. */
const own = (stage: Stage): LogStream => (stage.inputs[0] as StageInput).stream

class Run {
  private readonly plan: Plan
  private readonly stage: Stage
  private readonly delivery: Delivery
  private readonly executors: Executors
  private readonly options: RunOptions
  private readonly probe: Probe
  private readonly known: Readonly<Record<string, Kind>>
  private lastInput = 0

  constructor(plan: Plan, stage: Stage, delivery: Delivery, executors: Executors, options: RunOptions) {
    this.plan = plan
    this.known = kindsOf(plan)
    this.stage = stage
    this.delivery = delivery
    this.executors = executors
    this.options = options
    this.probe = options.probe ?? (() => {})
  }

  async start(): Promise<RunResult> {
    const resumed = this.stage.last > 0
    await this.catchUp()
    const complete = resumed && this.stage.engine.taken.every((t) => t.ended)
    const live = this.plan.sources.filter((s) => s.passive !== true && this.bindingOf(s) === undefined)
    if (live.length === 0 && this.plan.executors.length === 0) await this.replay()
    else await this.live(live)
    const { rows, late, invalid, gaps, failed } = this.stage.engine.counts
    const ended = this.stage.engine.taken.every((t) => t.ended)
    const { execution } = this.stage.engine
    const nodes = this.stage.engine.metrics()
    return {
      ticks: rows,
      late,
      invalid,
      gaps,
      failed,
      resumed,
      complete,
      ended,
      execution,
      nodes,
    }
  }

  private bindingOf(source: PlannedSource): Binding | undefined {
    return this.options.bindings.get(source.id) ?? ownGenerator(source)
  }

  /** What was committed is delivered again where a sink does not hold it; what was logged and not committed is stepped. */
  private async catchUp(): Promise<void> {
    this.delivery.checkAgainst(this.stage.last)
    if (this.stage.last > 0) {
      const from = this.options.output === undefined ? this.delivery.from : 1
      for await (const row of committed(this.plan, this.stage.stream, Number.isFinite(from) ? from : 1))
        await this.hand([row])
    }
    const { last } = await own(this.stage).state()
    this.lastInput = last
    let records: LogRecord[] = []
    if (last > this.stage.position)
      for await (const record of own(this.stage).read(this.stage.position + 1)) {
        records.push(record)
        if (records.length < RECORDS_PER_STEP) continue
        await this.step(records)
        records = []
      }
    await this.step(records)
  }

  private async hand(rows: readonly Committed[]): Promise<void> {
    await this.executors.take(rows)
    this.delivery.write(rows)
    if (this.options.output) for (const row of rows) this.options.output(row)
  }

  private async step(records: readonly LogRecord[]): Promise<void> {
    if (records.length === 0) return
    const rows = await this.stage.step(records)
    this.probe('before_deliver')
    await this.hand(rows)
    this.probe('after_deliver')
  }

  /** Logs frames, then steps over them. */
  private async take(frames: readonly Uint8Array[]): Promise<void> {
    for (let i = 0; i < frames.length; i += RECORDS_PER_STEP) {
      const records: LogRecord[] = []
      for (const data of frames.slice(i, i + RECORDS_PER_STEP)) {
        this.probe('before_ingest')
        this.lastInput = await own(this.stage).append(data, this.lastInput)
        this.probe('after_ingest')
        records.push({ seq: this.lastInput, data })
      }
      await this.step(records)
    }
  }

  /** Bound sources, merged by event time, at the pace that was asked for. */
  private async replay(): Promise<void> {
    const { engine } = this.stage
    if (engine.taken.every((t) => t.ended)) return
    const { clock, speed, signal } = this.options
    const bindings = new Map(this.plan.sources.map((s) => [s.id, this.bindingOf(s) as Binding]))
    const began = clock.now()
    let origin: number | undefined
    let ready: { frames: Uint8Array[]; rows: number; at: number } = { frames: [], rows: 0, at: 0 }
    const hand = async () => {
      await this.take(ready.frames)
      this.options.progress?.(engine.counts.rows, ready.at)
      ready = { frames: [], rows: 0, at: 0 }
      // sockets, signals and progress bars get their turn
      await new Promise((resolve) => setImmediate(resolve))
    }
    const range = { from: this.options.from, to: this.options.to, taken: engine.taken }
    for (const slice of merged(this.plan, bindings, range)) {
      for (const piece of speed === Number.POSITIVE_INFINITY ? [slice] : paced(slice, speed)) {
        const at = piece.frame.at[piece.from] as number
        origin ??= at
        const wait = speed === Number.POSITIVE_INFINITY ? 0 : (at - origin) / speed - (clock.now() - began)
        if (wait > 0) {
          await hand()
          await pause(clock, wait, signal)
        }
        if (signal?.aborted) return
        ready.frames.push(this.encode(piece))
        ready.rows += piece.to - piece.from
        ready.at = piece.frame.at[piece.to - 1] as number
        if (ready.frames.length >= RECORDS_PER_STEP || ready.rows >= ROWS_PER_STEP) await hand()
      }
    }
    await hand()
  }

  private encode({ source, frame, from, to }: Slice): Uint8Array {
    const planned = this.plan.sources[source] as PlannedSource
    const kind = this.known[frame.kind]
    if (kind === undefined) throw new TidegateError('FRAME_SCHEMA', `expected a known kind, found "${frame.kind}"`)
    const read = rowReader(kind)
    const writer = new FrameWriter(kind, planned.id, { capacity: to - from })
    for (let i = from; i < to; i++)
      writer.push(frame.at[i] as number, frame.keys[frame.key[i] as number] as string, read(frame, i))
    return writer.take()
  }

  /** An answer has the newest event time there is: it is never late, and closes no window by itself. */
  private stamped({ answer: { key, value } }: Answered): SourceItem {
    return { type: 'row', at: this.stage.engine.newest() || this.options.clock.now(), key, value }
  }

  /** Live sources push. A frame is cut as soon as the loop is free: nothing waits for company, and load makes frames larger. */
  private async live(sources: readonly PlannedSource[]): Promise<void> {
    const { clock, random, signal } = this.options
    if (sources.length < this.plan.sources.filter((s) => s.passive !== true).length)
      throw new TidegateError(
        'BINDING_INVALID',
        `bind all sources or none: ${sources.map((s) => s.id).join(', ')} would be live beside recorded data`,
        { live: sources.map((s) => s.id) },
      )
    const waiting: { source: PlannedSource; items: SourceItem[] }[] = []
    const answers: Answered[] = []
    let wake = () => {}
    let failure: unknown
    const open = new Set<string>()
    const subscriptions: Subscription[] = sources.map((source) => {
      open.add(source.id)
      const context: SourceContext = {
        clock,
        random,
        position: this.stage.engine.taken[this.plan.sources.indexOf(source)]?.data ?? 0,
        endpoint: this.options.endpoint ?? (() => undefined),
        secret: secretOf,
        notice: (text) => this.options.notice?.(`${source.id}: ${text}`),
      }
      const opened = (
        source.component.open as unknown as (
          params: unknown,
          context: SourceContext,
        ) => import('rxjs').Observable<readonly SourceItem[]>
      )(source.params, context)
      return opened.subscribe({
        next: (items) => {
          const newest = waiting.at(-1)
          if (newest?.source === source) newest.items.push(...items)
          else waiting.push({ source, items: [...items] })
          wake()
        },
        error: (error: unknown) => {
          failure = error
          wake()
        },
        complete: () => {
          open.delete(source.id)
          wake()
        },
      })
    })
    subscriptions.push(
      this.executors.answers.subscribe({
        next: (told) => {
          answers.push(...told)
          wake()
        },
        error: (error: unknown) => {
          failure = error
          wake()
        },
      }),
    )
    signal?.addEventListener('abort', () => wake(), { once: true })
    try {
      const busy = () => waiting.length > 0 || answers.length > 0
      while (!signal?.aborted && (busy() || (failure === undefined && open.size > 0))) {
        if (!busy()) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          continue
        }
        const taken = waiting.splice(0)
        await this.take(taken.flatMap(({ source, items }) => encodeItems(source, items)))
        const told = answers.splice(0)
        await this.take(told.flatMap((one) => encodeItems(one.source, [this.stamped(one)])))
        this.options.progress?.(this.stage.engine.counts.rows, 0)
        await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      for (const subscription of subscriptions) subscription.unsubscribe()
    }
    if (failure !== undefined) throw failure
  }
}

/** Pieces of a slice that span at most 5 ms of real time, so that a paced replay does not come in lumps. */
export function* paced(slice: Slice, speed: number): Generator<Slice> {
  const span = 5_000 * speed
  for (let from = slice.from; from < slice.to; ) {
    const start = slice.frame.at[from] as number
    let to = from + 1
    while (to < slice.to && (slice.frame.at[to] as number) - start < span) to++
    yield { ...slice, from, to }
    from = to
  }
}
