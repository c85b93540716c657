import { HEADER_BYTES } from '../../schemas/frame.ts'
import { columnsIn } from './frame_columns.ts'
import { type Codes, DESCRIPTOR_BYTES, methods, partsOf, type Width } from './layout.ts'
import { unpackColumn } from './unpack_column.ts'

/** Fills a frame whose header is in place with what `packFrame` made of the rest, or says why it cannot. */
export function unpackFrame(frame: Uint8Array, packed: Uint8Array): string | undefined {
  const body = packed.byteOffset % 8 === 0 ? packed : new Uint8Array(packed)
  const places = columnsIn(frame, body, 0)
  if (places === undefined) return 'its column table does not fit its header'
  const { rows, columns, strings } = places
  const buffer = body.buffer as ArrayBuffer
  const descriptors = columns.length * 8
  let start = descriptors + columns.length * DESCRIPTOR_BYTES
  if (start > body.byteLength) return 'its columns are missing'
  const d = new DataView(buffer, body.byteOffset, body.byteLength)
  frame.set(body.subarray(0, descriptors), HEADER_BYTES)
  for (const [c, { type, offset, bytes }] of columns.entries()) {
    const at = descriptors + c * DESCRIPTOR_BYTES
    const method = methods[d.getUint8(at)]
    if (method === undefined) return `column ${c} is packed in an unknown way`
    if (method === 'as_is') {
      if (start + bytes > body.byteLength) return `column ${c} lies outside`
      frame.set(body.subarray(start, start + bytes), offset)
      start += bytes
      continue
    }
    const width = d.getUint8(at + 1)
    const jumps = d.getUint32(at + 4, true)
    if (width > 4 || width === 3 || jumps > rows) return `column ${c} is packed in an unknown way`
    const parts = partsOf(rows, jumps, width as Width)
    if (start + parts.bytes > body.byteLength) return `column ${c} lies outside`
    const place = body.byteOffset + start
    const out = type === 'f64' ? Float64Array : type === 'u32' || type === 'dict' ? Uint32Array : undefined
    if (out === undefined) return `column ${c} of type ${type} cannot be packed`
    unpackColumn(new out(frame.buffer as ArrayBuffer, frame.byteOffset + offset, rows), {
      method,
      exponent: d.getInt8(at + 2),
      base: d.getFloat64(at + 8, true),
      step: d.getFloat64(at + 16, true),
      jumps: new Uint32Array(buffer, place, jumps),
      to: new Float64Array(buffer, place + parts.to, jumps),
      codes: codesAt(buffer, place + parts.codes, rows, width as Width),
    })
    start += parts.bytes
  }
  if (body.byteLength - start !== frame.byteLength - strings) return 'its strings have another length'
  frame.set(body.subarray(start), strings)
  return undefined
}

function codesAt(buffer: ArrayBuffer, at: number, rows: number, width: Width): Codes | undefined {
  if (width === 0) return undefined
  return new (width === 1 ? Uint8Array : width === 2 ? Uint16Array : Uint32Array)(buffer, at, rows)
}
