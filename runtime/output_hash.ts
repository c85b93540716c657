import { createHash, type Hash } from 'node:crypto'
import { columnsOf, isBare } from '../schemas/columns.ts'
import { generate } from '../schemas/generate.ts'
import type { Kind } from '../schemas/kind.ts'
import type { Committed } from './connect.ts'
import { kindsOf, type Plan } from './plan.ts'
import { type Slots, slots } from './state/layout.ts'
import type { Recorder } from './watch.ts'

type Word = (text: string) => number
type Put = (slots: Slots, at: number, value: unknown, word: Word) => number

const SLOTS = 8192
/** Room a row may need; wider ones get a buffer that fits. */
const known = new WeakMap<Kind, { readonly put: Put; readonly width: number }>()

/**
 * What is compared when two runs are said to be equal: of every output, in order, its name (pipeline, edge, key, event
 * time, ordinal) and its fields, bit for bit; a NaN is a NaN. A digest of slots of 8 bytes: number of the edge and its kind, number of
 * the key, time, ordinal, then a slot a field (two where it is money), and at the end the words the numbers stand for.
 */
export class OutputHash {
  rows = 0
  private readonly pipeline: string
  private readonly kinds: Readonly<Record<string, Kind>>
  private readonly hash: Hash = createHash('sha256')
  private readonly words = new Map<string, number>()
  private readonly recorders = new Map<string, Recorder>()
  private buffer = slots(SLOTS)
  private filled = 0

  constructor(plan: Plan) {
    this.pipeline = plan.pipeline
    this.kinds = kindsOf(plan)
  }

  /** Adds the outputs of an edge. */
  recorder(edge: string, kind: Kind): Recorder {
    const { put, width } = writerOf(kind)
    // words are numbered as they come
    let named = -1
    return (key, at, ordinal, value) => {
      this.rows++
      if (this.filled + width > this.buffer.real.length) this.flush(width)
      const { real } = this.buffer
      const start = this.filled
      if (named < 0) named = this.word(`${edge} ${kind.kind}`)
      real[start] = named
      real[start + 1] = this.word(key)
      real[start + 2] = at
      real[start + 3] = ordinal
      this.filled = put(this.buffer, start + 4, value, this.word)
    }
  }
  /** Adds a row as sinks see it. */
  row({ edge, kind, key, at, ordinal, value }: Committed): void {
    let add = this.recorders.get(edge)
    if (add === undefined) {
      add = this.recorder(edge, this.kinds[kind] as Kind)
      this.recorders.set(edge, add)
    }
    add(key, at, ordinal, value, -1)
  }
  digest(): string {
    this.flush(0)
    const words = JSON.stringify([this.pipeline, ...this.words.keys()])
    return this.hash.copy().update(words).digest('hex')
  }

  private readonly word: Word = (text) => {
    let number = this.words.get(text)
    if (number === undefined) {
      number = this.words.size
      this.words.set(text, number)
    }
    return number
  }
  private flush(width: number): void {
    this.hash.update(new Uint8Array(this.buffer.real.buffer, 0, this.filled * 8))
    this.filled = 0
    if (width > this.buffer.real.length) this.buffer = slots(width)
  }
}

function writerOf(kind: Kind): { readonly put: Put; readonly width: number } {
  let writer = known.get(kind)
  if (writer === undefined) {
    const width = columnsOf(kind).reduce((sum, { type }) => sum + (type === 'fixed' ? 2 : 1), 4)
    writer = { put: written(kind) ?? walked(kind), width }
    known.set(kind, writer)
  }
  return writer
}
function written(kind: Kind): Put | undefined {
  let at = 0
  const scope: Record<string, unknown> = {}
  const lines = columnsOf(kind).map(({ name, type, values = [] }) => {
    const [v, place] = [isBare(kind) ? 'v' : `v[${JSON.stringify(name)}]`, `a+${at}`]
    at += type === 'fixed' ? 2 : 1
    if (type === 'fixed') return `W[${place}]=BigInt.asIntN(64,${v});W[a+${at - 1}]=${v}>>64n;`
    if (type === 'dict') return `R[${place}]=word(${v});`
    // V8 does not fix the bits of a NaN
    if (type !== 'u8') return `{const n=${v};R[${place}]=n===n?n:NaN;}`
    return `R[${place}]=${values.map((x, n) => `${v}===${JSON.stringify(x)}?${n}:`).join('')}-1;`
  })
  const body = `const R=x.real,W=x.whole;\n${lines.join('\n')}\nreturn a+${at};`
  return generate<Put>(['x', 'a', 'v', 'word'], body, scope)
}
const walked =
  (kind: Kind): Put =>
  ({ real, whole }, start, message, word) => {
    let at = start
    for (const { name, type, values = [] } of columnsOf(kind)) {
      const v = isBare(kind) ? message : (message as Record<string, unknown>)[name]
      if (type === 'fixed') {
        whole[at] = BigInt.asIntN(64, v as bigint)
        whole[++at] = (v as bigint) >> 64n
      } else if (type === 'dict') real[at] = word(v as string)
      else if (type === 'u8') real[at] = values.indexOf(v as never)
      else real[at] = Number.isNaN(v) ? Number.NaN : (v as number)
      at++
    }
    return at
  }
