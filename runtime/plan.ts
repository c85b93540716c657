import { createHash } from 'node:crypto'
import { z } from 'zod'
import { TidegateError } from '../schemas/errors.ts'
import type { Kind } from '../schemas/kind.ts'
import { kinds } from '../schemas/kinds.ts'
import type { NodeSpec, PipelineSpec } from '../schemas/spec.ts'
import { callsOf, check } from './check.ts'
import type { Catalogue, Operator, Sink, Source } from './define.ts'
import { componentOf, edgesOf, portFor } from './wiring.ts'

export type Mode = 'backtest' | 'paper' | 'live'

export interface PlannedSource {
  readonly id: string
  readonly component: Source
  readonly params: unknown
  /** µs a row may lag behind the newest. */
  readonly lateness: number
  /** Answers of an execution sink: they come when they come, and say nothing of time. */
  readonly passive?: boolean
}
/** A node of the pass: an operator, or the simulated twin of an execution sink. */
export interface PlannedNode {
  readonly id: string
  readonly operator: Operator
  /** What `prepare` made of the params. */
  readonly params: unknown
  readonly twin: boolean
  /** port -> edges that call it. Ambient ports may have several. */
  readonly inputs: Readonly<Record<string, readonly string[]>>
  /** port -> edge. */
  readonly latest: Readonly<Record<string, string>>
}
/** A sink that takes committed rows. */
export interface PlannedSink {
  readonly id: string
  readonly component: Sink
  readonly params: unknown
  readonly inputs: Readonly<Record<string, string>>
}
export interface PlannedEdge {
  readonly name: string
  readonly kind: Kind
  /** Part of the committed outputs. */
  readonly recorded: boolean
}
/** A definition with everything decided: defaults frozen, ports wired, nodes in the order they run. */
export interface Plan {
  readonly pipeline: string
  readonly mode: Mode
  /** Hash of the resolved spec and the versions of its components; the same in every mode. */
  readonly hash: string
  readonly resolved: unknown
  readonly sources: readonly PlannedSource[]
  readonly nodes: readonly PlannedNode[]
  readonly sinks: readonly PlannedSink[]
  /** Execution sinks where they trade. What they answer is a source of its own for each of their ports. */
  readonly executors: readonly PlannedSink[]
  readonly edges: readonly PlannedEdge[]
}

/**
 * Resolves a definition for a mode.
 * @throws DEFINITION_INVALID with every problem in `info.problems`; LIVE_REFUSED when a sink has no live side
 */
export function plan(raw: unknown, catalogue: Catalogue, mode: Mode = 'backtest'): Plan {
  const { problems, spec } = check(raw, catalogue)
  if (problems.length > 0 || spec === undefined) {
    const lines = problems.map(({ path, message }) => `${path}: ${message}`)
    throw new TidegateError(
      'DEFINITION_INVALID',
      `the definition has ${problems.length} problem${problems.length === 1 ? '' : 's'}\n${lines.join('\n')}`,
      { problems },
    )
  }
  const nodes = Object.entries(spec.nodes)
  const resolved = nodes.map(([id, node]) => resolve(id, node, catalogue))
  const kinds = new Map(resolved.flatMap(({ id, component }) => edgesOf(id, component)))
  const sources: PlannedSource[] = []
  const operators: PlannedNode[] = []
  const twins: PlannedNode[] = []
  const sinks: PlannedSink[] = []
  const executors: PlannedSink[] = []
  for (const { id, node, component, params } of resolved) {
    if (component.role === 'source')
      sources.push({ id, component, params, lateness: component.lateness(params as never) })
    else if (component.role === 'operator') operators.push(planned(id, node, component, params, kinds, false))
    else if (component.simulate !== undefined && mode !== 'live')
      twins.push(planned(id, node, component.simulate, params, kinds, true))
    else if (component.execute !== undefined) {
      executors.push({ id, component, params, inputs: wiresOf(node, component.inputs, kinds) })
      sources.push(...answering(id, component))
    } else if (component.open === undefined)
      throw new TidegateError(
        'LIVE_REFUSED',
        `node "${id}": ${component.name} only simulates and has no live side; it runs in backtest and paper`,
        { node: id },
      )
    else sinks.push({ id, component, params, inputs: wiresOf(node, component.inputs, kinds) })
  }
  // Twins stand first: for each row the venue matches before the strategy sees it.
  const order = runOrder(spec.nodes, catalogue)
  operators.sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id))
  const ordered = [...twins, ...operators].map((n) => ({
    ...n,
    inputs: { ...n.inputs, ...ambient(n.operator, sources) },
  }))
  const read = new Set([...sinks, ...executors].flatMap((s) => Object.values(s.inputs)))
  const edges = [...kinds].map(([name, kind]) => ({ name, kind, recorded: kind.recorded || read.has(name) }))
  // the engine knows sources by the edges every source has
  for (const { id, component } of sources.filter((s) => s.passive === true))
    for (const [name, kind] of edgesOf(id, component)) if (!kinds.has(name)) edges.push({ name, kind, recorded: false })
  const document = canonical({
    pipeline: spec.pipeline,
    nodes: resolved.map(({ id, node, component, params }) => ({
      id,
      role: component.role,
      name: component.name,
      version: component.version,
      // the twin has a version of its own: it decides the fills of backtest and paper
      ...(component.role === 'sink' && { twin: component.simulate?.version }),
      params,
      ...wiring(node, component, kinds),
    })),
  })
  const hash = createHash('sha256').update(JSON.stringify(document)).digest('hex')
  return { pipeline: spec.pipeline, mode, hash, resolved: document, sources, nodes: ordered, sinks, executors, edges }
}

