import { createRequire } from 'node:module'
import { TidegateError } from '../schemas/errors.ts'

/** Makes a block of bytes smaller, and gives it back. Synchronous: a tape is read as fast as it is used. */
export interface BlockCodec {
  compress(block: Uint8Array): Uint8Array
  /** `most` is the length the block cannot exceed. Throws on bytes that are no compressed block. */
  decompress(bytes: Uint8Array, most: number): Uint8Array
}

/** What the package `lz4-napi` is to us: a u32 with the length of the block, then one LZ4 block. */
interface Lz4 {
  compressSync(block: Buffer): Uint8Array
  uncompressSync(bytes: Uint8Array): Uint8Array
}

const require = createRequire(import.meta.url)

/** @throws PACKAGE_ABSENT where its native part is missing: a platform without a binary, or an install without it */
export function lz4(load: () => unknown = () => require('lz4-napi')): BlockCodec {
  let native: Lz4
  try {
    native = load() as Lz4
  } catch (cause) {
    throw new TidegateError(
      'PACKAGE_ABSENT',
      `expected the package lz4-napi with its native part for ${process.platform}-${process.arch}, found none; install it again with optional dependencies, or work with tapes written by \`tidegate import --compression packed\``,
      { package: 'lz4-napi', platform: process.platform, arch: process.arch },
      cause,
    )
  }
  return {
    compress: (block) => native.compressSync(Buffer.from(block.buffer, block.byteOffset, block.byteLength)),
    decompress(bytes, most) {
      const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true)
      if (length > most) throw new RangeError(`a block of at most ${most} bytes says it has ${length}`)
      return native.uncompressSync(bytes)
    },
  }
}
