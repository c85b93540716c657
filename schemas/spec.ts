import { z } from 'zod'

export const NodeId = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'expected snake_case, such as fast_trend')
export const EdgeName = z.string().regex(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$/, 'expected NODE or NODE.PORT')
const from = z.union([EdgeName, z.record(NodeId, EdgeName)]).describe('one edge, or an edge per port')
const params = z.record(z.string(), z.unknown()).default({})

export const SourceSpec = z.strictObject({ source: z.string(), params })
export const OperatorSpec = z.strictObject({
  op: z.string(),
  from,
  latest: z.record(NodeId, EdgeName).default({}).describe('edges of which only the newest message is read'),
  params,
})
export const SinkSpec = z.strictObject({ sink: z.string(), from, params })

/** The graph as data: what a YAML file holds, what `pipeline()` returns, what a deployment ships. The order of nodes is the drawing order. */
export const PipelineSpec = z.strictObject({
  pipeline: NodeId.describe('name of the pipeline'),
  summary: z.string().optional().describe('what it does, in a sentence'),
  nodes: z.record(NodeId, z.union([SourceSpec, OperatorSpec, SinkSpec])),
})
export type PipelineSpec = z.output<typeof PipelineSpec>
/** What an author may leave out is optional here. */
export type PipelineInput = z.input<typeof PipelineSpec>
export type NodeSpec = PipelineSpec['nodes'][string]
