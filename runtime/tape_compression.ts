import { HEADER_BYTES } from '../schemas/frame.ts'
import { type BlockCodec, lz4 } from './block_codec.ts'
import { MAX_RECORD_BYTES } from './log/segment.ts'
import { packFrame } from './packing/pack_frame.ts'
import { unpackFrame } from './packing/unpack_frame.ts'

/** How the frames of a tape are kept: as they are, with packed columns, or packed and then compressed with LZ4. */
export const compressions = ['none', 'packed', 'lz4'] as const
export type Compression = (typeof compressions)[number]
export const isCompression = (name: string): name is Compression => (compressions as readonly string[]).includes(name)

/** Behind the header of the frame, which stays readable: u8 1 when the rest is packed, u8 1 when it is then compressed. */
const FORM_BYTES = 8
const BODY = HEADER_BYTES + FORM_BYTES

export interface FrameCompression {
  /** The record of a frame. */
  shrink(frame: Uint8Array): Uint8Array
  /** The frame of a record, or in words why there is none. In the memory of `last` where that is given and as long. */
  restore(record: Uint8Array, last?: Uint8Array): Uint8Array | string
}

/** @throws PACKAGE_ABSENT */
export function frameCompression(name: Exclude<Compression, 'none'>): FrameCompression {
  const codec = name === 'lz4' ? lz4() : undefined
  return {
    shrink(frame) {
      const packed = recordOf(frame, packFrame(frame), codec)
      // What is stored is shown to give the very frame back, so that readers need to check the stored bytes only.
      const back = packed && restored(packed, codec)
      if (back instanceof Uint8Array && Buffer.compare(back, frame) === 0) return packed as Uint8Array
      return recordOf(frame, undefined, codec)
    },
    restore: (record, last) => restored(record, codec, last),
  }
}

function recordOf(frame: Uint8Array, packed: Uint8Array | undefined, codec: BlockCodec | undefined): Uint8Array {
  const body = packed ?? frame.subarray(HEADER_BYTES)
  const shorter = codec?.compress(body)
  const compressed = shorter !== undefined && shorter.byteLength < body.byteLength
  const kept = compressed ? shorter : body
  const record = new Uint8Array(BODY + kept.byteLength)
  record.set(frame.subarray(0, HEADER_BYTES))
  record[HEADER_BYTES] = packed === undefined ? 0 : 1
  record[HEADER_BYTES + 1] = compressed ? 1 : 0
  record.set(kept, BODY)
  return record
}

function restored(record: Uint8Array, codec: BlockCodec | undefined, last?: Uint8Array): Uint8Array | string {
  if (record.byteLength < BODY) return 'a record is too short for a frame'
  const total = new DataView(record.buffer, record.byteOffset).getUint32(8, true)
  if (total < HEADER_BYTES || total > MAX_RECORD_BYTES) return `a frame says it has ${total} bytes`
  const frame = last?.byteLength === total ? last : new Uint8Array(total)
  frame.set(record.subarray(0, HEADER_BYTES))
  let body = record.subarray(BODY)
  if (record[HEADER_BYTES + 1] === 1) {
    if (codec === undefined) return 'a record is compressed on a tape that is not'
    try {
      // A packed body holds the columns in no more bytes than the frame does, and a descriptor for each.
      body = codec.decompress(body, total * 8)
    } catch (cause) {
      return `a compressed block is damaged (${cause instanceof Error ? cause.message : String(cause)})`
    }
  }
  if (record[HEADER_BYTES] === 1) return unpackFrame(frame, body) ?? frame
  if (body.byteLength !== total - HEADER_BYTES) return `expected a frame of ${total} bytes, found ${body.byteLength}`
  frame.set(body, HEADER_BYTES)
  return frame
}
