import { crc32 } from 'node:zlib'
import { type Column, columnBytes, columnCodes, columnsOf, schemaHash } from './columns.ts'
import { wordIn, wordsOf } from './dictionary.ts'
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

const over = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

interface Said {
  readonly kind: string
  readonly origin: string
  readonly bytes: number
  readonly rows: number
  /** The oldest and the newest event time. */
  readonly first: number
  readonly last: number
}

/** What a frame says of itself, without its columns: kind, origin and length. Throws FRAME_CORRUPT. */
export function peekFrame(bytes: Uint8Array, d = over(bytes)): Said {
  if (bytes.byteLength < HEADER_BYTES)
    throw corrupt(`expected at least ${HEADER_BYTES} bytes, found ${bytes.byteLength}`)
  if (d.getUint32(0, true) !== FRAME_MAGIC) throw corrupt('it does not begin with TGF1')
  if (d.getUint16(4, true) !== FRAME_VERSION)
    throw new TidegateError('FRAME_SCHEMA', `expected frame version ${FRAME_VERSION}, found ${d.getUint16(4, true)}`)
  const total = d.getUint32(8, true)
  if (total > bytes.byteLength || total < HEADER_BYTES)
    throw corrupt(`it says ${total} bytes, found ${bytes.byteLength}`)
  const kind = d.getUint32(20, true)
  const origin = kind + d.getUint16(56, true)
  const end = origin + d.getUint16(58, true)
  if (end > total) throw corrupt('its strings lie outside')
  return {
    kind: wordIn(d, bytes, kind, origin),
    origin: wordIn(d, bytes, origin, end),
    bytes: total,
    rows: d.getUint32(16, true),
    first: d.getFloat64(24, true),
    last: d.getFloat64(32, true),
  }
}

/** As `peekFrame`, of a frame whose checksum holds. */
export function checkFrame(bytes: Uint8Array, d = over(bytes)): Said {
  const said = peekFrame(bytes, d)
  if (d.getUint32(12, true) !== crc32(bytes.subarray(16, said.bytes))) throw corrupt('its checksum does not hold')
  return said
}

/** What the frames of a kind must be: its hash, its own columns with those of a frame before them. */
interface Table {
  readonly hash: Uint8Array
  readonly plain: readonly Column[]
  readonly outputs: readonly Column[]
}
const tables = new WeakMap<Kind, Table>()
function tableOf(kind: Kind): Table {
  let table = tables.get(kind)
  if (table === undefined) {
    const own = columnsOf(kind)
    table = { hash: schemaHash(kind), plain: [...envelope, ...own], outputs: [...outputEnvelope, ...own] }
    tables.set(kind, table)
  }
  return table
}
function isHashAt(hash: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < hash.length; i++) if (bytes[at + i] !== hash[i]) return false
  return true
}

/**
 * Reads a frame without copying a column, when `bytes` begins at a multiple of 8 in its buffer; else it is copied once.
 * @throws FRAME_CORRUPT when the bytes are damaged, FRAME_SCHEMA when the kind is unknown or has other columns now
 */
export function decodeFrame(given: Uint8Array, kinds: Readonly<Record<string, Kind>>): Frame {
  const bytes = given.byteOffset % 8 === 0 ? given : new Uint8Array(given)
  const d = over(bytes)
  const peek = vouched.has(given) ? peekFrame : checkFrame
  const { kind: name, origin, bytes: total, rows, first, last } = peek(bytes, d)
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
  if (kind === undefined)
    throw new TidegateError('FRAME_SCHEMA', `expected a known kind, found "${name}"`, { kind: name })
  const { hash, plain, outputs } = tableOf(kind)
  if (!isHashAt(hash, bytes, 40))
    throw new TidegateError('FRAME_SCHEMA', `kind "${name}" was written with other columns than it has now`, {
      kind: name,
    })
  const count = d.getUint16(6, true)
  const table = count === outputs.length ? outputs : plain
  if (count !== table.length) throw corrupt(`expected ${table.length} columns, found ${count}`)
  const views: ColumnData[] = []
  for (let c = 0; c < count; c++) {
    const { name: column, type } = table[c] as Column
    const entry = HEADER_BYTES + c * 8
    if (entry + 8 > total) throw corrupt('its column table lies outside')
    const offset = d.getUint32(entry, true)
    if (d.getUint8(entry + 4) !== columnCodes[type]) throw corrupt(`column ${column} has another type`)
    if (offset % 8 !== 0 || offset + rows * columnBytes[type] > total) throw corrupt(`column ${column} lies outside`)
    views.push(view(type, bytes, offset, rows))
  }
  const place = d.getUint32(20, true) + d.getUint16(56, true) + d.getUint16(58, true)
  const keys = wordsOf(d, bytes, place, total, d.getUint32(60, true))
  if (keys === undefined) throw corrupt('its dictionary lies outside')
  for (let c = 0; c < count; c++) {
    const { name: column, type, values } = table[c] as Column
    if (type === 'dict') checkCodes(views[c] as Uint32Array, keys.length, column)
    else if (type === 'u8' && values !== undefined) checkCodes(views[c] as Uint8Array, values.length, column)
  }
  const at = views[0] as Float64Array
  const key = views[1] as Uint32Array
  if (table === plain) return { kind: name, origin, rows, first, last, at, key, keys, columns: views.slice(2) }
  const [ordinal, order] = [views[2] as Uint32Array, views[3] as Uint32Array]
  return { kind: name, origin, rows, first, last, at, key, keys, ordinal, order, columns: views.slice(4) }
}
