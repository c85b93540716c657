import { type ColumnType, columnBytes, columnCodes } from '../../schemas/columns.ts'
import { align8, HEADER_BYTES } from '../../schemas/frame.ts'

export interface Place {
  readonly type: ColumnType
  readonly offset: number
  /** Up to where the next column begins. */
  readonly bytes: number
}
export interface Places {
  readonly rows: number
  readonly columns: readonly Place[]
  /** Where the strings begin. */
  readonly strings: number
}
const types = new Map(Object.entries(columnCodes).map(([type, code]) => [code, type as ColumnType]))

/**
 * Where the columns of a frame lie, by its header and the column table that stands in `table` at `at`. Undefined when
 * they do not lie one behind the other, each at the next multiple of 8, with the strings at the end.
 */
export function columnsIn(frame: Uint8Array, table = frame, at = HEADER_BYTES): Places | undefined {
  const header = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const count = header.getUint16(6, true)
  const rows = header.getUint32(16, true)
  const strings = header.getUint32(20, true)
  if (at + count * 8 > table.byteLength) return undefined
  const entries = new DataView(table.buffer, table.byteOffset + at, count * 8)
  let end = HEADER_BYTES + count * 8
  const columns: Place[] = []
  for (let c = 0; c < count; c++) {
    const type = types.get(entries.getUint8(c * 8 + 4))
    const offset = align8(end)
    if (type === undefined || entries.getUint32(c * 8, true) !== offset) return undefined
    end = offset + rows * columnBytes[type]
    if (end > frame.byteLength) return undefined
    columns.push({ type, offset, bytes: align8(end) - offset })
  }
  return strings === align8(end) && strings <= frame.byteLength ? { rows, columns, strings } : undefined
}
