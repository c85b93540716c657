import { crc32 } from 'node:zlib'
import { type Column, columnBytes, columnCodes, columnsOf, isBare, schemaHash } from './columns.ts'
import { align8, type ColumnData, envelope, FRAME_MAGIC, FRAME_VERSION, HEADER_BYTES, outputEnvelope } from './frame.ts'
import { generate } from './generate.ts'
import type { Kind } from './kind.ts'

const utf8 = new TextEncoder()
const make = (type: Column['type'], rows: number): ColumnData => {
  if (type === 'f64') return new Float64Array(rows)
  if (type === 'u8') return new Uint8Array(rows)
  if (type === 'fixed') return new BigInt64Array(rows * 2)
  return new Uint32Array(rows)
}
type Put = (columns: readonly ColumnData[], row: number, value: unknown, code: (text: string) => number) => void

/** Writes the fields of one message into the columns; generated, because a loop over field names would box every double. */
function putter(kind: Kind): Put {
  const columns = columnsOf(kind)
  const bare = isBare(kind)
  const lines = columns.map(({ name, type, values }, c) => {
    const v = bare ? 'v' : `v.${name}`
    if (type === 'f64' || type === 'u32') return `C[${c}][i]=${v};`
    if (type === 'dict') return `C[${c}][i]=code(${v});`
    if (type === 'fixed') return `C[${c}][2*i]=BigInt.asIntN(64,${v});C[${c}][2*i+1]=${v}>>64n;`
    return `C[${c}][i]=${(values ?? []).map((x, n) => `${v}===${JSON.stringify(x)}?${n}:`).join('')}0;`
  })
  return generate<Put>(['C', 'i', 'v', 'code'], lines.join('\n'), {}) ?? slowPutter(columns, bare)
}
const slowPutter =
  (columns: readonly Column[], bare: boolean): Put =>
  (C, i, message, code) => {
    columns.forEach(({ name, type, values }, c) => {
      const v = bare ? message : (message as Record<string, unknown>)[name]
      const data = C[c] as ColumnData
      if (type === 'fixed') {
        ;(data as BigInt64Array)[2 * i] = BigInt.asIntN(64, v as bigint)
        ;(data as BigInt64Array)[2 * i + 1] = (v as bigint) >> 64n
      } else
        (data as Float64Array)[i] =
          type === 'dict'
            ? code(v as string)
            : type === 'u8'
              ? Math.max(0, (values ?? []).indexOf(v as never))
              : (v as number)
    })
  }

/** Where a growing dictionary starts anew, so that words nobody repeats do not fill every frame. */
const GROWN_BYTES = 2 ** 16

interface WriterOptions {
  readonly capacity?: number
  readonly outputs?: boolean
  /** `growing` keeps the words of earlier frames: once all are seen, every frame has the same dictionary, byte for byte. */
  readonly dictionary?: 'own' | 'growing'
}

/** Collects rows of one kind from one origin and cuts them into frames. Holds its arrays; allocates only when a frame is taken. */
export class FrameWriter {
  rows = 0
  private readonly own: readonly Column[]
  private readonly head: readonly Column[]
  private columns: ColumnData[]
  private at: Float64Array
  private key: Uint32Array
  private ordinal: Uint32Array
  private order: Uint32Array
  private readonly codes = new Map<string, number>()
  private readonly words: Uint8Array[] = []
  private wordBytes = 0
  private readonly put: Put
  private readonly hash: Uint8Array
  private readonly kindName: Uint8Array
  private readonly originName: Uint8Array
  private readonly growing: boolean
  private readonly code = (word: string): number => {
    let code = this.codes.get(word)
    if (code === undefined) {
      code = this.words.length
      const bytes = utf8.encode(word)
      this.codes.set(word, code)
      this.words.push(bytes)
      this.wordBytes += 4 + bytes.length
    }
    return code
  }

