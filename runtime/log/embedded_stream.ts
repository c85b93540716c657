import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { TidegateError } from '../../schemas/errors.ts'
import type { Clock } from '../clock.ts'
import type { LogRecord, LogStream, ReadOptions, StreamState } from './log.ts'
import { ID_BYTES, recordBytes, SEGMENT_HEADER_BYTES } from './segment.ts'
import { SegmentFile, syncDirectory } from './segment_file.ts'
import { mark } from './stream_cursor.ts'
import { dropUnborn, StreamView, segmentPath } from './stream_view.ts'
import type { WriterLock } from './writer_lock.ts'

export type Fsync = 'always' | 'every_second' | 'close'
/** What a stream shares with its log. Without a lock it only reads. */
export interface StreamContext {
  readonly lock: WriterLock | undefined
  readonly fsync: Fsync
  readonly segmentBytes: number
  readonly pollMs: number
  readonly clock: Clock
  readonly notices: string[]
}

/** A sync starts beside the work after so many bytes, though the second is not over: the disk works while we do. */
const SYNC_BYTES = 2 ** 24
/** Appends and reads in a tight loop let the event loop turn after so many bytes. */
const TURN_BYTES = 2 ** 22

/** Makes the first segment of a new stream. */
export async function createStream(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true })
  syncDirectory(dirname(directory))
  const id = randomBytes(ID_BYTES).toString('hex')
  const header = { content: 'log', first: 1, id, previousFirst: 0, previousBytes: 0 } as const
  await SegmentFile.create(segmentPath(directory, 1), header, true).close()
}

/** A stream as a directory of segments. A writer knows its stream; a reader follows the files. */
export class EmbeddedStream implements LogStream {
  readonly name: string
  private readonly directory: string
  private readonly context: StreamContext
  private readonly view: StreamView
  private file: SegmentFile | undefined
  private retired: Promise<unknown> = Promise.resolve()
  /** What kept a full segment from getting to the disk: nothing is appended after it. */
  private failure: unknown
  /** True for a writer that met another one: from then on it follows the files as a reader does. */
  private met = false
  private closed = false
  private sinceTurn = 0
  private cancelSync: (() => void) | undefined
  private readonly sleepers = new Set<() => void>()

  constructor(name: string, directory: string, context: StreamContext) {
    this.name = name
    this.directory = directory
    this.context = context
    this.view = new StreamView(name, directory)
    try {
      this.recover()
    } catch (error) {
      this.view.close()
      throw error
    }
  }

  private recover(): void {
    const { view, directory, context } = this
    if (context.lock && dropUnborn(directory))
      context.notices.push(`${this.name}: removed an empty segment that loss of power left`)
    const torn = view.follow() === 'torn' ? view.rest : 0
    if (context.lock) {
      for (const file of readdirSync(directory)) if (file.endsWith('.new')) unlinkSync(join(directory, file))
      this.file = SegmentFile.open(view.active.path, view.id, view.active.end)
    }
    if (torn === 0) return
    const what = context.lock ? `cut ${torn} bytes of a torn record` : `${torn} bytes of an unfinished record`
    context.notices.push(`${this.name}: ${what} at the end${context.lock ? '' : ' are not read'}`)
  }

  private look(): void {
    if (this.closed) throw new Error(`${this.name}: the log is closed`)
    if (this.follows()) this.view.follow()
  }
  private follows(): boolean {
    return this.file === undefined || this.met
  }

  // ---- writing ----------------------------------------------------------------------------------

  async append(data: Uint8Array, expectedLast: number): Promise<number> {
    const seq = this.commit(data, expectedLast)
    this.sinceTurn += data.byteLength
    if (this.sinceTurn >= TURN_BYTES) {
      this.sinceTurn = 0
      await turn()
    }
    return seq
  }

  private commit(data: Uint8Array, expectedLast: number): number {
    const { view } = this
    if (this.closed) throw new Error(`${this.name}: the log is closed`)
    if (this.file === undefined) throw new Error(`${this.name}: the log is open for reading only`)
    if (this.failure !== undefined) throw this.failure
    this.fence(this.file, expectedLast)
    const { end } = this.file
    if (end > SEGMENT_HEADER_BYTES && end + recordBytes(data.byteLength) > this.context.segmentBytes)
      this.file = this.roll(this.file, expectedLast)
    this.file.append(expectedLast + 1, data)
    this.makeDurable(this.file)
    view.last = expectedLast + 1
    view.active.end = this.file.end
    mark(view.active, view.last, this.file.end)
    this.wake()
    return view.last
  }

