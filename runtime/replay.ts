import { TidegateError } from '../schemas/errors.ts'
import { decodeFrame } from '../schemas/frame.ts'
import { type Commit, decodeCommit, stretches } from './commit.ts'
import type { Committed } from './connect.ts'
import { type Engine, type ExecutionName, openEngine } from './engine.ts'
import { toJson } from './json.ts'
import type { Log, LogStream } from './log/log.ts'
import { OutputHash } from './output_hash.ts'
import { committedRows, hashing } from './outputs.ts'
import { kindsOf, type Plan } from './plan.ts'
import { checkTaken, restore, takeOver } from './restore.ts'
import { inputsName, type StageInput, stageName } from './stage.ts'
import { Snapshots } from './state/snapshot.ts'

/** The first output that was committed differently from what recomputing gives. */
export interface Difference {
  readonly node: string
  readonly key: string
  readonly at: number
  readonly expected: string
  readonly found: string
}
export interface ReplayResult {
  /** Input records and rows that were run again. */
  readonly records: number
  readonly rows: number
  /** Of the records, those that were damaged, and are left out as they were. */
  readonly dead: number
  readonly outputs: number
  /** Commits that were compared. */
  readonly commits: { readonly from: number; readonly to: number }
  readonly compared: number
  /** The commits there are. */
  readonly held: { readonly first: number; readonly last: number }
  /** Of what was committed. */
  readonly committed_sha256: string
  /** Of what recomputing gave for the same inputs. */
  readonly replay_sha256: string
  readonly equal: boolean
  readonly first_difference: Difference | null
}
export interface ReplayOptions {
  /** The streams the stage takes; the pipeline's own input stream unless given. */
  readonly inputs?: readonly StageInput[]
  /** The stage stream; that of the pipeline unless given. */
  readonly name?: string
  /** The commit whose state to begin with, a whole one; the very beginning, or the oldest there is, unless given. */
  readonly after?: number
  /** Looks for the commit to begin with behind this one. */
  readonly beyond?: number
  /** The plan that committed: where another one recomputes, it goes on with this one's state, and ends where this one does. */
  readonly committedBy?: Plan
  /** Nodes that keep its state though their params differ. */
  readonly keep?: readonly string[]
  /** Goes on with what is committed later, until this aborts. */
  readonly follow?: AbortSignal
  /** Told of the first difference of each commit. */
  readonly different?: (difference: Difference, commit: number) => void
  readonly execution?: ExecutionName | undefined
  /** Every output that is recomputed, and the input record it came of. */
  readonly output?: (row: Committed, input: number) => void
  readonly progress?: (rows: number, at: number) => void
}

/**
 * Recomputes a pipeline's outputs from its inputs, and compares them with what was committed, row by row. Only inputs that
 * are committed are taken, in the order the commits tell.
 */
export async function replay(plan: Plan, log: Log, options: ReplayOptions = {}): Promise<ReplayResult> {
  const inputs = options.inputs ?? [{ stream: await log.stream(inputsName(plan.pipeline)) }]
  const stage = await log.stream(options.name ?? stageName(plan.pipeline))
  const [again, before] = [new OutputHash(plan), new OutputHash(plan)]
  const made: Committed[] = []
  let [records, record, left, compared] = [0, 0, 0, 0]
  const output = hashing(plan, again, (row) => {
    made.push(row)
    options.output?.(row, record)
  })
  const engine = await openEngine(plan, { output }, { execution: options.execution })
  const known = kindsOf(plan)
  const readers = inputs.map(({ stream }) => new Reader(stream))
  try {
    const begun = await begin(stage, inputs, engine, options)
    const base = engine.counts.rows
    const { first, last } = await stage.state()
    const from = (begun ?? last) + 1
    const until = options.follow === undefined ? last : undefined
    let to = from - 1
    let difference: Difference | null = null
    for await (const { seq, commit } of commits(stage, from, until, options.follow)) {
      if (options.committedBy !== undefined && commit.head.plan !== options.committedBy.hash) break
      const dead = new Set(commit.head.dead?.map((letter) => `${letter.input}.${letter.seq}`))
      for (const stretch of stretches(commit.head))
        for (record = stretch.from; record <= stretch.to; record++) {
          const data = await (readers[stretch.input] as Reader).at(record, seq)
          records++
          if (dead.has(`${stretch.input}.${record}`)) {
            left++
            continue
          }
          const frame = decodeFrame(data, known)
          engine.frame(frame, 0, frame.rows, inputs[stretch.input]?.source ?? frame.origin)
          if (engine.waiting !== undefined) await engine.waiting
          options.progress?.(engine.counts.rows - base, frame.last)
        }
      const rows = committedRows(plan, seq, commit.outputs)
      for (const row of rows) before.row(row)
      const found = compare(rows, made)
      if (found !== null) options.different?.(found, seq)
      difference ??= found
      made.length = 0
      to = seq
      compared++
    }
    const [committed_sha256, replay_sha256] = [before.digest(), again.digest()]
    return {
      records,
      rows: engine.counts.rows - base,
      dead: left,
      outputs: again.rows,
      commits: { from, to },
      compared,
      held: { first, last },
      committed_sha256,
      replay_sha256,
      equal: committed_sha256 === replay_sha256,
      first_difference: difference,
    }
  } finally {
    await Promise.all(readers.map((reader) => reader.close()))
    engine.close()
  }
}

