import type { Operator, Sink, Source } from '../../runtime/define.ts'
import { entry } from './yaml_text.ts'

/** Edges as a pipeline would name them, by the kind they carry. */
export const standIns: Readonly<Record<string, string>> = {
  trade: 'trades',
  quote: 'quotes',
  bar: 'bars',
  scalar: 'values',
  macd: 'macd',
  bands: 'bands',
  signal: 'signals',
  order_intent: 'intents',
  approved_order: 'gate.approved',
  refused_order: 'gate.refused',
  order_update: 'execute.order',
  fill: 'execute.fill',
  position: 'account.position',
  equity: 'account.equity',
  gap: 'trades.gap',
}
const edgeFor = (kind: string): string => standIns[kind] ?? `${kind}s`

/** A component as a node of a definition: what it needs is wired, with the params of its example. */
export function exampleNode(component: Source | Operator | Sink): Readonly<Record<string, unknown>> {
  const { example } = component
  const given = Object.keys(example.params ?? {}).length > 0 ? { params: example.params } : {}
  if (component.role === 'source') return { source: component.name, ...given }
  const ports = Object.entries(component.inputs)
  const needed = ports.filter(([port]) => !component.optional.includes(port))
  const wired = needed.length > 0 ? needed : ports.slice(0, 1)
  const [only] = wired
  const from =
    wired.length === 1 && only !== undefined && ports.length > 0 && fits(ports, only[1].kind)
      ? edgeFor(only[1].kind)
      : Object.fromEntries(wired.map(([port, kind]) => [port, edgeFor(kind.kind)]))
  if (component.role === 'sink') return { sink: component.name, from, ...given }
  const looks = Object.entries(component.latest).filter(([port]) => !(port in component.absent))
  const latest =
    looks.length > 0 ? { latest: Object.fromEntries(looks.map(([port, kind]) => [port, edgeFor(kind.kind)])) } : {}
  return { op: component.name, from, ...latest, ...given }
}
const fits = (ports: readonly (readonly [string, { readonly kind: string }])[], kind: string): boolean =>
  ports.filter(([, k]) => k.kind === kind).length === 1

export const exampleYaml = (component: Source | Operator | Sink): string =>
  entry(component.name, exampleNode(component))
