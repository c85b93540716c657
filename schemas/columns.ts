import { createHash } from 'node:crypto'
import type { z } from 'zod'
import type { Kind } from './kind.ts'

/** How the values of a field lie in a frame. `fixed` is a signed 128-bit count of 1e-8; `dict` a u32 into the frame's dictionary. */
export type ColumnType = 'f64' | 'u8' | 'u32' | 'dict' | 'fixed'
export interface Column {
  readonly name: string
  readonly type: ColumnType
  /** For u8: what each number stands for. */
  readonly values?: readonly (string | number | boolean)[]
}
export const columnBytes: Readonly<Record<ColumnType, number>> = { f64: 8, u8: 1, u32: 4, dict: 4, fixed: 16 }
/** The codes in a frame's column table. 6 to 9 are kept for i64, bytes32, u256 and utf8. */
export const columnCodes: Readonly<Record<ColumnType, number>> = { f64: 1, u8: 2, u32: 3, dict: 4, fixed: 5 }

interface Def {
  readonly type: string
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>
  readonly options?: readonly z.core.$ZodType[]
  readonly values?: readonly (string | number)[]
  readonly entries?: Readonly<Record<string, string>>
}
const defOf = (schema: z.core.$ZodType): Def => schema._zod.def as unknown as Def

function column(name: string, schema: z.core.$ZodType): Column {
  const def = defOf(schema)
  if (def.type === 'number') return { name, type: 'f64' }
  if (def.type === 'bigint') return { name, type: 'fixed' }
  if (def.type === 'string') return { name, type: 'dict' }
  if (def.type === 'boolean') return { name, type: 'u8', values: [false, true] }
  if (def.type === 'enum') return { name, type: 'u8', values: Object.values(def.entries ?? {}) }
  if (def.type === 'union')
    return { name, type: 'u8', values: (def.options ?? []).flatMap((o) => defOf(o).values ?? []) }
  throw new TypeError(`field ${name}: a ${def.type} has no column type`)
}

const known = new WeakMap<Kind, readonly Column[]>()
/** The columns of a kind, in the order of its fields, read off its schema; a bare number is one column, `value`. */
export function columnsOf(kind: Kind): readonly Column[] {
  let columns = known.get(kind)
  if (columns === undefined) {
    const { shape } = defOf(kind.schema)
    columns = shape
      ? Object.entries(shape).map(([name, schema]) => column(name, schema))
      : [column('value', kind.schema)]
    known.set(kind, columns)
  }
  return columns
}
export const isBare = (kind: Kind): boolean => defOf(kind.schema).shape === undefined
/** What `typeof` says of the messages of a kind. */
export function typeOf(kind: Kind): string {
  const [{ type, values } = { type: 'f64', values: undefined }] = columnsOf(kind)
  if (!isBare(kind)) return 'object'
  if (type === 'u8') return typeof values?.[0]
  return type === 'fixed' ? 'bigint' : type === 'dict' ? 'string' : 'number'
}

/** The schema as text: what the hash is taken of, and what a tape carries for its reader. */
export const schemaText = (kind: Kind): string => JSON.stringify({ kind: kind.kind, columns: columnsOf(kind) })
const hashes = new WeakMap<Kind, Uint8Array>()
/** Eight bytes that name a kind's layout. */
export function schemaHash(kind: Kind): Uint8Array {
  let hash = hashes.get(kind)
  if (hash === undefined) {
    hash = createHash('sha256').update(schemaText(kind)).digest().subarray(0, 8)
    hashes.set(kind, hash)
  }
  return hash
}
