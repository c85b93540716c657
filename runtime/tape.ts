import { closeSync, existsSync, fstatSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { schemaText } from '../schemas/columns.ts'
import { TidegateError } from '../schemas/errors.ts'
import { decodeFrame, type Frame, HEADER_BYTES, vouchFor } from '../schemas/frame.ts'
import type { Kind } from '../schemas/kind.ts'
import { kinds as everyKind } from '../schemas/kinds.ts'
import { breakWords, RecordCursor, readFully } from './log/record_cursor.ts'
import {
  decodeSegmentHeader,
  getU64,
  RECORD_HEADER_BYTES,
  recordBytes,
  recordSeed,
  SEGMENT_HEADER_BYTES,
  setU64,
} from './log/segment.ts'
import { SegmentFile, syncDirectory } from './log/segment_file.ts'
import { scanRecords } from './log/segment_scan.ts'
import {
  type Compression,
  compressions,
  type FrameCompression,
  frameCompression,
  isCompression,
} from './tape_compression.ts'

/**
 * A tape is one sealed segment of frames. Behind the frames stand two records: the trailer, JSON, and a foot of eight
 * bytes that says where the trailer begins. All tapes have one id, so the same frames give the same bytes. The frames are
 * kept as they are, or compressed each for itself (tape_compression.ts); the trailer says how.
 */
const TAPE_ID = Buffer.from('tidegate tape 1\0', 'latin1').toString('hex')
const SEED = recordSeed(TAPE_ID)
const FOOT_BYTES = recordBytes(8)

const trailer = z.strictObject({
  tidegate_tape: z.literal(1),
  rows: z.int().nonnegative(),
  frames: z.int().nonnegative(),
  kinds: z.record(z.string(), z.int().nonnegative()).describe('rows per kind'),
  keys: z.array(z.string()).describe('sorted'),
  from: z.number().nullable().describe('event time of the first row in µs, null in an empty tape'),
  to: z.number().nullable().describe('event time of the last row'),
  schemas: z.record(z.string(), z.string()).describe('the columns of each kind, as text'),
  compression: z.string().exactOptional().describe('how its frames are kept; absent when they are kept as they are'),
})
export interface TapeInfo extends Readonly<z.output<typeof trailer>> {}

type Registry = Readonly<Record<string, Kind>>

/** Counts frames into what the trailer says of them. */
class Census {
  private readonly registry: Registry
  private readonly kinds = new Map<string, number>()
  private readonly keys = new Set<string>()
  private rows = 0
  private frames = 0
  private from = Number.POSITIVE_INFINITY
  private to = Number.NEGATIVE_INFINITY

  constructor(registry: Registry) {
    this.registry = registry
  }

  add(frame: Frame): void {
    this.frames++
    this.rows += frame.rows
    this.kinds.set(frame.kind, (this.kinds.get(frame.kind) ?? 0) + frame.rows)
    // The dictionary also holds words of other columns: only what the key column names is a key.
    const used = new Uint8Array(frame.keys.length)
    for (let row = 0; row < frame.rows; row++) {
      used[frame.key[row] as number] = 1
      const at = frame.at[row] as number
      if (at < this.from) this.from = at
      if (at > this.to) this.to = at
    }
    used.forEach((yes, code) => {
      if (yes === 1) this.keys.add(frame.keys[code] as string)
    })
  }

  info(): TapeInfo {
    const kinds = [...this.kinds].sort(([a], [b]) => (a < b ? -1 : 1))
    return {
      tidegate_tape: 1,
      rows: this.rows,
      frames: this.frames,
      kinds: Object.fromEntries(kinds),
      keys: [...this.keys].sort(),
      from: this.rows === 0 ? null : this.from,
      to: this.rows === 0 ? null : this.to,
      schemas: Object.fromEntries(kinds.map(([kind]) => [kind, schemaText(this.registry[kind] as Kind)])),
    }
  }
}

/** Writes a tape beside its place and moves it there when it is whole: a killed import leaves no half tape. */
export class TapeWriter {
  private readonly path: string
  private readonly partial: string
  private readonly registry: Registry
  private readonly file: SegmentFile
  private readonly census: Census
  private readonly compression: Compression
  private readonly frames: FrameCompression | undefined
  private seq = 0

  private constructor(path: string, registry: Registry, compression: Compression) {
    this.path = path
    this.partial = `${path}.partial`
    this.registry = registry
    this.compression = compression
    this.frames = compression === 'none' ? undefined : frameCompression(compression)
    this.census = new Census(registry)
    rmSync(this.partial, { force: true })
    const header = { content: 'tape', first: 1, id: TAPE_ID, previousFirst: 0, previousBytes: 0 } as const
    this.file = SegmentFile.create(this.partial, header, false)
  }

  /** @throws FILE_ABSENT when the directory is not there, PACKAGE_ABSENT when the compression is not */
  static create(path: string, registry: Registry = everyKind, compression: Compression = 'none'): TapeWriter {
    if (!existsSync(dirname(path)))
      throw new TidegateError('FILE_ABSENT', `expected a directory at ${dirname(path)}, found none`, { path })
    return new TapeWriter(path, registry, compression)
  }

  /** @throws FRAME_CORRUPT, FRAME_SCHEMA, LOG_UNWRITABLE */
  write(frame: Uint8Array): void {
    this.census.add(decodeFrame(frame, this.registry))
    this.file.append(++this.seq, this.frames?.shrink(frame) ?? frame)
  }

  /** Seals the tape and gives it its name. */
  async close(): Promise<TapeInfo> {
    const info = {
      ...this.census.info(),
      ...(this.compression !== 'none' && { compression: this.compression }),
    }
    const foot = new Uint8Array(8)
    setU64(new DataView(foot.buffer), 0, this.file.end)
    this.file.append(++this.seq, new TextEncoder().encode(JSON.stringify(info)))
    this.file.append(++this.seq, foot)
    await this.file.close()
    renameSync(this.partial, this.path)
    syncDirectory(dirname(this.path))
    return info
  }

  /** Gives up: nothing is left of what was written. */
  async discard(): Promise<void> {
    try {
      await this.file.close()
    } finally {
      rmSync(this.partial, { force: true })
    }
  }
}

export interface FrameRange {
  readonly from?: number
  readonly to?: number
  readonly reuse?: boolean
}

export interface Tape {
  readonly path: string
  readonly info: TapeInfo
  /** Length of the file. */
  readonly bytes: number
  /**
   * The frames as bytes, 8-aligned, in the order they were written. Only those that may hold rows in [from, to): the
   * frames at the borders hold rows outside too. With `reuse` a frame is valid until the next is asked for: no fresh
   * memory is touched, which takes a third to two thirds of the time of a first reading.
   * @throws TAPE_CORRUPT (info: offset)
   */
  frames(range?: FrameRange): Generator<Uint8Array, void, undefined>
  /** Decodes everything and counts it again. @throws TAPE_CORRUPT, FRAME_CORRUPT, FRAME_SCHEMA */
  verify(registry?: Registry): TapeInfo
}

/**
 * @throws FILE_ABSENT, TAPE_TRUNCATED when the trailer is missing, TAPE_CORRUPT (info: offset) when bytes are damaged,
 * PACKAGE_ABSENT when it is compressed and what restores it is not installed
 */
export function openTape(path: string): Tape {
  const { info, end, bytes: length } = withFile(path, (fd) => readTrailer(path, fd))
  const compression = compressionOf(path, info)
  // The checksum of a record runs over the bytes as they are kept, and the writer has shown that these give a frame whose
  // own checksum holds: so what is read is vouched for, and only `verify` checks that frames are whole after restoring.
  function* records({ from = -Infinity, to = Infinity, reuse = false }: FrameRange = {}) {
    const fd = openFile(path)
    try {
      const memory = reuse || compression !== undefined ? 'reused' : 'fresh'
      const cursor = new RecordCursor(fd, SEED, SEGMENT_HEADER_BYTES, 0, memory)
      let last: Uint8Array | undefined
      for (let step = cursor.step(end); step !== 'end'; step = cursor.step(end)) {
        if (step !== 'record') throw damaged(path, cursor.offset, breakWords[step])
        const { data } = cursor
        const at = cursor.offset - recordBytes(data.byteLength)
        if (data.byteLength < HEADER_BYTES) throw damaged(path, at, 'a record is too short for a frame')
        // First and last event time of a frame, at their fixed places in its header.
        const words = new DataView(data.buffer, data.byteOffset + 24, 16)
        if (words.getFloat64(8, true) < from || words.getFloat64(0, true) >= to) continue
        const frame = compression === undefined ? data : compression.restore(data, last)
        if (typeof frame === 'string') throw damaged(path, at, frame)
        if (reuse) last = frame
        yield frame
      }
      if (cursor.seq !== info.frames)
        throw damaged(path, end, `expected ${info.frames} frames as the trailer says, found ${cursor.seq}`)
    } finally {
      closeSync(fd)
    }
  }
  return {
    path,
    info,
    bytes: length,
    *frames(range = {}) {
      for (const frame of records(range)) yield vouchFor(frame)
    },
    verify(registry = everyKind) {
      const census = new Census(registry)
      for (const bytes of records({ reuse: true })) census.add(decodeFrame(bytes, registry))
      const found = census.info()
      for (const part of Object.keys(found) as (keyof TapeInfo)[])
        if (JSON.stringify(found[part]) !== JSON.stringify(info[part]))
          throw damaged(
            path,
            end,
            `its trailer says ${part} ${JSON.stringify(info[part])}, found ${JSON.stringify(found[part])}`,
          )
      return info
    },
  }
}

function compressionOf(path: string, { compression = 'none' }: TapeInfo): FrameCompression | undefined {
  if (!isCompression(compression))
    throw new TidegateError(
      'FORMAT_UNKNOWN',
      `${path}: expected a compression ${compressions.join(', ')}, found "${compression}"`,
      { path, found: compression },
    )
  return compression === 'none' ? undefined : frameCompression(compression)
}

const damaged = (path: string, offset: number, reason: string) =>
  new TidegateError('TAPE_CORRUPT', `${path}: ${reason}, at byte ${offset}`, { path, offset, reason })

function openFile(path: string): number {
  const absent = (found: string, cause?: unknown) =>
    new TidegateError('FILE_ABSENT', `expected a tape at ${path}, found ${found}`, { path }, cause)
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw absent('nothing', cause)
  }
  if (!fstatSync(fd).isDirectory()) return fd
  closeSync(fd)
  throw absent('a directory')
}

