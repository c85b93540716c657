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

/** Words whose bytes are remembered from one dictionary to the next. */
const MOST_KNOWN = 2 ** 15
interface Word {
  readonly text: string
  readonly bytes: Uint8Array
  /** Its place in the dictionary of that number. */
  code: number
  dictionary: number
}

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
  private readonly table: readonly Column[]
  private columns: ColumnData[]
  private at: Float64Array
  private key: Uint32Array
  private ordinal: Uint32Array
  private order: Uint32Array
  private readonly known = new Map<string, Word>()
  /** The words of the dictionary at hand, and its number. */
  private readonly words: Uint8Array[] = []
  private dictionary = 0
  private wordBytes = 0
  private readonly put: Put
  private readonly hash: Uint8Array
  private readonly kindName: Uint8Array
  private readonly originName: Uint8Array
  private readonly growing: boolean
  /** Words by a number that came with them, as long as the same word comes with it. */
  private readonly numbered: (Word | undefined)[] = []
  private readonly code = (text: string): number => this.place(this.word(text))

  constructor(kind: Kind, origin: string, options: WriterOptions = {}) {
    const capacity = options.capacity ?? 256
    this.own = columnsOf(kind)
    this.head = options.outputs ? outputEnvelope : envelope
    this.table = [...this.head, ...this.own]
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

  /** Rows whose keys come with a small number of their own are faster: keys are then not looked up by their text. */
  push(at: number, key: string, value: unknown, ordinal = 0, order = 0, number = -1): void {
    if (this.rows === this.at.length) this.grow()
    const row = this.rows
    this.at[row] = at
    let word = number < 0 ? undefined : this.numbered[number]
    if (word === undefined || word.text !== key) {
      word = this.word(key)
      if (number >= 0) this.numbered[number] = word
    }
    this.key[row] = this.place(word)
    if (this.head === outputEnvelope) {
      this.ordinal[row] = ordinal
      this.order[row] = order
    }
    this.put(this.columns, row, value, this.code)
    this.rows++
  }

  private word(text: string): Word {
    let word = this.known.get(text)
    if (word === undefined) {
      word = { text, bytes: utf8.encode(text), code: 0, dictionary: -1 }
      this.known.set(text, word)
    }
    return word
  }
  /** Where a word stands in the dictionary at hand. */
  private place(word: Word): number {
    if (word.dictionary !== this.dictionary) {
      word.dictionary = this.dictionary
      word.code = this.words.length
      this.words.push(word.bytes)
      this.wordBytes += 4 + word.bytes.length
    }
    return word.code
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

  /** How long the frame of the rows so far is. */
  get byteLength(): number {
    return align8(this.strings() + this.kindName.length + this.originName.length + this.wordBytes)
  }
  /** Where the columns of the frame end, and its strings begin; `place` is told where each column lies. */
  private strings(place?: (column: number, offset: number) => void): number {
    const { table } = this
    let end = HEADER_BYTES + table.length * 8
    for (const [c, { type }] of table.entries()) {
      const offset = align8(end)
      place?.(c, offset)
      end = offset + this.rows * columnBytes[type]
    }
    return align8(end)
  }

  /** The rows so far as one frame, and starts the next. */
  take(): Uint8Array {
    const bytes = new Uint8Array(this.byteLength)
    this.writeTo(bytes)
    return bytes
  }
  /** The same into zeroed bytes of just that length, beginning at a multiple of 8. */
  writeTo(bytes: Uint8Array): void {
    const { rows, table } = this
    const data: readonly ColumnData[] = [
      ...(this.head === outputEnvelope ? [this.at, this.key, this.ordinal, this.order] : [this.at, this.key]),
      ...this.columns,
    ]
    const d = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const strings = this.strings((c, offset) => {
      const [{ type }, column] = [table[c] as Column, data[c] as ColumnData]
      d.setUint32(HEADER_BYTES + c * 8, offset, true)
      d.setUint8(HEADER_BYTES + c * 8 + 4, columnCodes[type])
      bytes.set(new Uint8Array(column.buffer, column.byteOffset, rows * columnBytes[type]), offset)
    })
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
    d.setUint32(8, bytes.byteLength, true)
    d.setUint32(16, rows, true)
    d.setUint32(20, strings, true)
    d.setFloat64(24, rows === 0 ? 0 : first, true)
    d.setFloat64(32, rows === 0 ? 0 : last, true)
    bytes.set(this.hash, 40)
    d.setUint16(56, this.kindName.length, true)
    d.setUint16(58, this.originName.length, true)
    d.setUint32(60, this.words.length, true)
    bytes.set(this.kindName, strings)
    bytes.set(this.originName, strings + this.kindName.length)
    let place = strings + this.kindName.length + this.originName.length
    for (const word of this.words) {
      d.setUint32(place, word.length, true)
      bytes.set(word, place + 4)
      place += 4 + word.length
    }
    d.setUint32(12, crc32(bytes.subarray(16)), true)
    this.begin()
  }
  private begin(): void {
    this.rows = 0
    if (this.growing && this.wordBytes <= GROWN_BYTES) return
    this.dictionary++
    if (this.known.size > MOST_KNOWN) {
      this.known.clear()
      this.numbered.length = 0
    }
    this.words.length = 0
    this.wordBytes = 0
  }
}
