import type { Kind } from '../schemas/kind.ts'
import { FeedEvent, Gap, Invalid } from '../schemas/market.ts'
import type { NodeSpec } from '../schemas/spec.ts'
import { type Catalogue, isKind, type Operator, type Ports, type Shape, type Sink, type Source } from './define.ts'

export type Component = Source | Operator | Sink

/** The component a node names, or undefined. */
export function componentOf(node: NodeSpec, catalogue: Catalogue): Component | undefined {
  if ('source' in node) return named(catalogue.sources, node.source)
  if ('op' in node) return named(catalogue.operators, node.op)
  return named(catalogue.sinks, node.sink)
}
/** The entry a user names: what every object inherits, such as `constructor`, is none. */
export const named = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined

/** The edges a node speaks on, and what they carry. A source also gives its late rows, its gaps, what it kept out and what it lived through. */
export function edgesOf(id: string, component: Component): readonly (readonly [edge: string, kind: Kind])[] {
  if (component.role === 'source')
    return [
      [id, component.output],
      [`${id}.late`, component.output],
      [`${id}.gap`, Gap],
      [`${id}.invalid`, Invalid],
      [`${id}.event`, FeedEvent],
    ]
  return outletsOf(id, component.output)
}
const outletsOf = (id: string, output: Shape): readonly (readonly [string, Kind])[] =>
  isKind(output) ? [[id, output]] : Object.entries(output).map(([port, kind]) => [`${id}.${port}`, kind] as const)

/** `from: edge` means the one port that reads the kind the edge carries; several or none is undefined. */
export function portFor(inputs: Ports, carried: Kind): string | undefined {
  const fitting = Object.entries(inputs).filter(([, kind]) => kind.kind === carried.kind)
  return fitting.length === 1 ? fitting[0]?.[0] : undefined
}
