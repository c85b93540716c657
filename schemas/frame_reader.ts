import { type Column, columnsOf, isBare } from './columns.ts'
import type { ColumnData, Frame } from './frame.ts'
import { generate } from './generate.ts'
import type { Kind } from './kind.ts'

/** Makes the message of a row: a new literal with all fields in one order, so that all rows share one hidden class. */
export type ReadRow = (frame: Frame, row: number) => unknown

const readers = new WeakMap<Kind, ReadRow>()
export function rowReader(kind: Kind): ReadRow {
  let read = readers.get(kind)
  if (read === undefined) {
    read = makeReader(kind)
    readers.set(kind, read)
  }
  return read
}

/** The class of a kind's rows: every message read off columns is one of its objects. */
const makers = new WeakMap<Kind, unknown>()
export function rowMaker(kind: Kind): unknown {
  if (!makers.has(kind)) makers.set(kind, rowOf(columnsOf(kind)))
  return makers.get(kind)
}

function makeReader(kind: Kind): ReadRow {
  const columns = columnsOf(kind)
  const bare = isBare(kind)
  const values = columns.map((column, c) => [`V${c}`, column.values ?? []])
  const cells = columns.map((column, c) => cellOf(column, `C[${c}]`, `V${c}`)).join(',')
  const scope = Object.fromEntries([...values, ['Row', bare ? undefined : rowMaker(kind)]])
  const body = `const C=f.columns;return ${bare ? cells : `new Row(${cells})`}`
  return generate<ReadRow>(['f', 'i'], body, scope) ?? ((frame, row) => slowRow(columns, bare, frame, row))
}

/** The value of a cell as text: `f` is the frame, `i` the row. */
export function cellOf({ type }: Column, column: string, values: string): string {
  if (type === 'f64' || type === 'u32') return `${column}[i]`
  if (type === 'dict') return `f.keys[${column}[i]]`
  if (type === 'fixed') return `(${column}[2*i+1]<<64n)+BigInt.asUintN(64,${column}[2*i])`
  return `${values}[${column}[i]]`
}

/**
 * Makes plain objects of a hidden class that is theirs alone. A literal shares its class with every literal of the same
 * names, and if one of those ever held another type there, doubles of all of them live in boxes of their own.
 */
function rowOf(columns: readonly Column[]): unknown {
  const sets = columns.map(({ name }, c) => `this.${name}=a${c}`).join(';')
  const body = `const R=function(${columns.map((_, c) => `a${c}`).join(',')}){${sets}};R.prototype=Object.prototype;return R`
  return generate<() => unknown>([], body, {})?.()
}

function slowRow(columns: readonly Column[], bare: boolean, frame: Frame, i: number): unknown {
  const cells = columns.map(({ name, type, values }, c) => {
    const data = frame.columns[c] as ColumnData
    if (type === 'dict') return [name, frame.keys[(data as Uint32Array)[i] as number]]
    if (type === 'u8') return [name, values?.[(data as Uint8Array)[i] as number]]
    if (type !== 'fixed') return [name, data[i]]
    const [low, high] = [(data as BigInt64Array)[2 * i] as bigint, (data as BigInt64Array)[2 * i + 1] as bigint]
    return [name, (high << 64n) + BigInt.asUintN(64, low)]
  })
  return bare ? cells[0]?.[1] : Object.fromEntries(cells)
}
