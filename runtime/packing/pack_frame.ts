import { HEADER_BYTES } from '../../schemas/frame.ts'
import { columnsIn, type Place } from './frame_columns.ts'
import { DESCRIPTOR_BYTES, methods, type Numbers, partsOf } from './layout.ts'
import { type PackedColumn, packColumn } from './pack_column.ts'

/**
 * What stands behind the header of a frame, packed: the column table, a descriptor per column, the columns, the strings.
 * Undefined when its columns do not lie as the frame writer lays them; such frames are kept as they are.
 */
export function packFrame(frame: Uint8Array): Uint8Array | undefined {
  const places = columnsIn(frame)
  if (places === undefined) return undefined
  const { columns, strings, rows } = places
  const packed = columns.map((column) => numbersIn(frame, column, rows)).map((column) => column && packColumn(column))
  const table = HEADER_BYTES + columns.length * 8
  const descriptors = columns.length * 8
  let end = descriptors + columns.length * DESCRIPTOR_BYTES
  const starts = packed.map((column, c) => {
    const start = end
    end += column === undefined ? (columns[c] as Place).bytes : partsOf(rows, column.jumps.length, column.width).bytes
    return start
  })
  const body = new Uint8Array(end + frame.byteLength - strings)
  const d = new DataView(body.buffer)
  body.set(frame.subarray(HEADER_BYTES, table))
  packed.forEach((column, c) => {
    const start = starts[c] as number
    const { offset, bytes } = columns[c] as Place
    if (column === undefined) body.set(frame.subarray(offset, offset + bytes), start)
    else write(d, descriptors + c * DESCRIPTOR_BYTES, start, column)
  })
  body.set(frame.subarray(strings), end)
  return body
}

function numbersIn(frame: Uint8Array, { offset, type }: Place, rows: number): Numbers | undefined {
  const buffer = frame.buffer as ArrayBuffer
  if (type === 'f64') return new Float64Array(buffer, frame.byteOffset + offset, rows)
  if (type === 'u32' || type === 'dict') return new Uint32Array(buffer, frame.byteOffset + offset, rows)
  return undefined
}

function write(d: DataView<ArrayBuffer>, descriptor: number, start: number, column: PackedColumn): void {
  const { method, width, exponent, base, step, jumps, codes, numbers } = column
  d.setUint8(descriptor, methods.indexOf(method))
  d.setUint8(descriptor + 1, width)
  d.setInt8(descriptor + 2, exponent)
  d.setUint32(descriptor + 4, jumps.length, true)
  d.setFloat64(descriptor + 8, base, true)
  d.setFloat64(descriptor + 16, step, true)
  const parts = partsOf(codes.length, jumps.length, width)
  new Uint32Array(d.buffer, start, jumps.length).set(jumps)
  new Float64Array(d.buffer, start + parts.to, jumps.length).set(jumps.map((row) => numbers[row] as number))
  if (width === 0) return
  const Codes = width === 1 ? Uint8Array : width === 2 ? Uint16Array : Uint32Array
  new Codes(d.buffer, start + parts.codes, codes.length).set(codes)
}
