import type { Catalogue, Operator, Sink, Source } from '../../runtime/define.ts'
import { toJson } from '../../runtime/json.ts'
import { transcript } from './drive_lines.ts'
import { exampleYaml } from './example_node.ts'
import { inputSchema, type JsonSchema, type ParamRow, paramRows } from './param_table.ts'
import { habitsOf, type ReadPort, readsOf, type SpokenPort, spokenOf } from './ports.ts'

/** Everything there is to say of a component, as data. */
export interface ComponentCard {
  readonly role: 'source' | 'operator' | 'sink'
  readonly name: string
  readonly version: number
  readonly summary: string
  readonly notes: string
  readonly reads: readonly ReadPort[]
  readonly speaks: readonly SpokenPort[]
  readonly params: readonly ParamRow[]
  readonly params_schema: JsonSchema
  readonly habits: readonly string[]
  /** A node of a definition. */
  readonly example: string
  /** Operators: the worked example as `drive` reads and writes it. */
  readonly drive?: {
    readonly params: string
    readonly lines: readonly { readonly input: string; readonly output: readonly string[] }[]
  }
}

export function cardOf(component: Source | Operator | Sink): ComponentCard {
  const { role, name, version, summary, notes } = component
  return {
    role,
    name,
    version,
    summary,
    notes,
    reads: component.role === 'source' ? [] : readsOf(component),
    speaks: spokenOf(component),
    params: paramRows(component.params),
    params_schema: inputSchema(component.params),
    habits: habitsOfAny(component),
    example: exampleYaml(component),
    ...(component.role === 'operator' && {
      drive: { params: toJson(component.example.params), lines: transcript(component) },
    }),
  }
}
function habitsOfAny(component: Source | Operator | Sink): readonly string[] {
  if (component.role === 'operator') return habitsOf(component)
  if (component.role === 'source')
    return [
      ...(component.open === undefined ? [] : ['has a live feed']),
      ...(component.generate === undefined ? [] : ['makes its own rows from its params']),
      ...(component.open === undefined && component.generate === undefined
        ? ['is bound to recorded data with --bind or --tape']
        : ['can be bound to recorded data of the same kind']),
    ]
  return [
    ...(component.simulate === undefined ? [] : ['is simulated in backtest and paper']),
    component.execute !== undefined
      ? 'trades live: orders are journaled before they are sent, and answers enter the log'
      : component.open === undefined
        ? 'has no live side'
        : 'takes committed rows in order and is idempotent by id',
  ]
}

/** Every component of a catalogue: sources, operators, sinks. */
export const componentsOf = ({ sources, operators, sinks }: Catalogue): readonly (Source | Operator | Sink)[] => [
  ...Object.values(sources),
  ...Object.values(operators),
  ...Object.values(sinks),
]
