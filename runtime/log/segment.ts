import { crc32 } from 'node:zlib'
import { align8 } from '../../schemas/frame.ts'

/**
 * A segment is a file of records: a header, then per record `u32 length, u32 crc32, u64 sequence, payload, zeros to 8`,
 * all little-endian. A log stream is a row of segments; a tape is one. The crc runs over sequence and payload and starts
 * from the crc of the segment's id, so that bytes of another stream are never taken for a record of this one.
 */
export const SEGMENT_MAGIC = 0x31534754 // "TGS1"
export const SEGMENT_VERSION = 1
export const SEGMENT_HEADER_BYTES = 56
export const RECORD_HEADER_BYTES = 16
export const ID_BYTES = 16
export const MAX_RECORD_BYTES = 2 ** 30

export const contents = ['log', 'tape'] as const
export interface SegmentHeader {
  readonly content: (typeof contents)[number]
  /** The sequence its first record has. */
  readonly first: number
  /** 16 bytes as hex, the same in all segments of a stream. */
  readonly id: string
  /** First sequence and length of the segment before, both 0 in the first: a missing or cut one is noticed at open. */
  readonly previousFirst: number
  readonly previousBytes: number
}

const high = 2 ** 32
export function setU64(d: DataView, at: number, value: number): void {
  d.setUint32(at, value % high, true)
  d.setUint32(at + 4, Math.floor(value / high), true)
}
export const getU64 = (d: DataView, at: number): number => d.getUint32(at + 4, true) * high + d.getUint32(at, true)

/** Whole length of a record in the file. */
export const recordBytes = (payload: number): number => RECORD_HEADER_BYTES + align8(payload)

/** What the crc of every record of a segment starts from. */
export const recordSeed = (id: string): number => crc32(Buffer.from(id, 'hex'))

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  const d = new DataView(bytes.buffer)
  d.setUint32(0, SEGMENT_MAGIC, true)
  d.setUint16(4, SEGMENT_VERSION, true)
  d.setUint16(6, contents.indexOf(header.content), true)
  setU64(d, 8, header.first)
  bytes.set(Buffer.from(header.id, 'hex'), 16)
  setU64(d, 32, header.previousFirst)
  setU64(d, 40, header.previousBytes)
  d.setUint32(48, crc32(bytes.subarray(0, 48)), true)
  return bytes
}

/** The header, or in words why there is none. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | string {
  if (bytes.byteLength < SEGMENT_HEADER_BYTES)
    return `expected a header of ${SEGMENT_HEADER_BYTES} bytes, found ${bytes.byteLength}`
  const d = new DataView(bytes.buffer, bytes.byteOffset, SEGMENT_HEADER_BYTES)
  if (d.getUint32(0, true) !== SEGMENT_MAGIC) return 'it does not begin with TGS1'
  if (d.getUint32(48, true) !== crc32(bytes.subarray(0, 48))) return 'the checksum of its header does not hold'
  if (d.getUint16(4, true) !== SEGMENT_VERSION)
    return `expected segment version ${SEGMENT_VERSION}, found ${d.getUint16(4, true)}`
  const content = contents[d.getUint16(6, true)]
  if (content === undefined) return `expected a log or a tape, found content ${d.getUint16(6, true)}`
  return {
    content,
    first: getU64(d, 8),
    id: Buffer.from(bytes.subarray(16, 16 + ID_BYTES)).toString('hex'),
    previousFirst: getU64(d, 32),
    previousBytes: getU64(d, 40),
  }
}
