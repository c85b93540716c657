import { crc32 } from 'node:zlib'
import { type Break, type RecordCursor, readFully } from './record_cursor.ts'
import { getU64, MAX_RECORD_BYTES, RECORD_HEADER_BYTES, recordBytes } from './segment.ts'

/**
 * How the records of a segment end. `torn`: what follows the last good record is no record, and no good one comes after
 * it: an append that was cut short. `corrupt`: a good record with a higher sequence comes after the broken one.
 */
export type Scan =
  | { readonly verdict: 'sound'; readonly end: number; readonly last: number }
  | { readonly verdict: 'torn' | 'corrupt'; readonly end: number; readonly last: number; readonly reason: Break }

/** Steps to the end of the good records and judges what follows. */
export function scanRecords(
  fd: number,
  seed: number,
  cursor: RecordCursor,
  limit: number,
  options: {
    readonly visit?: (cursor: RecordCursor) => void
    /** False: a broken end is called torn without a search for good records behind it. */
    readonly judge?: boolean
  } = {},
): Scan {
  for (;;) {
    const step = cursor.step(limit)
    if (step === 'record') {
      options.visit?.(cursor)
      continue
    }
    const { offset: end, seq: last } = cursor
    if (step === 'end') return { verdict: 'sound', end, last }
    const corrupt = options.judge !== false && soundAfter(fd, seed, end, limit, last)
    return { verdict: corrupt ? 'corrupt' : 'torn', end, last, reason: step }
  }
}

const WINDOW_BYTES = 2 ** 20

/** Looks for a good record at every place one could begin, because the broken record's length cannot be believed. */
function soundAfter(fd: number, seed: number, from: number, limit: number, last: number): boolean {
  const window = new Uint8Array(WINDOW_BYTES)
  const words = new DataView(window.buffer)
  // A record takes 16 bytes at least: a sequence further on than this is chance.
  const highest = last + 1 + (limit - from) / RECORD_HEADER_BYTES
  for (let base = from + 8; base + RECORD_HEADER_BYTES <= limit; base += WINDOW_BYTES - RECORD_HEADER_BYTES) {
    const bytes = readFully(fd, window.subarray(0, Math.min(WINDOW_BYTES, limit - base)), base)
    for (let at = 0; at + RECORD_HEADER_BYTES <= bytes; at += 8) {
      const seq = getU64(words, at + 8)
      if (seq <= last || seq > highest) continue
      const length = words.getUint32(at, true)
      if (length > MAX_RECORD_BYTES || base + at + recordBytes(length) > limit) continue
      const checked = new Uint8Array(8 + length)
      if (readFully(fd, checked, base + at + 8) === checked.byteLength)
        if (crc32(checked, seed) === words.getUint32(at + 4, true)) return true
    }
  }
  return false
}