/**
 * Brings an engine to where comparing begins, and gives the commit it stands at: 0 is before the first. Undefined where the
 * plan committed nothing.
 */
async function begin(
  stage: LogStream,
  inputs: readonly StageInput[],
  engine: Engine,
  { after, beyond = 0, committedBy, keep, follow }: ReplayOptions,
): Promise<number | undefined> {
  const states = () => Promise.all(inputs.map(({ stream }) => stream.state()))
  const plan = committedBy ?? engine.plan
  const start = after ?? (await oldest(plan, stage, await states(), committedBy === undefined, beyond))
  if (start === undefined && follow !== undefined)
    throw new TidegateError('PLAN_MISMATCH', `${stage.name} holds no commit of plan ${plan.hash.slice(0, 12)}`)
  if (start === undefined || start === 0) return start
  const found = await restore(stage, start)
  if (found === undefined) return 0
  // after the commit: a stage at work goes on taking inputs
  const held = await states()
  if (committedBy !== undefined && found.head.plan !== committedBy.hash)
    throw new TidegateError('PLAN_MISMATCH', `${stage.name}: commit ${start} is of another plan`, {
      expected: committedBy.hash,
      found: found.head.plan,
    })
  for (const [i, taken] of found.head.inputs.entries()) checkTaken(taken, start, held[i] as (typeof held)[number])
  if (committedBy !== undefined && committedBy.hash !== engine.plan.hash)
    await takeOver(engine, committedBy, found, keep)
  else {
    const snapshots = new Snapshots(engine)
    for (const { state, keys } of found.states) snapshots.load(state, keys)
    engine.resume()
  }
  return start
}

/**
 * The commit to begin after: none where everything is still there, else the oldest whole state whose inputs are. Undefined
 * where no commit is of the plan.
 */
async function oldest(
  plan: Plan,
  stage: LogStream,
  held: readonly { readonly first: number; readonly created: string }[],
  anyPlan: boolean,
  beyond: number,
): Promise<number | undefined> {
  const { first, last } = await stage.state()
  if (last < first) return 0
  let committed = false
  for await (const { seq, commit } of commits(stage, Math.max(first, beyond + 1), last)) {
    const { inputs, full } = commit.head
    const ours = commit.head.plan === plan.hash
    // another version may have read other streams
    if (!ours && !anyPlan) continue
    committed = true
    for (const [i, { created, stream }] of inputs.entries())
      if (created !== held[i]?.created)
        throw new TidegateError('LOG_LOST', `${stream} was made anew since commit ${seq}`, {
          expected: created,
          found: held[i]?.created ?? null,
        })
    if (seq === 1 && inputs.every(({ from }, i) => from >= (held[i]?.first ?? 1))) return 0
    if (full === seq && ours && inputs.every(({ to }, i) => to + 1 >= (held[i]?.first ?? 1))) return seq
  }
  if (!committed) return undefined
  throw new TidegateError('LOG_LOST', `${stage.name}: no commit is left whose inputs are still there`, { first, last })
}

async function* commits(
  stage: LogStream,
  from: number,
  to: number | undefined,
  follow?: AbortSignal,
): AsyncGenerator<{ seq: number; commit: Commit }> {
  if (to !== undefined && to < from) return
  const records =
    follow === undefined ? stage.read(from, to === undefined ? {} : { limit: to - from + 1 }) : stage.tail(from, follow)
  for await (const { seq, data } of records) yield { seq, commit: decodeCommit(data, seq) }
}

/** Reads on in a stream from the first record that is asked for. */
class Reader {
  private readonly stream: LogStream
  private records: AsyncIterator<{ readonly seq: number; readonly data: Uint8Array }> | undefined
  constructor(stream: LogStream) {
    this.stream = stream
  }
  async at(seq: number, commit: number): Promise<Uint8Array> {
    for (let attempt = 0; attempt < 2; attempt++) {
      this.records ??= this.stream.read(seq)[Symbol.asyncIterator]()
      const next = await this.records.next()
      if (!next.done && next.value.seq === seq) return next.value.data
      // it ended where the stream ended when it began
      await this.close()
    }
    throw new TidegateError(
      'LOG_LOST',
      `commit ${commit} took input ${seq} of ${this.stream.name}, which is not there`,
      {
        commit,
        seq,
      },
    )
  }
  async close(): Promise<void> {
    const { records } = this
    this.records = undefined
    await records?.return?.(undefined)
  }
}

const shown = (row: Committed | undefined): string => (row === undefined ? 'nothing' : `${row.id} ${toJson(row.value)}`)
/** The first row in which two runs part: one that only one of them has, or that they have with other values. */
function compare(committed: readonly Committed[], made: readonly Committed[]): Difference | null {
  for (let i = 0; i < Math.max(committed.length, made.length); i++) {
    const [was, is] = [committed[i], made[i]]
    if (shown(was) === shown(is)) continue
    const extra = is !== undefined && committed.every(({ id }) => id !== is.id)
    const row = extra || was === undefined ? is : was
    if (row === undefined) return null
    const { edge: node, key, at } = row
    const other = was?.id === is?.id ? is : undefined
    return extra && was?.id !== is.id
      ? { node, key, at, expected: 'nothing', found: shown(is) }
      : { node, key, at, expected: shown(was), found: shown(other ?? made.find(({ id }) => id === row.id)) }
  }
  return null
}
