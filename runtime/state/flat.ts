import { type Column, columnsOf, isBare } from '../../schemas/columns.ts'
import { rowMaker } from '../../schemas/frame_reader.ts'
import { generate } from '../../schemas/generate.ts'
import type { Kind } from '../../schemas/kind.ts'
import { rowOf, valuesOf } from '../compile/names.ts'
import { readWide, type Slots, writeWide } from './layout.ts'

const slotsOf = ({ type }: Column): number => (type === 'fixed' ? 2 : 1)

/** The messages of a kind as slots of 8 bytes, one after the other: keeping one allocates nothing. */
export interface Flat {
  /** Slots of a message. */
  readonly width: number
  /** The slots that hold a number as it is, and so may hold a NaN of any bits. */
  readonly numbers: readonly number[]
  /** What is read back is what was written, for all that an author can see. */
  readonly exact: boolean
  put(slots: Slots, at: number, value: unknown): void
  take(slots: Slots, at: number): unknown
  /**
   * The same as text, for programs: statements that write the fields of `v` from slot `a` of `R` (doubles) and `W`
   * (whole numbers) on, and the expression that reads them back. `scope` is what they name besides.
   */
  readonly puts: string
  readonly takes: string
  readonly scope: Readonly<Record<string, unknown>>
}

const known = new WeakMap<Kind, Flat>()
export function flatOf(kind: Kind): Flat {
  const flat = known.get(kind) ?? made(kind)
  known.set(kind, flat)
  return flat
}

function made(kind: Kind): Flat {
  const columns = columnsOf(kind)
  if (columns.some((c) => c.type === 'dict')) throw new TypeError(`kind ${kind.kind} has text and cannot be kept flat`)
  const bare = isBare(kind)
  const scope: Record<string, unknown> = bare ? {} : { [rowOf(kind)]: rowMaker(kind) }
  const [puts, cells, numbers]: [string[], string[], number[]] = [[], [], []]
  let at = 0
  for (const { name, type, values = [] } of columns) {
    const [v, place] = [bare ? 'v' : `v.${name}`, at === 0 ? 'a' : `a+${at}`]
    if (type === 'fixed') {
      puts.push(`W[${place}]=BigInt.asIntN(64,${v});W[a+${at + 1}]=${v}>>64n;`)
      cells.push(`(W[a+${at + 1}]<<64n)+BigInt.asUintN(64,W[${place}])`)
    } else if (type === 'u8') {
      scope[valuesOf(kind, name)] = values
      puts.push(`R[${place}] = ${values.map((x, n) => `${v} === ${JSON.stringify(x)} ? ${n} : `).join('')}0;`)
      cells.push(`${valuesOf(kind, name)}[R[${place}]]`)
    } else {
      numbers.push(at)
      puts.push(`R[${place}] = ${v};`)
      cells.push(`R[${place}]`)
    }
    at += type === 'fixed' ? 2 : 1
  }
  const takes = bare ? (cells[0] as string) : `new ${rowOf(kind)}(${cells.join(', ')})`
  const head = 'const R=X.real,W=X.whole;'
  return {
    width: at,
    numbers,
    exact: !columns.some(({ values }) => values?.some((value) => typeof value === 'number')),
    puts: puts.join(' '),
    takes,
    scope,
    put: generate(['X', 'a', 'v'], head + puts.join('\n'), scope) ?? slowPut(columns, bare),
    take: generate(['X', 'a'], `${head}return ${takes}`, scope) ?? slowTake(columns, bare),
  }
}

const slowPut =
  (columns: readonly Column[], bare: boolean): Flat['put'] =>
  (slots, start, message) => {
    let at = start
    for (const column of columns) {
      const value = bare ? message : (message as Record<string, unknown>)[column.name]
      if (column.type === 'fixed') writeWide(slots, at, value as bigint)
      else if (column.type !== 'u8') slots.real[at] = value as number
      else slots.real[at] = Math.max(0, (column.values ?? []).indexOf(value as never))
      at += slotsOf(column)
    }
  }
const slowTake =
  (columns: readonly Column[], bare: boolean): Flat['take'] =>
  (slots, start) => {
    let at = start
    const fields = columns.map((column) => {
      const place = at
      at += slotsOf(column)
      if (column.type === 'fixed') return [column.name, readWide(slots, place)] as const
      const number = slots.real[place] as number
      return [column.name, column.type === 'u8' ? column.values?.[number] : number] as const
    })
    return bare ? fields[0]?.[1] : Object.fromEntries(fields)
  }
