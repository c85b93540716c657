import { TidegateError } from '../../schemas/errors.ts'
import { align8, type ColumnData, type Frame } from '../../schemas/frame.ts'
import { type Binding, bindingOf, type FeedOptions, feedOf } from '../feed.ts'
import { kindsOf, type Plan } from '../plan.ts'

/** Frames by the source they are for. */
export type FramesBySource = ReadonlyMap<string, readonly Frame[]>
export interface SharingOptions extends FeedOptions {
  /** Bytes the columns may take. */
  readonly limit: number
  /** Sources that are left alone: each run makes their rows by itself. */
  readonly except?: ReadonlySet<string>
}

const CHUNK_BYTES = 2 ** 22
/** Small frames are joined up to this many rows: where frames are cut changes no output. */
const JOINED_ROWS = 16_384

/**
 * The rows of the sources, decoded once and cut to the range, in memory that threads share: handing the frames to a
 * thread copies no column.
 * @throws BINDING_INVALID, MEMORY_SHORT, and what reading a tape throws
 */
export function sharedFrames(
  plan: Plan,
  bindings: ReadonlyMap<string, Binding>,
  options: SharingOptions,
): FramesBySource {
  const memory = new SharedMemory(options.limit)
  const known = kindsOf(plan)
  const feeds = plan.sources.map((source) => [source, bindingOf(source, bindings)] as const)
  return new Map(
    feeds.flatMap(([source, binding]) => {
      if (options.except?.has(source.id)) return []
      const groups = joinable(feedOf(source, binding, { ...options, keep: true }, known))
      return [[source.id, Array.from(groups, (group) => memory.join(group))] as const]
    }),
  )
}

/** Runs of frames that can stand in one: of one kind, with one dictionary. */
function* joinable(frames: Iterable<Frame>): Generator<readonly Frame[]> {
  let group: Frame[] = []
  let rows = 0
  for (const frame of frames) {
    const [head] = group
    const fits =
      head !== undefined &&
      head.kind === frame.kind &&
      head.origin === frame.origin &&
      rows + frame.rows <= JOINED_ROWS &&
      sameWords(head.keys, frame.keys)
    if (!fits && head !== undefined) {
      yield group
      group = []
      rows = 0
    }
    group.push(frame)
    rows += frame.rows
  }
  if (group.length > 0) yield group
}
const sameWords = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((word, i) => word === b[i]))

class SharedMemory {
  private readonly limit: number
  private taken = 0
  private chunk = new SharedArrayBuffer(0)
  private used = 0

  constructor(limit: number) {
    this.limit = limit
  }

  join(group: readonly Frame[]): Frame {
    const [head] = group as [Frame]
    const column = <C extends ColumnData>(of: (frame: Frame) => C): C => this.joined(group.map(of))
    return {
      kind: head.kind,
      origin: head.origin,
      rows: group.reduce((sum, frame) => sum + frame.rows, 0),
      first: Math.min(...group.map((frame) => frame.first)),
      last: Math.max(...group.map((frame) => frame.last)),
      at: column((frame) => frame.at),
      key: column((frame) => frame.key),
      keys: head.keys,
      columns: head.columns.map((_, c) => column((frame) => frame.columns[c] as ColumnData)),
    }
  }

  private joined<C extends ColumnData>(parts: readonly C[]): C {
    const [head] = parts as readonly [C]
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    const offset = this.take(align8(length * head.BYTES_PER_ELEMENT))
    // the parts are of one type; the compiler sees only that each is of some type
    const View = head.constructor as new (buffer: SharedArrayBuffer, offset: number, length: number) => C
    const whole = new View(this.chunk, offset, length)
    let at = 0
    for (const part of parts) {
      whole.set(part as never, at)
      at += part.length
    }
    return whole
  }

  private take(bytes: number): number {
    this.taken += bytes
    if (this.taken > this.limit) throw tooLarge(this.limit)
    if (this.used + bytes > this.chunk.byteLength) {
      this.chunk = new SharedArrayBuffer(Math.max(CHUNK_BYTES, bytes))
      this.used = 0
    }
    const offset = this.used
    this.used += bytes
    return offset
  }
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`
/** What is said where rows do not fit; `needed` is left out while nobody knows. */
export const tooLarge = (limit: number, needed?: number): TidegateError =>
  new TidegateError(
    'MEMORY_SHORT',
    `expected rows that fit in ${megabytes(limit)} of memory, found ${needed === undefined ? 'more' : megabytes(needed)}`,
    { limit, ...(needed !== undefined && { needed }) },
  )
