import { crc32 } from 'node:zlib'
import { type Column, columnBytes, columnCodes, columnsOf, schemaHash } from './columns.ts'
import { wordsOf } from './dictionary.ts'
import { TidegateError } from './errors.ts'
import type { Kind } from './kind.ts'

/**
 * The one frame format of log, bus and tape: header, column table, flat little-endian columns, strings.
 * docs/frame.md is the page for readers in other languages.
 */
export const FRAME_MAGIC = 0x31464754 // "TGF1"
export const FRAME_VERSION = 1
export const HEADER_BYTES = 64
export const align8 = (n: number): number => (n + 7) & ~7

export type ColumnData = Float64Array | Uint8Array | Uint32Array | BigInt64Array
/** A frame in place: its columns are views into the bytes it was read from. */
export interface Frame {
  readonly kind: string
  /** The node the rows come from. */
  readonly origin: string
  readonly rows: number
  readonly first: number
  readonly last: number
  readonly at: Float64Array
  /** Per row an index into `keys`. */
  readonly key: Uint32Array
  readonly keys: readonly string[]
  /** Outputs only: which message of its edge, key and time a row is, and its place among all outputs of the commit. */
  readonly ordinal?: Uint32Array
  readonly order?: Uint32Array
  /** The kind's own columns. A fixed column has two i64 per row: low, high. */
  readonly columns: readonly ColumnData[]
}

export const envelope: readonly Column[] = [
  { name: 'at', type: 'f64' },
  { name: 'key', type: 'dict' },
]
export const outputEnvelope: readonly Column[] = [
  ...envelope,
  { name: 'ordinal', type: 'u32' },
  { name: 'order', type: 'u32' },
]

const corrupt = (reason: string, info: Record<string, unknown> = {}) =>
  new TidegateError('FRAME_CORRUPT', `frame is damaged: ${reason}`, { reason, ...info })

function view(type: Column['type'], bytes: Uint8Array, offset: number, rows: number): ColumnData {
  const at = bytes.byteOffset + offset
  switch (type) {
    case 'f64':
      return new Float64Array(bytes.buffer as ArrayBuffer, at, rows)
    case 'u8':
      return new Uint8Array(bytes.buffer as ArrayBuffer, at, rows)
    case 'u32':
    case 'dict':
      return new Uint32Array(bytes.buffer as ArrayBuffer, at, rows)
    case 'fixed':
      return new BigInt64Array(bytes.buffer as ArrayBuffer, at, rows * 2)
  }
}

/** One pass without a branch finds the highest code; which row is wrong is asked only when one is. */
function checkCodes(codes: Uint8Array | Uint32Array, known: number, column: string): void {
  let highest = 0
  for (let row = 0; row < codes.length; row++) highest = Math.max(highest, codes[row] as number)
  if (highest < known || codes.length === 0) return
  const row = codes.findIndex((code) => code >= known)
  throw corrupt(`row ${row} of column ${column} has code ${codes[row]}, expected one below ${known}`)
}

const vouched = new WeakSet<Uint8Array>()
/**
 * Says that a container has checked the very bytes of a frame against a checksum of its own, so that `decodeFrame` does
 * not run over them a second time. Everything else about them is still checked.
 */
export function vouchFor(frame: Uint8Array): Uint8Array {
  vouched.add(frame)
  return frame
}

const text = new TextDecoder('utf-8', { fatal: false })

