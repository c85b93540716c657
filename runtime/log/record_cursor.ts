import { readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { getU64, MAX_RECORD_BYTES, RECORD_HEADER_BYTES, recordBytes } from './segment.ts'

/** Why the bytes at a place are not the next record. */
export type Break = 'incomplete' | 'sequence' | 'checksum'
export const breakWords: Readonly<Record<Break, string>> = {
  incomplete: 'the end of a record is missing',
  sequence: 'a record does not carry the next sequence',
  checksum: 'the checksum of a record does not hold',
}

const CHUNK_BYTES = 2 ** 20
/** A chunk that is read into again and again stays in the cache of the processor. */
const REUSED_CHUNK_BYTES = 2 ** 18
const empty = new Uint8Array(0)

/**
 * Steps over the records of a segment file, checking each. Reads a fresh chunk at a time, so that payloads stay valid for
 * ever; or into the same one, so that a payload is valid until the next step.
 */
export class RecordCursor {
  /** Where the next record begins, and the sequence of the one stepped on last. */
  offset: number
  seq: number
  /** The payload stepped on last, 8-aligned in its buffer. */
  data: Uint8Array = empty
  private readonly fd: number
  private readonly seed: number
  private chunk: Uint8Array = empty
  private words = new DataView(empty.buffer)
  private chunkAt = 0
  private readonly memory: 'fresh' | 'reused'

  /** `offset` must be where a record begins (a multiple of 8), `before` the sequence of the record before it. */
  constructor(fd: number, seed: number, offset: number, before: number, memory: 'fresh' | 'reused' = 'fresh') {
    this.fd = fd
    this.seed = seed
    this.offset = offset
    this.seq = before
    this.memory = memory
  }

  /** Goes to the next record; bytes at `limit` and after it are not looked at. Stays where it is on any other answer. */
  step(limit: number): 'record' | 'end' | Break {
    if (this.offset === limit) return 'end'
    if (!this.has(RECORD_HEADER_BYTES, limit)) return 'incomplete'
    const length = this.words.getUint32(this.offset - this.chunkAt, true)
    if (getU64(this.words, this.offset - this.chunkAt + 8) !== this.seq + 1) return 'sequence'
    const bytes = recordBytes(length)
    if (length > MAX_RECORD_BYTES || !this.has(bytes, limit)) return 'incomplete'
    const at = this.offset - this.chunkAt
    const checked = this.chunk.subarray(at + 8, at + RECORD_HEADER_BYTES + length)
    if (crc32(checked, this.seed) !== this.words.getUint32(at + 4, true)) return 'checksum'
    this.data = checked.subarray(8)
    this.offset += bytes
    this.seq++
    return 'record'
  }

  private has(bytes: number, limit: number): boolean {
    if (this.offset + bytes > limit) return false
    if (this.offset + bytes <= this.chunkAt + this.chunk.byteLength && this.offset >= this.chunkAt) return true
    const usual = this.memory === 'fresh' ? CHUNK_BYTES : REUSED_CHUNK_BYTES
    const size = Math.min(Math.max(usual, bytes), limit - this.offset)
    const again = this.memory === 'reused' && this.words.byteLength >= size
    const buffer = again ? this.words.buffer : Buffer.allocUnsafeSlow(size).buffer
    this.chunk = new Uint8Array(buffer, 0, readFully(this.fd, new Uint8Array(buffer, 0, size), this.offset))
    this.words = new DataView(buffer)
    this.chunkAt = this.offset
    return this.chunk.byteLength >= bytes
  }
}

/** Reads until the buffer is full or the file ends; gives the bytes read. */
export function readFully(fd: number, into: Uint8Array, offset: number): number {
  let done = 0
  while (done < into.byteLength) {
    const n = readSync(fd, into, done, into.byteLength - done, offset + done)
    if (n === 0) break
    done += n
  }
  return done
}