  /** Lets nothing be written into a stream that is not as we know it. */
  private fence(file: SegmentFile, expectedLast: number): void {
    const { view } = this
    const { bytes, linked } = file.status()
    if (!linked) throw view.lost(`${file.path} was deleted`)
    const displaced = !this.context.lock?.held()
    if (displaced || bytes !== file.end) {
      this.met = true
      view.follow()
      if (file.path === view.active.path) file.end = view.active.end
      throw this.conflict(expectedLast, displaced ? 'another process took the log over' : 'another writer was here')
    }
    if (file.path !== view.active.path) throw this.conflict(expectedLast, 'another writer was here')
    if (expectedLast !== view.last) throw this.conflict(expectedLast, 'the stream has moved on')
  }

  private conflict(expected: number, reason: string): TidegateError {
    const found = this.view.last
    return new TidegateError(
      'LOG_CONFLICT',
      `${this.name}: expected the last record to be ${expected}, found ${found}: ${reason}`,
      { stream: this.name, expected, found },
    )
  }

  private roll(file: SegmentFile, expectedLast: number): SegmentFile {
    const { view } = this
    const first = view.last + 1
    const path = segmentPath(this.directory, first)
    const durable = this.context.fsync === 'always'
    let next: SegmentFile
    try {
      const [previousFirst, previousBytes] = [view.active.first, file.end]
      next = SegmentFile.create(path, { content: 'log', first, id: view.id, previousFirst, previousBytes }, durable)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
        throw this.conflict(expectedLast, 'another writer was here')
      throw new TidegateError('LOG_UNWRITABLE', `${path}: the segment could not be created`, { path }, cause)
    }
    const retire = async () => {
      await file.closeBeside()
      if (!durable) syncDirectory(this.directory)
    }
    this.retired = Promise.all([this.retired, retire().catch((error) => (this.failure ??= error))])
    view.admit(first, path)
    return next
  }

  private makeDurable(file: SegmentFile): void {
    if (this.context.fsync === 'always') file.sync()
    if (this.context.fsync !== 'every_second') return
    if (file.unsyncedBytes >= SYNC_BYTES) file.syncBeside()
    this.cancelSync ??= this.context.clock.after(1_000_000, () => {
      this.cancelSync = undefined
      if ((this.file?.unsyncedBytes ?? 0) > 0) this.file?.syncBeside()
    })
  }

  // ---- reading ----------------------------------------------------------------------------------

  async state(): Promise<StreamState> {
    this.look()
    const { first, last, id: created, bytes } = this.view
    return { first, last, created, bytes }
  }

  async last(): Promise<LogRecord | undefined> {
    this.look()
    const { first, last } = this.view
    for await (const record of last < first ? [] : this.read(last)) return record
    return undefined
  }

  async *read(from: number, options: ReadOptions = {}): AsyncIterable<LogRecord> {
    this.look()
    const until = Math.min(this.view.last, from + (options.limit ?? Number.POSITIVE_INFINITY) - 1)
    const cursor = this.view.cursorAt(from)
    let sinceTurn = 0
    try {
      for (let seq = from; seq <= until; seq++) {
        const record = cursor.next()
        if (record === undefined) throw this.view.lost(`record ${seq} was here and is not any more`)
        yield record
        sinceTurn += record.data.byteLength
        if (sinceTurn < TURN_BYTES) continue
        sinceTurn = 0
        await turn()
      }
    } finally {
      cursor.close()
    }
  }

  async *tail(from: number, signal: AbortSignal): AsyncIterable<LogRecord> {
    this.look()
    const cursor = this.view.cursorAt(from)
    const wake = () => this.wake()
    signal.addEventListener('abort', wake)
    let sinceTurn = 0
    try {
      while (!signal.aborted && !this.closed) {
        const record = cursor.next()
        if (record === undefined) {
          await this.news()
          if (!this.closed && this.follows()) this.view.follow()
          continue
        }
        yield record
        sinceTurn += record.data.byteLength
        if (sinceTurn < TURN_BYTES) continue
        sinceTurn = 0
        await turn()
      }
    } finally {
      signal.removeEventListener('abort', wake)
      cursor.close()
    }
  }

  /** Waits for an append of ours, an abort or a close; where others write, at most until the next poll. */
  private news(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.follows() ? this.context.clock.after(this.context.pollMs * 1000, () => wake()) : undefined
      const wake = () => {
        cancel?.()
        this.sleepers.delete(wake)
        resolve()
      }
      this.sleepers.add(wake)
    })
  }

  private wake(): void {
    for (const wake of this.sleepers) wake()
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.cancelSync?.()
    this.wake()
    this.view.close()
    await Promise.all([this.retired, this.file?.close()])
    if (this.failure !== undefined) throw this.failure
  }
}