  constructor(kind: Kind, origin: string, options: WriterOptions = {}) {
    const capacity = options.capacity ?? 256
    this.own = columnsOf(kind)
    this.head = options.outputs ? outputEnvelope : envelope
    this.columns = this.own.map((c) => make(c.type, capacity))
    this.at = new Float64Array(capacity)
    this.key = new Uint32Array(capacity)
    this.ordinal = new Uint32Array(options.outputs ? capacity : 0)
    this.order = new Uint32Array(options.outputs ? capacity : 0)
    this.growing = options.dictionary === 'growing'
    this.put = putter(kind)
    this.hash = schemaHash(kind)
    this.kindName = utf8.encode(kind.kind)
    this.originName = utf8.encode(origin)
  }

  push(at: number, key: string, value: unknown, ordinal = 0, order = 0): void {
    if (this.rows === this.at.length) this.grow()
    const row = this.rows
    this.at[row] = at
    this.key[row] = this.code(key)
    if (this.head === outputEnvelope) {
      this.ordinal[row] = ordinal
      this.order[row] = order
    }
    this.put(this.columns, row, value, this.code)
    this.rows++
  }

  private grow(): void {
    const double = <A extends ColumnData>(a: A): A => {
      const b = new (a.constructor as new (n: number) => A)(a.length * 2)
      b.set(a as never)
      return b
    }
    this.at = double(this.at)
    this.key = double(this.key)
    this.ordinal = double(this.ordinal)
    this.order = double(this.order)
    this.columns = this.columns.map(double)
  }

  /** The rows so far as one frame, and starts the next.  */
  take(): Uint8Array {
    const { rows } = this
    const table = [...this.head, ...this.own]
    const data: ColumnData[] = [
      ...(this.head === outputEnvelope ? [this.at, this.key, this.ordinal, this.order] : [this.at, this.key]),
      ...this.columns,
    ]
    let end = HEADER_BYTES + table.length * 8
    const offsets = table.map(({ type }) => {
      const offset = align8(end)
      end = offset + rows * columnBytes[type]
      return offset
    })
    const strings = align8(end)
    const total = align8(strings + this.kindName.length + this.originName.length + this.wordBytes)
    const bytes = new Uint8Array(total)
    const d = new DataView(bytes.buffer)
    let first = Number.POSITIVE_INFINITY
    let last = Number.NEGATIVE_INFINITY
    for (let i = 0; i < rows; i++) {
      const at = this.at[i] as number
      if (at < first) first = at
      if (at > last) last = at
    }
    d.setUint32(0, FRAME_MAGIC, true)
    d.setUint16(4, FRAME_VERSION, true)
    d.setUint16(6, table.length, true)
    d.setUint32(8, total, true)
    d.setUint32(16, rows, true)
    d.setUint32(20, strings, true)
    d.setFloat64(24, rows === 0 ? 0 : first, true)
    d.setFloat64(32, rows === 0 ? 0 : last, true)
    bytes.set(this.hash, 40)
    d.setUint16(56, this.kindName.length, true)
    d.setUint16(58, this.originName.length, true)
    d.setUint32(60, this.words.length, true)
    table.forEach(({ type }, c) => {
      const column = data[c] as ColumnData
      const offset = offsets[c] as number
      d.setUint32(HEADER_BYTES + c * 8, offset, true)
      d.setUint8(HEADER_BYTES + c * 8 + 4, columnCodes[type])
      bytes.set(new Uint8Array(column.buffer, column.byteOffset, rows * columnBytes[type]), offset)
    })
    bytes.set(this.kindName, strings)
    bytes.set(this.originName, strings + this.kindName.length)
    let place = strings + this.kindName.length + this.originName.length
    for (const word of this.words) {
      d.setUint32(place, word.length, true)
      bytes.set(word, place + 4)
      place += 4 + word.length
    }
    d.setUint32(12, crc32(bytes.subarray(16)), true)
    this.rows = 0
    if (!this.growing || this.wordBytes > GROWN_BYTES) {
      this.codes.clear()
      this.words.length = 0
      this.wordBytes = 0
    }
    return bytes
  }
}
