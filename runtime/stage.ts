import { TidegateError } from '../schemas/errors.ts'
import type { Frame } from '../schemas/frame.ts'
import { COMMIT_VERSION, type CommitHead, type DeadLetter, encodeCommit } from './commit.ts'
import type { Committed } from './connect.ts'
import { type Engine, type ExecutionName, openEngine } from './engine.ts'
import { metering } from './environment/metering.ts'
import { intactFrame, isDamage } from './intact_frame.ts'
import { layout } from './log/layout.ts'
import type { Log, LogRecord, LogStream } from './log/log.ts'
import { committedRows, OutputFrames } from './outputs.ts'
import { kindsOf, type Plan } from './plan.ts'
import { checkTaken, restore, takeOver } from './restore.ts'
import { Snapshots } from './state/snapshot.ts'
import type { Watch } from './watch.ts'

/** The numbered points of a commit at which a crash must lose nothing and double nothing. */
export type CrashPoint =
  | 'before_ingest'
  | 'after_ingest'
  | 'before_commit'
  | 'after_commit'
  | 'before_deliver'
  | 'after_deliver'
export type Probe = (point: CrashPoint) => void

/** What a warm-up takes at most: V8 needs some hundred thousand rows for the loop, and a start should not wait long. */
const WARM_RECORDS = 20_000
const WARM_ROWS = 300_000
/** A whole state at least so often: what a restart has to read is bounded. */
const FULL_EVERY = 64

/** A stream of frames that a stage takes. */
export interface StageInput {
  readonly stream: LogStream
  /** The source its frames belong to; what the frames say themselves where it is absent. */
  readonly source?: string
  /** The first record a fresh stage takes; 1 unless given. */
  readonly start?: number
}
/** A record of an input; of the first one unless said. */
export interface InputRecord extends LogRecord {
  readonly input?: number
}

export interface StageOptions {
  /** The streams to take; the pipeline's own input stream unless given. */
  readonly inputs?: readonly StageInput[]
  /** The name of the stage stream; that of a run of the pipeline unless given. */
  readonly name?: string
  /** The name of an owner that fences those before it: it commits an epoch of its own before anything else. */
  readonly owner?: string
  /** The plan of that hash, whose state this one goes on with: a promotion. Refused unless given. */
  readonly upgrade?: (hash: string) => Promise<Plan>
  /** Nodes that keep their state in an upgrade though their params changed. */
  readonly keep?: readonly string[]
  readonly probe?: Probe
  readonly execution?: ExecutionName | undefined
  readonly failed?: Watch['failed']
  /** Runs recent inputs through the engine before it is restored: V8 has compiled the program when the first tick comes. */
  readonly warm_up?: boolean
}

export const inputsName = layout.inputs
export const stageName = layout.run

/**
 * The step-and-commit loop of one pipeline: takes input records, runs them through the engine, and commits input
 * positions, outputs and state change as one record with the expected last sequence, one in flight. Start-up is recovery.
 */
export class Stage {
  readonly plan: Plan
  readonly inputs: readonly StageInput[]
  readonly stream: LogStream
  engine!: Engine
  /** The newest committed record of each input. */
  readonly positions: number[]
  /** The newest commit. */
  last = 0
  epoch = 0
  /** Rows of the log that warmed the engine up. */
  warmed = 0
  private full = 0
  private knownKeys = 0
  private readonly created: string[] = []
  private readonly outputs = new OutputFrames()
  private readonly known: ReturnType<typeof kindsOf>
  private snapshots!: Snapshots
  private readonly probe: Probe
  private readonly options: StageOptions
  /** What is put out counts for nothing. */
  private rehearsing = false
  /** The state came from another plan: nothing before it can be added to. */
  private carried = false
  /** The commit on its way. */
  private pending: Promise<void> = Promise.resolve()
  /** Why nothing more is committed. */
  private failure: unknown
  /** The newest record of each input that was run, committed or on its way. */
  private taken: number[] = []
  /** Of the newest commit. */
  commitBytes = 0

  private constructor(plan: Plan, inputs: readonly StageInput[], stream: LogStream, options: StageOptions) {
    this.options = options
    this.plan = plan
    this.known = kindsOf(plan)
    this.inputs = inputs
    this.stream = stream
    this.positions = inputs.map(({ start = 1 }) => start - 1)
    this.probe = options.probe ?? (() => {})
  }

