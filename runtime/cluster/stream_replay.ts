import type { Frame } from '../../schemas/frame.ts'
import { type Clock, pause } from '../clock.ts'
import type { Committed } from '../connect.ts'
import { type ExecutionName, openEngine } from '../engine.ts'
import { endFrame } from '../feed.ts'
import { type Damage, intactFrame, isDamage } from '../intact_frame.ts'
import type { Range } from '../log/layout.ts'
import type { Log, LogStream } from '../log/log.ts'
import { OutputHash } from '../output_hash.ts'
import { hashing } from '../outputs.ts'
import { kindsOf, type Plan } from '../plan.ts'
import type { Watch } from '../watch.ts'
import { tickStreams } from './feed_name.ts'
import { type Start, startAt } from './start.ts'

export interface StreamReplayOptions {
  readonly range: Range
  readonly start: Start
  /** Rows before this event time. */
  readonly to?: number | undefined
  /** Event seconds per second; Infinity for as fast as it goes. */
  readonly speed: number
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly execution?: ExecutionName | undefined
  readonly failed?: Watch['failed']
  readonly output: (row: Committed) => void
  /** What it waits for before it goes on: whoever takes the outputs may be slower. */
  readonly room?: () => Promise<void> | undefined
  readonly progress?: (rows: number, at: number) => void
}
export interface StreamReplayResult {
  readonly rows: number
  readonly records: number
  /** Of the records, those that were damaged, and are left out as a stage leaves them out. */
  readonly dead: number
  readonly late: number
  readonly invalid: number
  readonly gaps: number
  readonly outputs: number
  readonly outputs_sha256: string
}

/**
 * Runs a definition, from nothing, over a stretch of the tick streams its sources read: a backtest on what the server
 * holds. Several streams are merged by event time, as tapes are.
 */
export async function replayStreams(plan: Plan, log: Log, options: StreamReplayOptions): Promise<StreamReplayResult> {
  const hash = new OutputHash(plan)
  const engine = await openEngine(
    plan,
    { output: hashing(plan, hash, options.output), ...(options.failed && { failed: options.failed }) },
    { execution: options.execution },
  )
  const known = kindsOf(plan)
  const { clock, speed, signal, to = Number.POSITIVE_INFINITY } = options
  const heads: Head[] = []
  let records = 0
  let newest = 0
  let origin: number | undefined
  try {
    for (const [index, { name }] of tickStreams(plan, options.range).entries()) {
      const stream = await log.stream(name)
      const from = await startAt(stream, options.start)
      heads.push(new Head(index, frames(stream, from, known), earliest(options.start)))
    }
    const began = clock.now()
    for (const head of heads) records += await head.fill()
    for (let next = earliestOf(heads); next !== undefined && !signal.aborted; next = earliestOf(heads)) {
      const { head, until } = next
      const frame = head.frame as Frame
      const from = head.row
      const at = frame.at[from] as number
      if (at >= to) break
      if (speed !== Number.POSITIVE_INFINITY) {
        origin ??= at
        const wait = (at - origin) / speed - (clock.now() - began)
        if (wait > 0) await pause(clock, wait, signal)
      }
      const end = stretch(frame, from, Math.min(until, to), speed)
      engine.frame(frame, from, end, plan.sources[head.source]?.id)
      if (engine.waiting !== undefined) await engine.waiting
      const room = options.room?.()
      if (room !== undefined) await room
      for (let row = from; row < end; row++) newest = Math.max(newest, frame.at[row] as number)
      head.row = end
      options.progress?.(engine.counts.rows, at)
      records += await head.fill()
    }
    // a stretch is finite, whatever came after it: it ends behind its last row, as a tape does
    if (!signal.aborted)
      for (const [s, source] of plan.sources.entries())
        if (engine.taken[s]?.ended === false) {
          const end = endFrame(source, newest + 1)
          engine.frame(end, 0, end.rows, source.id)
          if (engine.waiting !== undefined) await engine.waiting
        }
  } finally {
    await Promise.all(heads.map((head) => head.close()))
    engine.close()
  }
  const { rows, late, invalid, gaps } = engine.counts
  const dead = heads.reduce((sum, head) => sum + head.dead, 0)
  return { rows, records, dead, late, invalid, gaps, outputs: hash.rows, outputs_sha256: hash.digest() }
}

/** The rest of a frame up to a time; when paced, what belongs to 5 ms. */
function stretch(frame: Frame, from: number, until: number, speed: number): number {
  const limit = speed === Number.POSITIVE_INFINITY ? until : Math.min(until, (frame.at[from] as number) + 5_000 * speed)
  let to = from + 1
  while (to < frame.rows && (frame.at[to] as number) < limit) to++
  return to
}

class Head {
  readonly source: number
  frame: Frame | undefined
  row = 0
  /** Records that were damaged. */
  dead = 0
  private readonly frames: AsyncGenerator<Frame | Damage>
  private readonly from: number
  constructor(source: number, all: AsyncGenerator<Frame | Damage>, from: number) {
    this.source = source
    this.frames = all
    this.from = from
  }
  get at(): number {
    return this.frame?.at[this.row] ?? Number.POSITIVE_INFINITY
  }
  /** Fetches the next frame where this one is used up; gives how many were. */
  async fill(): Promise<number> {
    let count = 0
    while (this.frame === undefined || this.row >= this.frame.rows) {
      const next = await this.frames.next()
      if (next.done) {
        this.frame = undefined
        this.row = 0
        return count
      }
      count++
      if (isDamage(next.value)) {
        this.dead++
        continue
      }
      this.frame = next.value
      this.row = 0
      while (this.row < this.frame.rows && this.at < this.from) this.row++
    }
    return count
  }
  /** What is not read to its end keeps its reader on the server. */
  async close(): Promise<void> {
    await this.frames.return(undefined)
  }
}

/** The head that is due, and the time at which another one is. */
function earliestOf(heads: readonly Head[]): { head: Head; until: number } | undefined {
  let head: Head | undefined
  for (const other of heads) if (other.frame !== undefined && (head === undefined || other.at < head.at)) head = other
  if (head === undefined) return undefined
  const others = heads.filter((other) => other !== head && other.frame !== undefined)
  // at equal times the source that is drawn first goes first
  const until = Math.min(
    ...others.map((o) => (o.source < (head as Head).source ? o.at : o.at + 0.5)),
    Number.POSITIVE_INFINITY,
  )
  return { head, until }
}
const earliest = (start: Start): number => (start.type === 'time' ? start.at : Number.NEGATIVE_INFINITY)

async function* frames(
  stream: LogStream,
  from: number,
  known: ReturnType<typeof kindsOf>,
): AsyncGenerator<Frame | Damage> {
  const { last } = await stream.state()
  if (from > last) return
  for await (const { data } of stream.read(from)) yield intactFrame(data, known)
}
