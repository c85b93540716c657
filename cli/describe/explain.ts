import type { Catalogue, Operator } from '../../runtime/define.ts'
import type { Plan, PlannedEdge, PlannedNode } from '../../runtime/plan.ts'
import { layoutOf } from '../../runtime/state/layout.ts'
import { componentOf, edgesOf } from '../../runtime/wiring.ts'
import type { NodeSpec, PipelineSpec } from '../../schemas/spec.ts'
import { formatDuration } from '../../schemas/units.ts'

export interface ReadEdge {
  readonly port: string
  readonly edge: string
  readonly kind: string
  readonly how: 'calls' | 'latest' | 'feedback' | 'ambient'
}
export interface ExplainedEdge {
  readonly edge: string
  readonly kind: string
  readonly recorded: boolean
  /** What may be relied on, in words. */
  readonly guarantee: string
}
export interface ExplainedNode {
  readonly id: string
  readonly role: 'source' | 'operator' | 'sink'
  readonly component: string
  readonly version: number
  readonly summary: string
  readonly reads: readonly ReadEdge[]
  readonly speaks: readonly ExplainedEdge[]
  /** Absent for sources and for sinks that are not simulated. */
  readonly state?: State
  readonly lateness?: string
  readonly delivery?: string
}
interface State {
  readonly scope: 'key' | 'pipeline'
  readonly bytes_per_key: number
  /** Held once, whatever the number of keys. */
  readonly bytes: number
  readonly after_gap: string
  readonly timers: readonly string[]
  readonly takes_late_rows: boolean
}
export interface Explained {
  readonly pipeline: string
  readonly summary: string
  readonly hash: string
  readonly run_order: readonly string[]
  readonly tick_level_nodes: number
  readonly state_bytes_per_key: number
  readonly nodes: readonly ExplainedNode[]
}

const SLOT = 8
const afterGap = {
  keep: 'goes on',
  mark: 'marks its state, and says so in its next answer',
  reset: 'starts afresh',
} as const

/** What a plan will do and what may be relied on, node by node in the order of the definition. */
export function explain(spec: PipelineSpec, plan: Plan, catalogue: Catalogue): Explained {
  const nodes = Object.entries(spec.nodes).map(([id, node]) => explainNode(id, node, plan, catalogue))
  return {
    pipeline: plan.pipeline,
    summary: spec.summary ?? '',
    hash: plan.hash,
    run_order: plan.nodes.map((n) => n.id),
    tick_level_nodes: tickLevel(plan).length,
    state_bytes_per_key: nodes.reduce((sum, n) => sum + (n.state?.bytes_per_key ?? 0), 0),
    nodes,
  }
}

/** Nodes that a source's edges call directly: they run for every tick. */
export const tickLevel = (plan: Plan): readonly string[] => {
  const ticks = new Set(plan.sources.map((s) => s.id))
  return plan.nodes
    .filter((n) => Object.values(n.inputs).some((edges) => edges.some((e) => ticks.has(e))))
    .map((n) => n.id)
}

function explainNode(id: string, node: NodeSpec, plan: Plan, catalogue: Catalogue): ExplainedNode {
  const component = componentOf(node, catalogue)
  if (component === undefined) throw new TypeError(`no component for node ${id}`)
  const { role, name, version, summary } = component
  const edges = new Map(plan.edges.map((e) => [e.name, e]))
  const about = { id, role, component: name, version, summary }
  const speaks = edgesOf(id, component).map(([edge]) => guaranteed(edges.get(edge) as PlannedEdge, role, plan))
  if (component.role === 'source') {
    const lateness = plan.sources.find((s) => s.id === id)?.lateness ?? 0
    return { ...about, reads: [], speaks, lateness: formatDuration(lateness) }
  }
  const planned = plan.nodes.find((n) => n.id === id)
  if (planned === undefined) {
    const sink = plan.sinks.find((s) => s.id === id)
    const reads = Object.entries(sink?.inputs ?? {}).map(
      ([port, edge]): ReadEdge => ({ port, edge, kind: edges.get(edge)?.kind.kind ?? '', how: 'calls' }),
    )
    return {
      ...about,
      reads,
      speaks,
      delivery:
        'takes committed rows in order; after a crash it goes on from its own position, and a row sent twice has the same id',
    }
  }
  return {
    ...about,
    reads: readsOf(planned, edges),
    speaks,
    state: stateOf(planned),
    ...(planned.twin && {
      delivery: 'simulated in backtest and paper as a node of the same pass: its answers come back before the next row',
    }),
  }
}

function readsOf(
  { operator, inputs, latest }: PlannedNode,
  edges: ReadonlyMap<string, PlannedEdge>,
): readonly ReadEdge[] {
  const kind = (edge: string) => edges.get(edge)?.kind.kind ?? ''
  const called = Object.entries(inputs).flatMap(([port, names]) =>
    names.map(
      (edge): ReadEdge => ({
        port,
        edge,
        kind: kind(edge),
        how: port in operator.ambient ? 'ambient' : operator.feedback.includes(port) ? 'feedback' : 'calls',
      }),
    ),
  )
  return [
    ...called,
    ...Object.entries(latest).map(([port, edge]): ReadEdge => ({ port, edge, kind: kind(edge), how: 'latest' })),
  ]
}

function stateOf({ operator, params }: PlannedNode): State {
  const own = SLOT * layoutOf(operator.init(params)).width
  const each = operator.each === undefined ? 0 : SLOT * layoutOf(operator.each(params)).width
  const wide = operator.scope === 'pipeline'
  return {
    scope: operator.scope,
    bytes_per_key: wide ? each : own + each,
    bytes: wide ? own : 0,
    after_gap: Object.values(operator.ambient).some((k) => k.kind === 'gap')
      ? 'is told of it on a port of its own'
      : afterGap[operator.on_gap],
    timers: timersOf(operator, params),
    takes_late_rows: operator.late,
  }
}
function timersOf({ timer, alarm, end }: Operator, params: unknown): readonly string[] {
  const closed = timer?.closed?.(params as never) ?? 'left'
  return [
    ...(timer === undefined
      ? []
      : [
          `every ${formatDuration(timer.every(params as never))} of event time, ${closed === 'left' ? 'windows [open, close)' : 'windows (open, close]'}`,
        ]),
    ...(alarm === undefined ? [] : ['alarms at times its state names']),
    ...(end === undefined ? [] : ['once more at the end of a finite input']),
  ]
}

function guaranteed({ name, kind, recorded }: PlannedEdge, role: ExplainedNode['role'], plan: Plan): ExplainedEdge {
  const readers = plan.sinks.filter((s) => Object.values(s.inputs).includes(name)).map((s) => s.id)
  const out =
    readers.length === 0
      ? ''
      : `; then delivered to ${readers.join(', ')} in order, at least once with the same id, so exactly once in effect`
  if (role === 'source') {
    const guarantee = 'logged before the pipeline sees it; read from the log in order, each row once'
    return { edge: name, kind: kind.kind, recorded, guarantee: `${guarantee}${out}` }
  }
  const guarantee = recorded
    ? `committed in one record with the input positions and the state: exactly once${out}`
    : 'not kept: worked out again from the log, the same every time'
  return { edge: name, kind: kind.kind, recorded, guarantee }
}