  /** @throws PLAN_MISMATCH, LOG_LOST, LOG_CORRUPT; LOG_CONFLICT where another owner was faster */
  static async open(plan: Plan, log: Log, options: StageOptions = {}): Promise<Stage> {
    const inputs = options.inputs ?? [{ stream: await log.stream(inputsName(plan.pipeline)) }]
    const stream = await log.stream(options.name ?? stageName(plan.pipeline))
    const stage = new Stage(plan, inputs, stream, options)
    await stage.start()
    try {
      await stage.recover()
      stage.taken = [...stage.positions]
      if (options.owner !== undefined) stage.commit(stage.positions, [], [])
      await stage.settle()
    } catch (error) {
      stage.close()
      throw error
    }
    return stage
  }
  /** The newest committed record of the first input. */
  get position(): number {
    return this.positions[0] as number
  }

  private async start(): Promise<void> {
    const watch: Watch = {
      output: (edge, kind) => {
        const record = this.outputs.recorder(edge, kind)
        return (key, at, ordinal, value, code) => {
          if (!this.rehearsing) record(key, at, ordinal, value, code)
        }
      },
      failed: (failure) => {
        if (!this.rehearsing) this.options.failed?.(failure)
      },
    }
    this.engine = await openEngine(this.plan, watch, { execution: this.options.execution, metering })
    this.snapshots = new Snapshots(this.engine)
  }

  private async recover(): Promise<void> {
    const found = await restore(this.stream)
    // not before the commits are read: an owner that is still at work takes inputs as they come
    const held = await Promise.all(this.inputs.map(({ stream }) => stream.state()))
    this.created.push(...held.map(({ created }) => created))
    if (found === undefined) return
    const { head, last } = found
    const { upgrade } = this.options
    if (head.plan !== this.plan.hash && upgrade === undefined) throw mismatch(head, this.plan)
    if ((head.live === true) !== (this.plan.mode === 'live')) throw otherMode(head, this.plan)
    const streams = this.inputs.map(({ stream }) => stream.name)
    for (const { stream } of head.inputs)
      if (head.plan === this.plan.hash && (!streams.includes(stream) || head.inputs.length !== streams.length))
        throw new TidegateError('LOG_LOST', `commit ${last} took ${stream}, which is no input of the stage`, {
          inputs: streams,
        })
    for (const [i, name] of streams.entries()) {
      const same = head.inputs.filter(({ stream }) => stream === name)
      // several nodes may read one stream, each at its own pace; one that is new goes on where another is
      const taken = same[streams.slice(0, i).filter((other) => other === name).length] ?? same[0]
      if (taken === undefined) continue
      checkTaken(taken, last, held[i] as (typeof held)[number])
      this.positions[i] = taken.to
    }
    if (head.plan === this.plan.hash || upgrade === undefined) {
      if (this.options.warm_up) await this.rehearse(found.keys)
      for (const { state, keys } of found.states) this.snapshots.load(state, keys)
      this.engine.resume()
      // what is taken over covers only nodes that are kept: no rehearsal may have touched the others
    } else await takeOver(this.engine, await upgrade(head.plan), found, this.options.keep)
    this.carried = head.plan !== this.plan.hash
    this.last = last
    this.epoch = head.epoch
    this.full = head.full
    this.knownKeys = found.keys.length
  }

  /** Recent inputs through a state that began just before them. What is restored afterwards covers every key. */
  private async rehearse(keys: readonly string[]): Promise<void> {
    // in the order of the snapshot: codes of keys are places in it
    for (const key of keys) this.engine.network.keyCode(key)
    this.engine.resume()
    this.rehearsing = true
    const limit = this.engine.counts.rows + WARM_ROWS
    for (const [i, { stream }] of this.inputs.entries()) {
      const { first } = await stream.state()
      const last = this.positions[i] as number
      // a key that was never committed is in no snapshot, and would keep what it is given here
      if (last < first) continue
      for await (const { seq, data } of stream.read(Math.max(first, last - WARM_RECORDS + 1))) {
        if (seq > last || this.engine.counts.rows >= limit) break
        const frame = intactFrame(data, this.known)
        if (isDamage(frame)) continue
        await this.take(frame, i)
      }
    }
    this.rehearsing = false
    this.warmed = this.engine.counts.rows
    this.engine.network.sent.fill(0)
  }

  private take(frame: Frame, input: number): Promise<void> | undefined {
    const source = this.inputs[input]?.source
    this.engine.frame(frame, 0, frame.rows, source ?? frame.origin)
    return this.engine.waiting
  }
  close(): void {
    this.engine.close()
  }

