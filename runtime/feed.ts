import { TidegateError } from '../schemas/errors.ts'
import { decodeFrame, type Frame } from '../schemas/frame.ts'
import { FrameWriter } from '../schemas/frame_writer.ts'
import type { Kind } from '../schemas/kind.ts'
import { FeedEvent, Gap, Heartbeat, Invalid } from '../schemas/market.ts'
import type { SourceItem } from './connect.ts'
import { WHOLE } from './network.ts'
import { kindsOf, type Plan, type PlannedSource } from './plan.ts'

/** Recorded frames in order: a tape, or a stretch of a log. */
export interface Recording {
  frames(range?: { readonly from?: number; readonly to?: number; readonly reuse?: boolean }): Iterable<Uint8Array>
}
/** What a source is bound to: recorded data, or rows made from a seed. */
export type Binding =
  | { readonly type: 'recording'; readonly recording: Recording; readonly symbol?: string | undefined }
  /** Decoded before, cut to range and symbol: several runs may read the same ones, none writes to them. */
  | { readonly type: 'frames'; readonly frames: readonly Frame[] }
  | { readonly type: 'generated'; readonly items: (position: number) => Iterable<readonly SourceItem[]> }

/** A source that makes its rows needs no binding. */
export function ownGenerator({ component, params }: PlannedSource): Binding | undefined {
  const generate = component.generate as
    | ((params: unknown, position: number) => Iterable<readonly SourceItem[]>)
    | undefined
  return generate && { type: 'generated', items: (position) => generate(params, position) }
}

/** @throws BINDING_INVALID where a source has neither a binding nor rows of its own */
export function bindingOf(source: PlannedSource, bindings: ReadonlyMap<string, Binding>): Binding {
  const binding = bindings.get(source.id) ?? ownGenerator(source)
  if (binding !== undefined) return binding
  throw new TidegateError(
    'BINDING_INVALID',
    `node "${source.id}" (${source.component.name}) is a live feed; bind it to a tape with --bind ${source.id}=TAPE[:SYMBOL]`,
    { node: source.id },
  )
}

/** Rows `from` to `to` of a frame, for one source of a plan. */
export interface Slice {
  readonly source: number
  readonly frame: Frame
  readonly from: number
  readonly to: number
}
/** Where a restart goes on with a source: recordings count rows of every kind, what makes its rows its own kind only. */
export interface Taken {
  readonly rows: number
  readonly data: number
  readonly ended: boolean
}
export interface FeedOptions {
  /** Only rows with from <= event time < to. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** What was already taken of each source. */
  readonly taken?: readonly Taken[]
  /** Frames have memory of their own, for who keeps them; others are valid until the next is asked for. */
  readonly keep?: boolean
}

const ROWS_PER_FRAME = 1024

/** Items of a source as frames of one kind each, in order. */
type Known = Readonly<Record<string, Kind>>
export function* framesOf(
  source: PlannedSource,
  batches: Iterable<readonly SourceItem[]>,
  known: Known,
): Generator<Frame> {
  for (const items of batches) for (const bytes of encodeItems(source, items)) yield decodeFrame(bytes, known)
}

/** Encodes items in order; a frame ends where the kind changes. */
export function encodeItems(source: PlannedSource, items: readonly SourceItem[]): readonly Uint8Array[] {
  const frames: Uint8Array[] = []
  let writer: FrameWriter | undefined
  let kind: Kind | undefined
  const flush = () => {
    if (writer !== undefined && writer.rows > 0) frames.push(writer.take())
  }
  const use = (next: Kind): FrameWriter => {
    if (writer === undefined || kind !== next || writer.rows >= ROWS_PER_FRAME) {
      flush()
      writer = new FrameWriter(next, source.id, { capacity: Math.min(items.length, ROWS_PER_FRAME) })
      kind = next
    }
    return writer
  }
  for (const item of items) {
    if (item.type === 'row') {
      use(source.component.output).push(item.at, item.key, item.value)
    } else if (item.type === 'gap') use(Gap).push(item.at, item.key, item.value)
    else if (item.type === 'invalid') use(Invalid).push(item.at, item.key, item.value)
    else if (item.type === 'event') use(FeedEvent).push(item.at, item.key, item.value)
    else if (item.type === 'heartbeat') use(Heartbeat).push(item.at, item.key, { end: false })
    else if (item.type === 'end') use(Heartbeat).push(item.at, '*', { end: true })
  }
  flush()
  return frames
}

/** The frame that says a finite input is over: event time moves past everything in it. */
export const endFrame = (source: PlannedSource, at: number): Frame => {
  const writer = new FrameWriter(Heartbeat, source.id, { capacity: 1 })
  writer.push(at, '*', { end: true })
  return decodeFrame(writer.take(), { heartbeat: Heartbeat })
}

/** What every source may say beside its rows. */
const ASIDE: ReadonlySet<string> = new Set([Gap.kind, Heartbeat.kind, Invalid.kind, FeedEvent.kind])

