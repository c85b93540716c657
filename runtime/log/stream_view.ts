import { closeSync, fstatSync, openSync, readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { TidegateError } from '../../schemas/errors.ts'
import { breakWords, RecordCursor, readFully } from './record_cursor.ts'
import { decodeSegmentHeader, recordSeed, SEGMENT_HEADER_BYTES } from './segment.ts'
import { type Scan, scanRecords } from './segment_scan.ts'
import { corruptLog, mark, type Segment, StreamCursor } from './stream_cursor.ts'

const extension = '.seg'
export const segmentPath = (directory: string, first: number): string =>
  join(directory, `${String(first).padStart(16, '0')}${extension}`)

const segmentsIn = (directory: string) =>
  readdirSync(directory)
    .filter((file) => file.endsWith(extension))
    .sort()
    .map((file) => ({ first: Number(basename(file, extension)), path: join(directory, file) }))

/** True when the directory holds a stream; a creation that was cut short left none. */
export const holdsStream = (directory: string): boolean => segmentsIn(directory).length > 0

/** Removes a last segment of nothing but zeros: loss of power came between its naming and its first sync. */
export function dropUnborn(directory: string): boolean {
  const [last, previous] = segmentsIn(directory).reverse()
  if (last === undefined || previous === undefined || readFileSync(last.path).some((byte) => byte !== 0)) return false
  unlinkSync(last.path)
  return true
}

/** What is known of a stream's files: which segments there are, and up to where their records are good. */
export class StreamView {
  readonly segments: Segment[] = []
  id = ''
  /** The sequence of the last good record. */
  last = 0
  private readonly name: string
  private readonly directory: string
  private seed = 0
  /** Open on the last segment, to notice its deletion. */
  private fd = -1
  /** Length of the file when its broken end was last judged: it is not searched again before the file changes. */
  private judged = -1

  constructor(name: string, directory: string) {
    this.name = name
    this.directory = directory
  }

  get first(): number {
    return this.segments[0]?.first ?? 1
  }
  get active(): Segment {
    return this.segments.at(-1) as Segment
  }
  get bytes(): number {
    return this.segments.reduce((sum, { end }) => sum + end, 0)
  }
  /** Bytes behind the last good record. */
  get rest(): number {
    return fstatSync(this.fd).size - this.active.end
  }

  /**
   * Brings the view up to the files; only the last segment is read. The list comes first: a segment that has a successor
   * is complete.
   * @throws LOG_CORRUPT, LOG_LOST
   */
  follow(): Scan['verdict'] {
    const newest = this.segments.at(-1)?.first ?? 0
    if (newest > 0 && fstatSync(this.fd).nlink === 0) throw this.lost(`${this.active.path} was deleted`)
    for (const { first, path } of segmentsIn(this.directory)) if (first > newest) this.admit(first, path)
    let scan = this.scan()
    // Beside a living writer the halves of an append may be seen once, not twice: a good record after it was written later.
    if (scan.verdict === 'corrupt') scan = this.scan()
    if (scan.verdict === 'corrupt')
      throw corruptLog(this.name, this.active, scan.end, `${breakWords[scan.reason]}, with good records after it`)
    return scan.verdict
  }

  private scan(): Scan {
    const { active, fd, seed } = this
    const { size } = fstatSync(fd)
    const cursor = new RecordCursor(fd, seed, active.end, this.last)
    const visit = ({ seq, offset }: RecordCursor) => mark(active, seq, offset)
    const scan = scanRecords(fd, seed, cursor, size, { visit, judge: size !== this.judged })
    active.end = scan.end
    this.last = scan.last
    this.judged = scan.verdict === 'torn' ? size : -1
    return scan
  }

  /** Takes a segment into the view, as the one after the last. */
  admit(first: number, path: string): void {
    const previous = this.segments.at(-1)
    const segment: Segment = { first, path, end: SEGMENT_HEADER_BYTES, marks: [] }
    const fd = openSync(path, 'r')
    this.close()
    this.fd = fd
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
    const header = decodeSegmentHeader(bytes.subarray(0, readFully(fd, bytes, 0)))
    if (typeof header === 'string') throw corruptLog(this.name, segment, 0, header)
    if (header.content !== 'log' || header.first !== first || (previous !== undefined && header.id !== this.id))
      throw corruptLog(this.name, segment, 0, `expected segment ${first} of this stream, found another`)
    if (previous !== undefined) {
      const { size } = statSync(previous.path)
      if (header.previousFirst !== previous.first || header.previousBytes !== size)
        throw corruptLog(
          this.name,
          segment,
          0,
          `expected ${header.previousBytes} bytes in the segment of record ${header.previousFirst} before it, found ${size} in that of ${previous.first}`,
        )
      previous.end = size
    }
    this.id = header.id
    this.seed = recordSeed(header.id)
    this.last = first - 1
    this.judged = -1
    this.segments.push(segment)
  }

  /** @throws LOG_LOST when the stream does not hold `from` and it is not the next one either */
  cursorAt(from: number): StreamCursor {
    const { first, last, name } = this
    if (from >= first && from <= last + 1) return new StreamCursor(name, this.segments, this.seed, from)
    throw new TidegateError(
      'LOG_LOST',
      `${name}: expected record ${from}, found ${last < first ? 'none' : `records ${first} to ${last}`}`,
      { stream: name, expected: from, first, last },
    )
  }

  lost(reason: string): TidegateError {
    return new TidegateError('LOG_LOST', `${this.name}: ${reason}`, { stream: this.name })
  }

  close(): void {
    if (this.fd >= 0) closeSync(this.fd)
    this.fd = -1
  }
}
