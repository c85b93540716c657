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

function makeReader(kind: Kind): ReadRow {
  const columns = columnsOf(kind)
  const bare = isBare(kind)
  const cell = ({ type }: Column, c: number) => {
    if (type === 'f64' || type === 'u32') return `C[${c}][i]`
    if (type === 'dict') return `f.keys[C[${c}][i]]`
    if (type === 'fixed') return `(C[${c}][2*i+1]<<64n)+BigInt.asUintN(64,C[${c}][2*i])`
    return `V${c}[C[${c}][i]]`
  }
  const values = columns.map((column, c) => [`V${c}`, column.values ?? []])
  const cells = columns.map(cell).join(',')
  const scope = Object.fromEntries([...values, ['Row', bare ? undefined : rowOf(columns)]])
  const body = `const C=f.columns;return ${bare ? cells : `new Row(${cells})`}`
  return generate<ReadRow>(['f', 'i'], body, scope) ?? ((frame, row) => slowRow(columns, bare, frame, row))
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