function* recorded(
  source: PlannedSource,
  binding: Extract<Binding, { type: 'recording' }>,
  options: FeedOptions,
  known: Known,
): Generator<Frame> {
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = options
  const { symbol } = binding
  const wanted = (key: string) =>
    symbol === undefined || key === symbol || key === WHOLE || key.slice(key.indexOf(':') + 1) === symbol
  const range = { ...(options.from !== undefined && { from }), ...(options.to !== undefined && { to }) }
  for (const bytes of binding.recording.frames({ ...range, reuse: options.keep !== true })) {
    const frame = decodeFrame(bytes, known)
    const { output } = source.component
    if (frame.kind !== output.kind && !ASIDE.has(frame.kind))
      throw new TidegateError(
        'BINDING_INVALID',
        `node "${source.id}" (${source.component.name}) gives ${output.kind}, but the tape holds ${frame.kind}`,
        { node: source.id, expected: output.kind, found: frame.kind },
      )
    const inRange = frame.first >= from && frame.last < to
    if (inRange && (symbol === undefined || frame.keys.every(wanted))) yield frame
    else
      yield* cut(
        frame,
        (i) =>
          (frame.at[i] as number) >= from &&
          (frame.at[i] as number) < to &&
          wanted(frame.keys[frame.key[i] as number] as string),
      )
  }
}

/** The stretches of a frame whose rows are wanted. */
function* cut(frame: Frame, wanted: (row: number) => boolean): Generator<Frame> {
  for (let i = 0; i < frame.rows; ) {
    if (!wanted(i)) {
      i++
      continue
    }
    const start = i
    while (i < frame.rows && wanted(i)) i++
    yield part(frame, start, i)
  }
}
/** A stretch of a frame, sharing its columns. */
export function part(frame: Frame, from: number, to: number): Frame {
  if (from === 0 && to === frame.rows) return frame
  const wide = (column: Frame['columns'][number]) =>
    column instanceof BigInt64Array ? column.subarray(2 * from, 2 * to) : column.subarray(from, to)
  const at = frame.at.subarray(from, to)
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const time of at) {
    first = Math.min(first, time)
    last = Math.max(last, time)
  }
  return {
    ...frame,
    rows: to - from,
    first,
    last,
    at,
    key: frame.key.subarray(from, to),
    columns: frame.columns.map(wide),
  }
}

/** The items whose time lies in a range; the end comes no later than the range does. */
function* inRange(
  batches: Iterable<readonly SourceItem[]>,
  { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY }: FeedOptions,
): Generator<readonly SourceItem[]> {
  for (const items of batches)
    yield items.flatMap((item): readonly SourceItem[] => {
      if (item.type === 'end') return [{ ...item, at: Math.min(item.at, to) }]
      return item.at >= from && item.at < to ? [item] : []
    })
}

/** The rows after the first `skip`, then the end, unless it was taken too. */
function* resumed(source: PlannedSource, frames: Iterable<Frame>, skip: number): Generator<Frame> {
  let left = skip
  let last = 0
  for (const frame of frames) {
    const ends = frame.kind === Heartbeat.kind && frame.columns[0]?.at(-1) === 1
    last = Math.max(last, frame.last)
    const dropped = Math.min(left, frame.rows)
    left -= dropped
    if (dropped < frame.rows) yield part(frame, dropped, frame.rows)
    if (ends) return
  }
  if (left === 0) yield endFrame(source, last + 1)
}

const UNTAKEN: Taken = { rows: 0, data: 0, ended: false }

/** What one source has, its end included. */
export function feedOf(
  source: PlannedSource,
  binding: Binding,
  options: FeedOptions,
  known: Known,
  { rows, data }: Taken = UNTAKEN,
): Generator<Frame> {
  switch (binding.type) {
    case 'recording':
      return resumed(source, recorded(source, binding, options, known), rows)
    case 'frames':
      return resumed(source, binding.frames, rows)
    case 'generated':
      return framesOf(source, inRange(binding.items(data), options), known)
  }
}

/**
 * Everything the bound sources have, as one sequence: by event time, at equal times in the order the sources are drawn.
 * Each source keeps its own order. The end of each source is part of the sequence.
 */
export function* merged(
  plan: Plan,
  bindings: ReadonlyMap<string, Binding>,
  options: FeedOptions = {},
): Generator<Slice> {
  const known = kindsOf(plan)
  const feeds = plan.sources.map((source, index) => {
    const taken = options.taken?.[index]
    if (taken?.ended) return framesOf(source, [], known)
    return feedOf(source, bindingOf(source, bindings), options, known, taken)
  })
  if (feeds.length === 1) {
    for (const frame of feeds[0] as Generator<Frame>) yield { source: 0, frame, from: 0, to: frame.rows }
    return
  }
  const heads = feeds.map((feed) => ({ feed, frame: feed.next().value as Frame | undefined, row: 0 }))
  for (;;) {
    let source = -1
    let limit = Number.POSITIVE_INFINITY
    for (const [i, head] of heads.entries()) {
      const at = head.frame === undefined ? Number.POSITIVE_INFINITY : (head.frame.at[head.row] as number)
      if (head.frame !== undefined && (source < 0 || at < timeOf(heads[source]))) source = i
    }
    const head = heads[source]
    if (head?.frame === undefined) return
    for (const [i, other] of heads.entries())
      if (i !== source && other.frame !== undefined) limit = Math.min(limit, timeOf(other) + (i < source ? 0 : 0.5))
    let to = head.row + 1
    while (to < head.frame.rows && (head.frame.at[to] as number) < limit) to++
    yield { source, frame: head.frame, from: head.row, to }
    head.row = to
    if (to === head.frame.rows) {
      head.frame = head.feed.next().value as Frame | undefined
      head.row = 0
    }
  }
}
const timeOf = (head: { frame: Frame | undefined; row: number } | undefined): number =>
  head?.frame?.at[head.row] ?? Number.POSITIVE_INFINITY
