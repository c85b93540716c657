import type { Catalogue, Operator, Sink, Source } from '../../runtime/define.ts'
import type { Plan } from '../../runtime/plan.ts'
import { componentOf } from '../../runtime/wiring.ts'
import type { PipelineSpec } from '../../schemas/spec.ts'

export type Flow = 'calls' | 'latest' | 'feedback' | 'ambient'
export interface GraphNode {
  readonly id: string
  readonly role: 'source' | 'operator' | 'sink'
  readonly component: string
}
export interface GraphEdge {
  readonly edge: string
  readonly from: string
  readonly to: string
  readonly port: string
  readonly kind: string
  readonly flow: Flow
}
export interface Graph {
  readonly pipeline: string
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
}

/** The picture of a definition as data. Wires that the plan makes by itself are `ambient`. */
export function graphOf(spec: PipelineSpec, plan: Plan, catalogue: Catalogue): Graph {
  const kinds = new Map(plan.edges.map((e) => [e.name, e.kind.kind]))
  const nodes: GraphNode[] = []
  const edges: GraphEdge[] = []
  const origin = (edge: string) => edge.split('.')[0] as string
  const add = (to: string, port: string, edge: string, flow: Flow) =>
    edges.push({ edge, from: origin(edge), to, port, kind: kinds.get(edge) ?? '', flow })
  for (const [id, node] of Object.entries(spec.nodes)) {
    const component = componentOf(node, catalogue) as Source | Operator | Sink
    nodes.push({ id, role: component.role, component: component.name })
    const planned = plan.nodes.find((n) => n.id === id)
    const wires =
      planned?.inputs ??
      Object.fromEntries(
        Object.entries(plan.sinks.find((s) => s.id === id)?.inputs ?? {}).map(([port, edge]) => [port, [edge]]),
      )
    for (const [port, names] of Object.entries(wires)) {
      const ambient = planned !== undefined && port in planned.operator.ambient
      const feedback = planned?.operator.feedback.includes(port) === true
      for (const edge of names) add(id, port, edge, ambient ? 'ambient' : feedback ? 'feedback' : 'calls')
    }
    for (const [port, edge] of Object.entries(planned?.latest ?? {})) add(id, port, edge, 'latest')
  }
  return { pipeline: spec.pipeline, nodes, edges }
}
/** Without the wires nobody drew. */
export const drawn = (graph: Graph): Graph => ({ ...graph, edges: graph.edges.filter((e) => e.flow !== 'ambient') })
