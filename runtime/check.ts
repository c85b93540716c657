import { z } from 'zod'
import { columnsOf } from '../schemas/columns.ts'
import type { Kind } from '../schemas/kind.ts'
import { NodeId, type NodeSpec, OperatorSpec, type PipelineSpec, SinkSpec, SourceSpec } from '../schemas/spec.ts'
import { formatDuration } from '../schemas/units.ts'
import type { Catalogue, Operator, Ports, Sink } from './define.ts'
import { nearest } from './nearest.ts'
import { paramProblems } from './param_problems.ts'
import { type Component, componentOf, edgesOf, named, portFor } from './wiring.ts'

/** What can be wrong with a definition. */
export const problems = {
  SHAPE: 'The document is not a pipeline: a field is missing, misspelt or of the wrong type.',
  COMPONENT_UNKNOWN: 'No component of that name is in the catalogue.',
  PARAM_INVALID: 'A param is missing, misspelt, of the wrong type or out of bounds.',
  EDGE_UNKNOWN: 'No node speaks on that edge.',
  KIND_MISMATCH: 'The edge carries another kind than the port reads.',
  PORT_UNKNOWN: 'The component has no such port.',
  PORT_UNWIRED: 'A port the component needs is not wired.',
  PORT_AMBIGUOUS: 'Several ports read the kind: name the port.',
  CYCLE: 'Nodes feed each other in a circle without a feedback port to break it.',
  LATENESS: 'Rows may come later than the windows of a node stay open.',
} as const
export type ProblemCode = keyof typeof problems
export interface Problem {
  readonly code: ProblemCode
  readonly path: string
  readonly message: string
}
export interface Checked {
  readonly problems: readonly Problem[]
  /** The parsed spec; present when its shape is sound, whatever else is wrong. */
  readonly spec?: PipelineSpec
}

const Outline = z.looseObject({ pipeline: NodeId, nodes: z.record(NodeId, z.looseObject({})) })
const known = ['pipeline', 'summary', 'nodes']

/** Checks a definition of any origin: shape, names, params, the kind on every edge, circles. Reports all it finds. */
export function check(raw: unknown, catalogue: Catalogue): Checked {
  const found: Problem[] = []
  const report = (code: ProblemCode, path: string, message: string) => found.push({ code, path, message })
  const outline = Outline.safeParse(raw)
  if (!outline.success) {
    for (const issue of outline.error.issues) report('SHAPE', issue.path.join('.') || '(top)', issue.message)
    return { problems: found }
  }
  for (const key of Object.keys(outline.data).filter((k) => !known.includes(k))) {
    const near = nearest(key, known)
    report('SHAPE', key, `unrecognised key${near ? `; did you mean "${near}"?` : ''}`)
  }
  const nodes: Record<string, NodeSpec> = {}
  for (const [id, node] of Object.entries(outline.data.nodes)) {
    const schema = 'source' in node ? SourceSpec : 'op' in node ? OperatorSpec : 'sink' in node ? SinkSpec : undefined
    const at = `nodes.${id}`
    if (schema === undefined) {
      report('SHAPE', at, 'expected one of source, op or sink')
      continue
    }
    const parsed = schema.safeParse(node)
    if (parsed.success) nodes[id] = parsed.data
    else for (const issue of parsed.error.issues) report('SHAPE', [at, ...issue.path].join('.'), issue.message)
  }
  const summary = typeof outline.data['summary'] === 'string' ? { summary: outline.data['summary'] } : {}
  const spec: PipelineSpec = { pipeline: outline.data.pipeline, ...summary, nodes }
  if (Object.keys(nodes).length === 0 && found.length === 0) report('SHAPE', 'nodes', 'expected at least one node')
  const edges: Edges = new Map()
  for (const id of Object.keys(outline.data.nodes).filter((id) => !Object.hasOwn(nodes, id))) edges.set(id, undefined)
  for (const [id, node] of Object.entries(nodes)) {
    const component = componentOf(node, catalogue)
    if (component === undefined) {
      edges.set(id, undefined)
      unknownComponent(id, node, catalogue, report)
    } else {
      for (const [edge, kind] of edgesOf(id, component)) edges.set(edge, kind)
      checkParams(id, component, node.params, report)
    }
  }
  for (const [id, node] of Object.entries(nodes)) {
    const component = componentOf(node, catalogue)
    if (component !== undefined && component.role !== 'source' && !('source' in node))
      checkWires(id, node, component, edges, report)
  }
  for (const circle of circles(nodes, catalogue))
    report(
      'CYCLE',
      `nodes.${circle[0]}`,
      `${[...circle, circle[0]].join(' -> ')} feed each other; break the circle at a feedback port`,
    )
  checkTimers(nodes, catalogue, report)
  checkLateness(nodes, catalogue, report)
  return { problems: found, spec }
}

