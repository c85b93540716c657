import type { Catalogue } from '../../runtime/define.ts'
import { type Column, columnsOf, isBare } from '../../schemas/columns.ts'
import type { Kind } from '../../schemas/kind.ts'
import { componentsOf } from './component_card.ts'
import { kindExamples } from './kind_example.ts'
import { inputSchema } from './param_table.ts'
import { readsOf, spokenOf } from './ports.ts'

export interface FieldRow {
  readonly name: string
  readonly type: string
  readonly meaning: string
}
/** Everything there is to say of a kind, as data. */
export interface KindCard {
  readonly kind: string
  readonly summary: string
  /** Every message of it is part of the committed outputs. */
  readonly recorded: boolean
  readonly fields: readonly FieldRow[]
  /** A message as JSON, where some worked example has one. */
  readonly example?: string
  readonly spoken_by: readonly string[]
  readonly read_by: readonly string[]
}

const types: Readonly<Record<Column['type'], string>> = {
  f64: 'number',
  u8: 'one of',
  u32: 'integer',
  dict: 'text',
  fixed: 'money',
}
const words = ({ type, values }: Column): string =>
  values === undefined ? types[type] : values.map(String).join(' | ')

export function kindCard(
  kind: Kind,
  catalogue: Catalogue,
  examples: ReadonlyMap<string, string> = kindExamples(catalogue),
): KindCard {
  const example = examples.get(kind.kind)
  const { properties = {}, description = '' } = inputSchema(kind.schema)
  const components = componentsOf(catalogue)
  return {
    kind: kind.kind,
    summary: kind.summary,
    recorded: kind.recorded,
    fields: columnsOf(kind).map((column) => ({
      name: column.name,
      type: words(column),
      meaning: isBare(kind) ? description || 'the number itself' : (properties[column.name]?.description ?? ''),
    })),
    ...(example !== undefined && { example }),
    spoken_by: components
      .filter((c) => spokenOf(c).some((p) => p.kind === kind.kind && (p.port === '' || c.role !== 'source')))
      .map((c) => c.name),
    read_by: components
      .filter((c) => c.role !== 'source' && readsOf(c).some((p) => p.kind === kind.kind))
      .map((c) => c.name),
  }
}

/** Kinds of the library, and those that only components of the project speak or read. */
export function kindsOf(catalogue: Catalogue, known: Readonly<Record<string, Kind>>): readonly Kind[] {
  const found = new Map(Object.entries(known))
  for (const component of componentsOf(catalogue)) {
    const shapes =
      component.role === 'source'
        ? [component.output]
        : [...Object.values(component.inputs), ...outputs(component.output)]
    for (const kind of shapes) if (!found.has(kind.kind)) found.set(kind.kind, kind)
  }
  return [...found.values()]
}
const outputs = (shape: unknown): readonly Kind[] =>
  typeof (shape as Kind).kind === 'string' ? [shape as Kind] : Object.values(shape as Record<string, Kind>)