function withFile<T>(path: string, use: (fd: number) => T): T {
  const fd = openFile(path)
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}

/** Reads the trailer by way of the foot. `end` is where the frames end. */
function readTrailer(path: string, fd: number): { info: TapeInfo; end: number; bytes: number } {
  const { size } = fstatSync(fd)
  const truncated = (at: number) =>
    new TidegateError(
      'TAPE_TRUNCATED',
      `${path}: expected a trailer at the end, found none; its records end at byte ${at} of ${size}`,
      {
        path,
        offset: at,
        bytes: size,
      },
    )
  if (size < SEGMENT_HEADER_BYTES) throw truncated(0)
  const head = new Uint8Array(SEGMENT_HEADER_BYTES)
  readFully(fd, head, 0)
  const header = decodeSegmentHeader(head)
  if (typeof header === 'string') throw damaged(path, 0, header)
  if (header.content !== 'tape') throw damaged(path, 0, 'expected a tape, found a segment of a log')
  const end = footOf(fd, size)
  if (end === undefined) {
    const scan = scanRecords(fd, SEED, new RecordCursor(fd, SEED, SEGMENT_HEADER_BYTES, 0), size)
    if (scan.verdict === 'corrupt') throw damaged(path, scan.end, breakWords[scan.reason])
    throw truncated(scan.end)
  }
  const seq = new DataView(new ArrayBuffer(8))
  readFully(fd, new Uint8Array(seq.buffer), end + 8)
  const cursor = new RecordCursor(fd, SEED, end, getU64(seq, 0) - 1)
  const step = cursor.step(size - FOOT_BYTES)
  if (step !== 'record') throw damaged(path, end, step === 'end' ? 'the trailer is missing' : breakWords[step])
  const info = z.safeParse(trailer, parsed(cursor.data))
  if (!info.success) throw damaged(path, end, `its trailer is none: ${z.prettifyError(info.error)}`)
  return { info: info.data, end, bytes: size }
}

const parsed = (json: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(json))
  } catch {
    return undefined
  }
}

/** Where the trailer begins, if the file ends in a good foot. */
function footOf(fd: number, size: number): number | undefined {
  const at = size - FOOT_BYTES
  if (at < SEGMENT_HEADER_BYTES || at % 8 !== 0) return undefined
  const words = new DataView(new ArrayBuffer(RECORD_HEADER_BYTES))
  readFully(fd, new Uint8Array(words.buffer), at)
  const cursor = new RecordCursor(fd, SEED, at, getU64(words, 8) - 1)
  if (cursor.step(size) !== 'record' || cursor.data.byteLength !== 8) return undefined
  const end = getU64(new DataView(cursor.data.buffer, cursor.data.byteOffset), 0)
  return end >= SEGMENT_HEADER_BYTES && end < at && end % 8 === 0 ? end : undefined
}