/** What each edge carries; for a node whose component is not known, the node itself, and nothing. */
type Edges = Map<string, Kind | undefined>
type Report = (code: ProblemCode, path: string, message: string) => void

function unknownComponent(id: string, node: NodeSpec, catalogue: Catalogue, report: Report): void {
  const [role, name, table] =
    'source' in node
      ? (['source', node.source, catalogue.sources] as const)
      : 'op' in node
        ? (['op', node.op, catalogue.operators] as const)
        : (['sink', node.sink, catalogue.sinks] as const)
  const near = nearest(name, Object.keys(table))
  report(
    'COMPONENT_UNKNOWN',
    `nodes.${id}.${role}`,
    `nothing named "${name}"${near ? `; did you mean "${near}"?` : ''}`,
  )
}

function checkParams(id: string, component: Component, given: unknown, report: Report): void {
  for (const { path, message } of paramProblems(component, given))
    report('PARAM_INVALID', ['nodes', id, 'params', ...path].join('.'), message)
}

function checkWires(
  id: string,
  node: Exclude<NodeSpec, { source: string }>,
  component: Operator | Sink,
  edges: Edges,
  report: Report,
): void {
  const at = `nodes.${id}`
  const wired = new Set<string>()
  const wire = (path: string, edge: string, ports: Ports, port: string | undefined) => {
    const carried = edges.get(edge)
    if (carried === undefined) {
      const near = nearest(edge, [...edges.keys()])
      const [from = ''] = edge.split('.')
      if (!edges.has(from) || edges.get(from) !== undefined)
        report('EDGE_UNKNOWN', path, `no edge "${edge}"${near ? `; did you mean "${near}"?` : ''}`)
      // one problem is enough: which port was meant is not known, so none is called unwired
      for (const p of port === undefined ? Object.keys(ports) : [port]) wired.add(p)
      return
    }
    if (port === undefined) {
      const reads = Object.entries(ports).map(([p, k]) => `${p}: ${k.kind}`)
      const fitting = Object.values(ports).filter((k) => k.kind === carried.kind).length
      if (fitting > 1)
        report(
          'PORT_AMBIGUOUS',
          path,
          `several ports of ${component.name} read ${carried.kind}; name one of ${reads.join(', ')}`,
        )
      else
        report(
          'KIND_MISMATCH',
          path,
          `"${edge}" carries ${carried.kind}, but ${component.name} reads ${reads.length === 1 ? Object.values(ports)[0]?.kind : reads.join(', ')}`,
        )
      for (const p of Object.keys(ports)) wired.add(p)
      return
    }
    wired.add(port)
    const expected = named(ports, port)
    if (expected === undefined) {
      const near = nearest(port, Object.keys(ports))
      report(
        'PORT_UNKNOWN',
        path,
        `${component.name} has no port "${port}"${near ? `; did you mean "${near}"?` : `; it has ${Object.keys(ports).join(', ') || 'none'}`}`,
      )
    } else if (expected.kind !== carried.kind)
      report(
        'KIND_MISMATCH',
        path,
        `"${edge}" carries ${carried.kind}, but ${component.name}.${port} reads ${expected.kind}`,
      )
  }
  if (typeof node.from === 'string') {
    const carried = edges.get(node.from)
    wire(`${at}.from`, node.from, component.inputs, carried && portFor(component.inputs, carried))
  } else for (const [port, edge] of Object.entries(node.from)) wire(`${at}.from.${port}`, edge, component.inputs, port)
  const inputs = Object.keys(component.inputs)
  const missing = inputs.filter((p) => !wired.has(p) && !component.optional.includes(p))
  if (typeof node.from !== 'string' || wired.size === 1)
    for (const p of missing)
      report(
        'PORT_UNWIRED',
        `${at}.from`,
        `port "${p}" of ${component.name} reads ${component.inputs[p]?.kind} and is not wired`,
      )
  if (inputs.length > 0 && wired.size === 0)
    report('PORT_UNWIRED', `${at}.from`, `expected at least one of ${inputs.join(', ')}`)
  if (component.role !== 'operator' || !('op' in node)) return
  for (const [port, edge] of Object.entries(node.latest)) {
    wire(`${at}.latest.${port}`, edge, component.latest, port)
    const carried = edges.get(edge)
    if (carried !== undefined && columnsOf(carried).some((column) => column.type === 'dict'))
      report(
        'KIND_MISMATCH',
        `${at}.latest.${port}`,
        `"${edge}" carries ${carried.kind}, which has text and cannot be kept for a latest port`,
      )
  }
  for (const p of Object.keys(component.latest))
    if (!(p in node.latest) && !(p in component.absent))
      report(
        'PORT_UNWIRED',
        `${at}.latest`,
        `port "${p}" of ${component.name} looks at ${component.latest[p]?.kind} and is not wired`,
      )
}