  /** Runs input records through the engine and commits. Gives the commit's rows, in the order of emission. */
  async step(records: readonly InputRecord[]): Promise<readonly Committed[]> {
    if (records.length === 0) return []
    const outputs = await this.push(records)
    await this.settle()
    return committedRows(this.plan, this.last, outputs)
  }

  /**
   * Runs input records through the engine while the commit before is on its way, then commits them; settles when the
   * commit is on its way too. What follows a commit that was refused is refused as well. Gives the output frames.
   */
  async push(records: readonly InputRecord[]): Promise<readonly Uint8Array[]> {
    if (records.length === 0) return []
    if (this.failure !== undefined) throw this.failure
    const to = [...this.taken]
    const runs: number[] = []
    const dead: DeadLetter[] = []
    try {
      await this.run(records, to, runs, dead)
    } catch (error) {
      this.failure = error
      throw error
    }
    await this.settle()
    return this.commit(to, runs, dead)
  }
  private async run(records: readonly InputRecord[], to: number[], runs: number[], dead: DeadLetter[]): Promise<void> {
    for (const record of records) {
      const { seq, data, input = 0 } = record
      const expected = (to[input] as number) + 1
      if (seq !== expected)
        throw new TidegateError('LOG_LOST', `expected input ${expected}, found ${seq}`, { expected, found: seq })
      to[input] = seq
      if (runs.at(-2) === input) runs[runs.length - 1] = (runs.at(-1) as number) + 1
      else runs.push(input, 1)
      const frame = intactFrame(data, this.known)
      if (isDamage(frame)) dead.push({ input, seq, ...frame })
      else {
        // an await costs a turn: only where a kernel makes us wait
        const waits = this.take(frame, input)
        if (waits !== undefined) await waits
      }
    }
  }
  /** Settles when everything that was pushed is committed. @throws LOG_CONFLICT, LOG_REFUSED */
  async settle(): Promise<void> {
    await this.pending
    if (this.failure !== undefined) throw this.failure
  }

  /** Sends a commit; nothing else may be on its way. */
  private commit(to: readonly number[], runs: readonly number[], dead: readonly DeadLetter[]): readonly Uint8Array[] {
    const seq = this.last + 1
    const whole = this.last === 0 || this.carried || seq - this.full >= FULL_EVERY
    const { keys } = this.engine.network
    const names = keys.slice(whole ? 0 : this.knownKeys)
    const known = keys.length
    const state = this.snapshots.save(whole)
    const unwritten = this.outputs.take()
    const { owner } = this.options
    const head: CommitHead = {
      version: COMMIT_VERSION,
      seq,
      plan: this.plan.hash,
      ...(this.plan.mode === 'live' && { live: true as const }),
      epoch: this.epoch + (runs.length === 0 ? 1 : 0),
      ...(owner !== undefined && { owner }),
      inputs: this.inputs.map(({ stream }, i) => ({
        stream: stream.name,
        created: this.created[i] as string,
        from: (this.positions[i] as number) + 1,
        to: to[i] as number,
      })),
      ...(this.inputs.length > 1 && { runs: [...runs] }),
      ...(dead.length > 0 && { dead: [...dead] }),
      ...(names.length > 0 && { keys: names }),
      full: whole ? seq : this.full,
      frames: unwritten.length,
      state_bytes: state.byteLength,
    }
    const { bytes, outputs } = encodeCommit({ head, outputs: unwritten, state })
    this.taken = [...to]
    this.commitBytes = bytes.byteLength
    this.probe('before_commit')
    this.pending = this.stream
      .append(bytes, this.last)
      .then(() => {
        this.probe('after_commit')
        this.last = seq
        this.epoch = head.epoch
        this.full = head.full
        this.carried = false
        this.knownKeys = known
        for (const [i, taken] of to.entries()) this.positions[i] = taken
      })
      .catch((error: unknown) => {
        // the engine is ahead of the log for good
        this.failure = error
      })
    return outputs
  }
}

const otherMode = (head: CommitHead, { pipeline, mode }: Plan): TidegateError => {
  const was = head.live === true ? 'live' : 'paper'
  return new TidegateError('LIVE_REFUSED', `the log of ${pipeline} is of a ${was} run, and this one is ${mode}`, {
    pipeline,
    log: was,
  })
}
const mismatch = (head: CommitHead, plan: Plan): TidegateError =>
  new TidegateError(
    'PLAN_MISMATCH',
    `the log belongs to plan ${head.plan.slice(0, 12)}, the definition gives ${plan.hash.slice(0, 12)}`,
    { log: head.plan, definition: plan.hash },
  )
