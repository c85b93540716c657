import { TidegateError } from '../schemas/errors.ts'
import { decodeFrame } from '../schemas/frame.ts'
import { type CommitHead, decodeCommit, encodeCommit } from './commit.ts'
import type { Committed } from './connect.ts'
import { type Engine, type ExecutionName, openEngine } from './engine.ts'
import { metering } from './environment/metering.ts'
import type { Log, LogRecord, LogStream } from './log/log.ts'
import { committedRows, OutputFrames } from './outputs.ts'
import { kindsOf, type Plan } from './plan.ts'
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

export interface StageOptions {
  readonly probe?: Probe
  readonly execution?: ExecutionName | undefined
  readonly failed?: Watch['failed']
  /** Runs recent inputs through the engine before it is restored: V8 has compiled the program when the first tick comes. */
  readonly warm_up?: boolean
}

export const inputsName = (pipeline: string): string => `${pipeline}.inputs`
export const stageName = (pipeline: string): string => `${pipeline}.stage`

/**
 * The step-and-commit loop of one pipeline: takes input records, runs them through the engine, and commits input
 * positions, outputs and state change as one record with the expected last sequence, one in flight. Start-up is recovery.
 */
export class Stage {
  readonly plan: Plan
  readonly inputs: LogStream
  readonly stream: LogStream
  engine!: Engine
  /** The newest input record that is committed. */
  position = 0
  /** The newest commit. */
  last = 0
  private full = 0
  private knownKeys = 0
  private created = ''
  private readonly outputs = new OutputFrames()
  private readonly known: ReturnType<typeof kindsOf>
  private snapshots!: Snapshots
  private readonly probe: Probe
  private readonly options: StageOptions
  /** What is put out counts for nothing. */
  private rehearsing = false
  /** Rows of the log that warmed the engine up. */
  warmed = 0

  private constructor(plan: Plan, inputs: LogStream, stream: LogStream, options: StageOptions) {
    this.options = options
    this.plan = plan
    this.known = kindsOf(plan)
    this.inputs = inputs
    this.stream = stream
    this.probe = options.probe ?? (() => {})
  }

  /** @throws PLAN_MISMATCH, LOG_LOST, LOG_CORRUPT */
  static async open(plan: Plan, log: Log, options: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(
      plan,
      await log.stream(inputsName(plan.pipeline)),
      await log.stream(stageName(plan.pipeline)),
      options,
    )
    await stage.start()
    await stage.recover()
    return stage
  }

  private async start(): Promise<void> {
    const watch: Watch = {
      output: (edge, kind, key, at, ordinal, value) => {
        if (!this.rehearsing) this.outputs.add(edge, kind, key, at, ordinal, value)
      },
      failed: (failure) => {
        if (!this.rehearsing) this.options.failed?.(failure)
      },
    }
    this.engine = await openEngine(this.plan, watch, { execution: this.options.execution, metering })
    this.snapshots = new Snapshots(this.engine)
  }

  private async recover(): Promise<void> {
    const inputs = await this.inputs.state()
    this.created = inputs.created
    const newest = await this.stream.last()
    if (newest === undefined) return
    const { head } = decodeCommit(newest.data, newest.seq)
    checkHead(head, this.plan, inputs.created)
    if (head.inputs.to > inputs.last || head.inputs.to + 1 < inputs.first)
      throw new TidegateError(
        'LOG_LOST',
        `commit ${newest.seq} took inputs up to ${head.inputs.to}, but ${this.inputs.name} holds ${inputs.first} to ${inputs.last}`,
        { committed: head.inputs.to, ...inputs },
      )
    let keys: readonly string[] = []
    const states: { state: Uint8Array; keys: readonly string[] }[] = []
    for await (const record of this.stream.read(head.full)) {
      const commit = decodeCommit(record.data, record.seq)
      keys = commit.head.keys ?? keys
      states.push({ state: commit.state, keys })
    }
    if (this.options.warm_up) await this.rehearse(head.inputs.to, keys)
    for (const { state, keys: known } of states) this.snapshots.load(state, known)
    this.engine.resume()
    this.position = head.inputs.to
    this.last = newest.seq
    this.full = head.full
    this.knownKeys = keys.length
  }

  /** Recent inputs through a state that began just before them. What is restored afterwards covers every key. */
  private async rehearse(last: number, keys: readonly string[]): Promise<void> {
    // in the order of the snapshot: codes of keys are places in it
    for (const key of keys) this.engine.network.keyCode(key)
    this.engine.resume()
    this.rehearsing = true
    const { first } = await this.inputs.state()
    for await (const { seq, data } of this.inputs.read(Math.max(first, last - WARM_RECORDS + 1))) {
      // a key that was never committed is in no snapshot, and would keep what it is given here
      if (seq > last) break
      await this.take(data)
      if (this.engine.counts.rows >= WARM_ROWS) break
    }
    this.rehearsing = false
    this.warmed = this.engine.counts.rows
    this.engine.network.sent.fill(0)
  }
  private async take(data: Uint8Array): Promise<void> {
    this.engine.frame(decodeFrame(data, this.known))
    if (this.engine.waiting !== undefined) await this.engine.waiting
  }
  close(): void {
    this.engine.close()
  }

  /** Runs input records through the engine and commits. Gives the commit's rows, in the order of emission. */
  async step(records: readonly LogRecord[]): Promise<readonly Committed[]> {
    const first = records[0]
    const final = records.at(-1)
    if (first === undefined || final === undefined) return []
    if (first.seq !== this.position + 1)
      throw new TidegateError('LOG_LOST', `expected input ${this.position + 1}, found ${first.seq}`, {
        expected: this.position + 1,
        found: first.seq,
      })
    for (const { data } of records) await this.take(data)
    const seq = this.last + 1
    const whole = this.last === 0 || seq - this.full >= FULL_EVERY
    const names = this.engine.network.keys
    const state = this.snapshots.save(whole)
    const outputs = this.outputs.take()
    const head: CommitHead = {
      version: 1,
      plan: this.plan.hash,
      inputs: { stream: this.inputs.name, created: this.created, from: first.seq, to: final.seq },
      ...((whole || names.length > this.knownKeys) && { keys: [...names] }),
      full: whole ? seq : this.full,
      frames: outputs.length,
      state_bytes: state.byteLength,
    }
    this.probe('before_commit')
    await this.stream.append(encodeCommit({ head, outputs, state }), this.last)
    this.probe('after_commit')
    this.last = seq
    this.full = head.full
    this.knownKeys = names.length
    this.position = final.seq
    return committedRows(this.plan, seq, outputs)
  }
}

function checkHead(head: CommitHead, plan: Plan, created: string): void {
  if (head.plan !== plan.hash)
    throw new TidegateError(
      'PLAN_MISMATCH',
      `the log belongs to plan ${head.plan.slice(0, 12)}, the definition gives ${plan.hash.slice(0, 12)}`,
      { log: head.plan, definition: plan.hash },
    )
  if (head.inputs.created !== created)
    throw new TidegateError('LOG_LOST', `${head.inputs.stream} was made anew since the last commit`, {
      expected: head.inputs.created,
      found: created,
    })
}

/** Every committed row of a pipeline, from the first commit on or from one in the middle. */
export async function* committed(plan: Plan, stream: LogStream, from = 1): AsyncGenerator<Committed> {
  const { first, last } = await stream.state()
  if (last < Math.max(from, first)) return
  for await (const record of stream.read(Math.max(from, first)))
    yield* committedRows(plan, record.seq, decodeCommit(record.data, record.seq).outputs)
}