/** What a frame says of itself, without its columns: kind, origin and length. Throws FRAME_CORRUPT. */
export function peekFrame(bytes: Uint8Array): {
  kind: string
  origin: string
  bytes: number
  rows: number
  /** The oldest and the newest event time. */
  first: number
  last: number
} {
  if (bytes.byteLength < HEADER_BYTES)
    throw corrupt(`expected at least ${HEADER_BYTES} bytes, found ${bytes.byteLength}`)
  const d = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (d.getUint32(0, true) !== FRAME_MAGIC) throw corrupt('it does not begin with TGF1')
  if (d.getUint16(4, true) !== FRAME_VERSION)
    throw new TidegateError('FRAME_SCHEMA', `expected frame version ${FRAME_VERSION}, found ${d.getUint16(4, true)}`)
  const total = d.getUint32(8, true)
  if (total > bytes.byteLength || total < HEADER_BYTES)
    throw corrupt(`it says ${total} bytes, found ${bytes.byteLength}`)
  const strings = d.getUint32(20, true)
  const [kindBytes, originBytes] = [d.getUint16(56, true), d.getUint16(58, true)]
  if (strings + kindBytes + originBytes > total) throw corrupt('its strings lie outside')
  return {
    kind: text.decode(bytes.subarray(strings, strings + kindBytes)),
    origin: text.decode(bytes.subarray(strings + kindBytes, strings + kindBytes + originBytes)),
    bytes: total,
    rows: d.getUint32(16, true),
    first: d.getFloat64(24, true),
    last: d.getFloat64(32, true),
  }
}

/** As `peekFrame`, of a frame whose checksum holds. */
export function checkFrame(bytes: Uint8Array): ReturnType<typeof peekFrame> {
  const said = peekFrame(bytes)
  const d = new DataView(bytes.buffer, bytes.byteOffset, said.bytes)
  if (d.getUint32(12, true) !== crc32(bytes.subarray(16, said.bytes))) throw corrupt('its checksum does not hold')
  return said
}

/**
 * Reads a frame without copying a column, when `bytes` begins at a multiple of 8 in its buffer; else it is copied once.
 * @throws FRAME_CORRUPT when the bytes are damaged, FRAME_SCHEMA when the kind is unknown or has other columns now
 */
export function decodeFrame(given: Uint8Array, kinds: Readonly<Record<string, Kind>>): Frame {
  const bytes = given.byteOffset % 8 === 0 ? given : new Uint8Array(given)
  const peek = vouched.has(given) ? peekFrame : checkFrame
  const { kind: name, origin, bytes: total, rows, first, last } = peek(bytes)
  const d = new DataView(bytes.buffer, bytes.byteOffset, total)
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
  if (kind === undefined)
    throw new TidegateError('FRAME_SCHEMA', `expected a known kind, found "${name}"`, { kind: name })
  if (!schemaHash(kind).every((byte, i) => bytes[40 + i] === byte))
    throw new TidegateError('FRAME_SCHEMA', `kind "${name}" was written with other columns than it has now`, {
      kind: name,
    })
  const own = columnsOf(kind)
  const count = d.getUint16(6, true)
  const head = count === own.length + outputEnvelope.length ? outputEnvelope : envelope
  if (count !== own.length + head.length) throw corrupt(`expected ${own.length + head.length} columns, found ${count}`)
  const columns = [...head, ...own]
  const views = columns.map((column, c) => {
    const entry = HEADER_BYTES + c * 8
    if (entry + 8 > total) throw corrupt('its column table lies outside')
    const offset = d.getUint32(entry, true)
    if (d.getUint8(entry + 4) !== columnCodes[column.type]) throw corrupt(`column ${column.name} has another type`)
    if (offset % 8 !== 0 || offset + rows * columnBytes[column.type] > total)
      throw corrupt(`column ${column.name} lies outside`)
    return view(column.type, bytes, offset, rows)
  })
  const place = d.getUint32(20, true) + d.getUint16(56, true) + d.getUint16(58, true)
  const keys = wordsOf(bytes.subarray(place, total), d.getUint32(60, true))
  if (keys === undefined) throw corrupt('its dictionary lies outside')
  views.forEach((codes, c) => {
    const { name: column, type, values } = columns[c] as Column
    const known = type === 'dict' ? keys.length : type === 'u8' && values ? values.length : undefined
    if (known !== undefined) checkCodes(codes as Uint8Array | Uint32Array, known, column)
  })
  return {
    kind: name,
    origin,
    rows,
    first,
    last,
    at: views[0] as Float64Array,
    key: views[1] as Uint32Array,
    keys,
    ...(head === outputEnvelope && { ordinal: views[2] as Uint32Array, order: views[3] as Uint32Array }),
    columns: views.slice(head.length),
  }
}
