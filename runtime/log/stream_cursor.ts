import { closeSync, openSync } from 'node:fs'
import { TidegateError } from '../../schemas/errors.ts'
import type { LogRecord } from './log.ts'
import { breakWords, RecordCursor } from './record_cursor.ts'
import { SEGMENT_HEADER_BYTES } from './segment.ts'

/** One segment file as its stream knows it. `end` grows while it is the last. */
export interface Segment {
  readonly first: number
  readonly path: string
  end: number
  /** Where some of its records begin, rising: a reader need not walk the file from its start. */
  readonly marks: { readonly seq: number; readonly offset: number }[]
}

const MARK_EVERY_BYTES = 2 ** 18
/** Notes that the record after `seq` begins at `offset`, when the last mark is far enough behind. */
export function mark(segment: Segment, seq: number, offset: number): void {
  if (offset >= (segment.marks.at(-1)?.offset ?? SEGMENT_HEADER_BYTES) + MARK_EVERY_BYTES)
    segment.marks.push({ seq: seq + 1, offset })
}

export function corruptLog(stream: string, segment: Segment, offset: number, reason: string): TidegateError {
  return new TidegateError('LOG_CORRUPT', `${stream}: ${reason}, at byte ${offset} of ${segment.path}`, {
    stream,
    path: segment.path,
    offset,
  })
}

/** Walks a stream's records across its segments, as far as the stream says they are good. */
export class StreamCursor {
  private readonly stream: string
  private readonly segments: readonly Segment[]
  private readonly seed: number
  private readonly from: number
  private segment: Segment | undefined
  private fd = -1
  private records: RecordCursor | undefined

  constructor(stream: string, segments: readonly Segment[], seed: number, from: number) {
    this.stream = stream
    this.segments = segments
    this.seed = seed
    this.from = from
  }

  /** The next record, or undefined when this is all there is now. */
  next(): LogRecord | undefined {
    for (;;) {
      if (this.segment === undefined || this.records === undefined) {
        const segment = this.segments.findLast(({ first }) => first <= this.from) ?? this.segments[0]
        if (segment === undefined) return undefined
        this.enter(
          segment,
          segment.marks.findLast(({ seq }) => seq <= this.from),
        )
        continue
      }
      const { segment, records } = this
      const step = records.step(segment.end)
      if (step === 'record') {
        mark(segment, records.seq, records.offset)
        if (records.seq >= this.from) return { seq: records.seq, data: records.data }
      } else if (step === 'end') {
        const next = this.segments.find(({ first }) => first > segment.first)
        if (next === undefined) return undefined
        // The end of the segment moved between the step and the roll.
        if (records.offset < segment.end) continue
        if (next.first !== records.seq + 1)
          throw corruptLog(
            this.stream,
            next,
            0,
            `expected a segment that begins with record ${records.seq + 1}, found ${next.first}`,
          )
        this.enter(next)
      } else {
        const reason = `${breakWords[step]}, where ${records.seq + 1} was due`
        throw corruptLog(this.stream, segment, records.offset, reason)
      }
    }
  }

  close(): void {
    if (this.fd >= 0) closeSync(this.fd)
    this.fd = -1
    this.records = undefined
    this.segment = undefined
  }

  private enter(segment: Segment, start = { seq: segment.first, offset: SEGMENT_HEADER_BYTES }): void {
    this.close()
    try {
      this.fd = openSync(segment.path, 'r')
    } catch (cause) {
      throw new TidegateError(
        'LOG_LOST',
        `${this.stream}: ${segment.path} is gone`,
        { stream: this.stream, path: segment.path },
        cause,
      )
    }
    this.segment = segment
    this.records = new RecordCursor(this.fd, this.seed, start.offset, start.seq - 1)
  }
}
