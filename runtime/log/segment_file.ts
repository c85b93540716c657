import {
  closeSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  unlinkSync,
  writevSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { TidegateError } from '../../schemas/errors.ts'
import {
  encodeSegmentHeader,
  MAX_RECORD_BYTES,
  RECORD_HEADER_BYTES,
  recordBytes,
  recordSeed,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  setU64,
} from './segment.ts'

const zeros = new Uint8Array(8)

/** Makes created, linked and renamed files of a directory durable. Windows has no such call. */
export function syncDirectory(path: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** A segment open for appending. One record is one `writev`: it is in the file whole, or cut off again. */
export class SegmentFile {
  readonly path: string
  /** Where the last good record ends. */
  end: number
  private readonly fd: number
  private readonly seed: number
  private readonly head = new Uint8Array(RECORD_HEADER_BYTES)
  private readonly words = new DataView(this.head.buffer)
  private readonly seqBytes = this.head.subarray(8)
  /** Set when the file may hold what it should not, or not hold what it should: it takes no more records. */
  private failure: unknown
  private unsynced = 0
  private syncing: Promise<void> | undefined

  private constructor(path: string, fd: number, id: string, end: number) {
    this.path = path
    this.fd = fd
    this.seed = recordSeed(id)
    this.end = end
  }

  /**
   * Creates the file with its header. It gets its name only when the header is in it, and never replaces another.
   * Unless `durable`, the header goes to the disk with the first records.
   * @throws EEXIST when a file of that name is there
   */
  static create(path: string, header: SegmentHeader, durable: boolean): SegmentFile {
    const unborn = `${path}.new`
    const fd = openSync(unborn, 'w+')
    try {
      writevSync(fd, [encodeSegmentHeader(header)], 0)
      if (durable) fsyncSync(fd)
      linkSync(unborn, path)
    } catch (error) {
      closeSync(fd)
      throw error
    }
    unlinkSync(unborn)
    if (durable) syncDirectory(dirname(path))
    const file = new SegmentFile(path, fd, header.id, SEGMENT_HEADER_BYTES)
    if (!durable) file.unsynced = SEGMENT_HEADER_BYTES
    return file
  }

  /** Opens an existing one at the end of its good records; what lies behind is cut off. */
  static open(path: string, id: string, end: number): SegmentFile {
    const file = new SegmentFile(path, openSync(path, 'r+'), id, end)
    if (file.status().bytes > end) {
      ftruncateSync(file.fd, end)
      fsyncSync(file.fd)
    }
    return file
  }

  /** @throws LOG_UNWRITABLE when disk or limits do not let it; the file then ends where it ended before */
  append(seq: number, data: Uint8Array): void {
    if (this.failure !== undefined) throw this.unwritable('an earlier write failed', this.failure)
    const { byteLength } = data
    if (byteLength > MAX_RECORD_BYTES)
      throw new RangeError(`a record holds at most ${MAX_RECORD_BYTES} bytes, found ${byteLength}`)
    const bytes = recordBytes(byteLength)
    const padding = bytes - RECORD_HEADER_BYTES - byteLength
    this.words.setUint32(0, byteLength, true)
    setU64(this.words, 8, seq)
    this.words.setUint32(4, crc32(data, crc32(this.seqBytes, this.seed)), true)
    let written = 0
    let cause: unknown
    try {
      const parts = padding === 0 ? [this.head, data] : [this.head, data, zeros.subarray(0, padding)]
      written = writevSync(this.fd, parts, this.end)
    } catch (error) {
      cause = error
    }
    if (written !== bytes) {
      this.cutBack()
      throw this.unwritable(`expected to write ${bytes} bytes, wrote ${written}`, cause)
    }
    this.end += bytes
    this.unsynced += bytes
  }

  private cutBack(): void {
    try {
      ftruncateSync(this.fd, this.end)
    } catch (error) {
      this.failure = error
    }
  }

  private unwritable(reason: string, cause?: unknown): TidegateError {
    const why = cause instanceof Error ? ` (${cause.message})` : ''
    return new TidegateError('LOG_UNWRITABLE', `${this.path}: ${reason}${why}`, { path: this.path }, cause)
  }

  /** What the file system says of the open file; `linked` is false when it was deleted or replaced. */
  status(): { readonly bytes: number; readonly linked: boolean } {
    const { size, nlink } = fstatSync(this.fd)
    return { bytes: size, linked: nlink > 0 }
  }

  get unsyncedBytes(): number {
    return this.unsynced
  }

  /** After a failed sync the kernel may have dropped the pages and forgotten the error: nothing more is appended. */
  sync(): void {
    if (this.failure !== undefined) throw this.unwritable('an earlier write failed', this.failure)
    try {
      this.unsynced = 0
      fsyncSync(this.fd)
    } catch (error) {
      this.failure = error
      throw this.unwritable('it could not be synced', error)
    }
  }

  /** Starts a sync beside the work; a failure shows at the next append. */
  syncBeside(): void {
    if (this.syncing !== undefined || this.failure !== undefined) return
    this.unsynced = 0
    this.syncing = new Promise((done) =>
      fdatasync(this.fd, (error) => {
        if (error !== null) this.failure = error
        this.syncing = undefined
        done()
      }),
    )
  }

  /** Makes everything durable and lets go of the file. @throws LOG_UNWRITABLE when some of it may not be on the disk */
  async close(): Promise<void> {
    try {
      if (this.failure === undefined) this.sync()
    } finally {
      await this.syncing
      closeSync(this.fd)
    }
    if (this.failure !== undefined) throw this.unwritable('it could not be synced', this.failure)
  }

  /** As `close`, without holding up the work. */
  async closeBeside(): Promise<void> {
    await this.syncing
    if (this.unsynced > 0) this.syncBeside()
    await this.syncing
    closeSync(this.fd)
    if (this.failure !== undefined) throw this.unwritable('it could not be synced', this.failure)
  }
}
