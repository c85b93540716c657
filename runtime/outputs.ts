import type { Frame } from '../schemas/frame.ts'
import { decodeFrame, peekFrame } from '../schemas/frame.ts'
import { rowReader } from '../schemas/frame_reader.ts'
import { FrameWriter } from '../schemas/frame_writer.ts'
import type { Kind } from '../schemas/kind.ts'
import { decodeCommit, type Unwritten } from './commit.ts'
import type { Committed } from './connect.ts'
import type { LogStream } from './log/log.ts'
import type { OutputHash } from './output_hash.ts'
import { kindsOf, type Plan } from './plan.ts'
import type { Recorder, Watch } from './watch.ts'

/** The name of an output: the same in backtest, paper and live, for any frame cut and any placement. */
export const outputId = (pipeline: string, edge: string, key: string, at: number, ordinal: number): string =>
  `${pipeline}/${edge}/${key}/${at}/${ordinal}`

/** Hashes and hands on the outputs of an engine as they are emitted; they belong to no commit. */
export const hashing =
  (plan: Plan, hash: OutputHash, each?: (row: Committed) => void): NonNullable<Watch['output']> =>
  (edge, kind) => {
    const add = hash.recorder(edge, kind)
    if (each === undefined) return add
    return (key, at, ordinal, value, code) => {
      add(key, at, ordinal, value, code)
      const id = outputId(plan.pipeline, edge, key, at, ordinal)
      each({ id, edge, kind: kind.kind, key, at, ordinal, value, commit: 0, order: hash.rows })
    }
  }

/** Gathers the outputs of a step into frames, one per edge; `order` keeps the sequence in which they were emitted. */
export class OutputFrames {
  private readonly writers: FrameWriter[] = []
  private order = 0

  /** Takes the outputs of an edge. */
  recorder(edge: string, kind: Kind): Recorder {
    const writer = new FrameWriter(kind, edge, { capacity: 16, outputs: true })
    this.writers.push(writer)
    return (key, at, ordinal, value, code) => writer.push(at, key, value, ordinal, this.order++, code)
  }
  /** Frames to be written before the next output comes. */
  take(): readonly Unwritten[] {
    this.order = 0
    return this.writers.filter((w) => w.rows > 0)
  }
}

/** The rows of a commit's output frames, in the order they were emitted. */
export function committedRows(plan: Plan, commit: number, frames: readonly Uint8Array[]): Committed[] {
  const kinds = new Map(plan.edges.map((e) => [e.name, e.kind]))
  const known = kindsOf(plan)
  const rows: Committed[] = []
  for (const bytes of frames) {
    // a log that another definition made may hold edges this one does not have
    const kind = kinds.get(peekFrame(bytes).origin)
    if (kind === undefined) continue
    const frame = decodeFrame(bytes, known)
    for (let i = 0; i < frame.rows; i++) rows.push(committedRow(plan.pipeline, commit, frame, kind, i))
  }
  return rows.sort((a, b) => a.order - b.order)
}
function committedRow(pipeline: string, commit: number, frame: Frame, kind: Kind, i: number): Committed {
  const key = frame.keys[frame.key[i] as number] as string
  const at = frame.at[i] as number
  const ordinal = frame.ordinal?.[i] ?? 0
  return {
    id: outputId(pipeline, frame.origin, key, at, ordinal),
    edge: frame.origin,
    kind: kind.kind,
    key,
    at,
    ordinal,
    value: rowReader(kind)(frame, i),
    commit,
    order: frame.order?.[i] ?? 0,
  }
}

/** Every committed row of a pipeline, from the first commit on or from one in the middle. */
export async function* committed(plan: Plan, stream: LogStream, from = 1): AsyncGenerator<Committed> {
  const { first, last } = await stream.state()
  if (last < Math.max(from, first)) return
  for await (const record of stream.read(Math.max(from, first)))
    yield* committedRows(plan, record.seq, decodeCommit(record.data, record.seq).outputs)
}