/** Which nodes call which, feedback ports left out: what must not run in a circle. */
export function callsOf(
  nodes: Readonly<Record<string, NodeSpec>>,
  catalogue: Catalogue,
): ReadonlyMap<string, readonly string[]> {
  const calls = new Map<string, string[]>(Object.keys(nodes).map((id) => [id, []]))
  for (const [id, node] of Object.entries(nodes)) {
    const component = componentOf(node, catalogue)
    if ('source' in node || component === undefined) continue
    const feedback = component.role === 'operator' ? component.feedback : []
    const ports = typeof node.from === 'string' ? [['', node.from] as const] : Object.entries(node.from)
    for (const [port, edge] of ports) if (!feedback.includes(port)) calls.get(edge.split('.')[0] as string)?.push(id)
  }
  return calls
}
function circles(nodes: Readonly<Record<string, NodeSpec>>, catalogue: Catalogue): readonly (readonly string[])[] {
  const calls = callsOf(nodes, catalogue)
  const done = new Set<string>()
  const found: string[][] = []
  const walk = (id: string, trail: readonly string[]): void => {
    const back = trail.indexOf(id)
    if (back >= 0) found.push(trail.slice(back))
    if (back >= 0 || done.has(id)) return
    for (const next of calls.get(id) ?? []) walk(next, [...trail, id])
    done.add(id)
  }
  for (const id of calls.keys()) walk(id, [])
  return found
}

/** A timer of no period would never be due, and one of a negative period always. */
function checkTimers(nodes: Readonly<Record<string, NodeSpec>>, catalogue: Catalogue, report: Report): void {
  for (const [id, node] of Object.entries(nodes)) {
    const operator = componentOf(node, catalogue)
    if (operator?.role !== 'operator' || operator.timer === undefined) continue
    const own = z.safeParse(operator.params, node.params)
    const every = own.success ? operator.timer.every(operator.prepare(own.data) as never) : 1
    if (!(every > 0))
      report('PARAM_INVALID', `nodes.${id}.params`, `its timer is due every ${every} µs; expected more than 0`)
  }
}
function checkLateness(nodes: Readonly<Record<string, NodeSpec>>, catalogue: Catalogue, report: Report): void {
  const parsed = (component: Component, params: unknown) => z.safeParse(component.params, params)
  for (const [id, node] of Object.entries(nodes)) {
    const source = componentOf(node, catalogue)
    if (source?.role !== 'source') continue
    const params = parsed(source, node.params)
    const lateness = params.success ? source.lateness(params.data as never) : 0
    for (const reader of callsOf(nodes, catalogue).get(id) ?? []) {
      const spec = nodes[reader] as NodeSpec
      const operator = componentOf(spec, catalogue)
      if (operator?.role !== 'operator' || operator.timer === undefined) continue
      const own = parsed(operator, spec.params)
      const every = own.success ? operator.timer.every(operator.prepare(own.data) as never) : Number.POSITIVE_INFINITY
      if (lateness > every)
        report(
          'LATENESS',
          `nodes.${id}.params`,
          `rows may lag ${formatDuration(lateness)}, but "${reader}" closes a window every ${formatDuration(every)}`,
        )
    }
  }
}