/** The ports of an execution sink that trades: their rows come from outside, so they enter through the log. */
const answering = (id: string, { name, version, summary, output }: Sink): PlannedSource[] =>
  Object.entries(output).map(([port, kind]) => {
    const nothing = { notes: '', params: z.unknown(), lateness: () => 0, open: undefined, generate: undefined }
    const component: Source = {
      ...nothing,
      ...{ role: 'source', name: `${name}.${port}`, version, summary, output: kind, example: { params: {} } },
    }
    return { id: `${id}.${port}`, component, params: {}, lateness: 0, passive: true }
  })

type Resolved = { id: string; node: NodeSpec; component: Source | Operator | Sink; params: unknown }
function resolve(id: string, node: NodeSpec, catalogue: Catalogue): Resolved {
  const component = componentOf(node, catalogue) as Resolved['component']
  return { id, node, component, params: deepFreeze(z.parse(component.params, node.params)) }
}

function planned(
  id: string,
  node: NodeSpec,
  operator: Operator,
  params: unknown,
  kinds: ReadonlyMap<string, Kind>,
  twin: boolean,
): PlannedNode {
  const wires = wiresOf(node, operator.inputs, kinds)
  const inputs = Object.fromEntries(Object.entries(wires).map(([port, edge]) => [port, [edge]]))
  return {
    id,
    operator,
    params: deepFreeze(operator.prepare(params)),
    twin,
    inputs,
    latest: 'op' in node ? node.latest : {},
  }
}

/** port -> edge; `from: edge` goes to the one port of its kind. */
function wiresOf(node: NodeSpec, inputs: Operator['inputs'], kinds: ReadonlyMap<string, Kind>): Record<string, string> {
  if ('source' in node) return {}
  if (typeof node.from !== 'string') return node.from
  return { [portFor(inputs, kinds.get(node.from) as Kind) as string]: node.from }
}
const wiring = (node: NodeSpec, component: Resolved['component'], kinds: ReadonlyMap<string, Kind>) =>
  component.role === 'source'
    ? {}
    : { from: wiresOf(node, component.inputs, kinds), ...('op' in node && { latest: node.latest }) }

function ambient(operator: Operator, sources: readonly PlannedSource[]): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(operator.ambient).map(([port, kind]) => [
      port,
      sources.flatMap((s) =>
        (s.passive === true ? [] : edgesOf(s.id, s.component))
          .filter(([edge, carries]) => carries.kind === kind.kind && edge !== `${s.id}.late`)
          .map(([edge]) => edge),
      ),
    ]),
  )
}

/** Callers before the called, otherwise as drawn. */
function runOrder(nodes: PipelineSpec['nodes'], catalogue: Catalogue): readonly string[] {
  const calls = callsOf(nodes, catalogue)
  const waits = new Map(Object.keys(nodes).map((id) => [id, 0]))
  for (const called of calls.values()) for (const id of called) waits.set(id, (waits.get(id) ?? 0) + 1)
  const order: string[] = []
  const rest = new Set(Object.keys(nodes))
  while (rest.size > 0) {
    const next = [...rest].find((id) => (waits.get(id) ?? 0) <= 0) as string
    rest.delete(next)
    order.push(next)
    for (const id of calls.get(next) ?? []) waits.set(id, (waits.get(id) ?? 0) - 1)
  }
  return order
}

/** Every kind the frames of a plan may hold, by name: those of its edges, and all that are built in. */
export const kindsOf = (plan: Plan): Readonly<Record<string, Kind>> => ({
  ...kinds,
  ...Object.fromEntries(plan.edges.map(({ kind }) => [kind.kind, kind])),
})

/** The same value for the same meaning: object keys sorted, node order kept. */
export function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, canonical(v)]),
  )
}

/** Params are shared by everything that runs: nobody writes to them. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const v of Object.values(value)) deepFreeze(v)
  }
  return value
}
