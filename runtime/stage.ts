import { TidegateError } from '../schemas/errors.ts'
import { decodeFrame } from '../schemas/frame.ts'
import { type CommitHead, decodeCommit, encodeCommit } from './commit.ts'
import type { Committed } from './connect.ts'
import { Engine } from './engine.ts'
import type { Log, LogRecord, LogStream } from './log/log.ts'
import { committedRows, OutputFrames } from './outputs.ts'
import { kindsOf, type Plan } from './plan.ts'
import { Snapshots } from './state/snapshot.ts'

/** The numbered points of a commit at which a crash must lose nothing and double nothing. */
export type CrashPoint =
  | 'before_ingest'
  | 'after_ingest'
  | 'before_commit'
  | 'after_commit'
  | 'before_deliver'
  | 'after_deliver'
export type Probe = (point: CrashPoint) => void

/** A whole state at least so often: what a restart has to read is bounded. */
const FULL_EVERY = 64

export interface StageOptions {
  readonly probe?: Probe
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
  readonly engine: Engine
  /** The newest input record that is committed. */
  position = 0
  /** The newest commit. */
  last = 0
  private full = 0
  private knownKeys = 0
  private created = ''
  private readonly outputs = new OutputFrames()
  private readonly known: ReturnType<typeof kindsOf>
  private readonly snapshots: Snapshots
  private readonly probe: Probe

  private constructor(plan: Plan, inputs: LogStream, stream: LogStream, probe: Probe) {
    this.plan = plan
    this.known = kindsOf(plan)
    this.inputs = inputs
    this.stream = stream
    this.probe = probe
    this.engine = new Engine(plan, {
      output: (edge, kind, key, at, ordinal, value) => this.outputs.add(edge, kind, key, at, ordinal, value),
    })
    this.snapshots = new Snapshots(this.engine)
  }

  /** @throws PLAN_MISMATCH, LOG_LOST, LOG_CORRUPT */
  static async open(plan: Plan, log: Log, options: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(
      plan,
      await log.stream(inputsName(plan.pipeline)),
      await log.stream(stageName(plan.pipeline)),
      options.probe ?? (() => {}),
    )
    await stage.recover()
    return stage
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
    for await (const record of this.stream.read(head.full)) {
      const commit = decodeCommit(record.data, record.seq)
      keys = commit.head.keys ?? keys
      this.snapshots.load(commit.state, keys)
    }
    this.engine.resume()
    this.position = head.inputs.to
    this.last = newest.seq
    this.full = head.full
    this.knownKeys = keys.length
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
    for (const record of records) {
      this.engine.frame(decodeFrame(record.data, this.known))
      if (this.engine.waiting !== undefined) await this.engine.waiting
    }
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
