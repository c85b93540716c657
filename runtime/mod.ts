// What a project imports from `tidegate`: the doors for components and pipelines, by name.

export type {
  Committed,
  Generate,
  OpenedSink,
  OpenSink,
  OpenSource,
  SinkContext,
  SourceContext,
  SourceItem,
} from './connect.ts'
export type {
  Alarm,
  Answer,
  Catalogue,
  Definition,
  Env,
  Example,
  GapPolicy,
  KernelDefinition,
  Many,
  Maybe,
  Node,
  Operator,
  OperatorDefinition,
  Ports,
  ScanDefinition,
  Shape,
  Sink,
  SinkDefinition,
  SinkNode,
  Source,
  SourceDefinition,
  SourceNode,
  State,
  StateValue,
  Timer,
} from './define.ts'
export { defineKernel, defineOperator, defineScan, defineSink, defineSource, listed, many, Ring } from './define.ts'
export type { Kernel, Room } from './kernels.ts'
export type { Pen, SourceStreams, Stream, Streams } from './pipeline.ts'
export { pipeline } from './pipeline.ts'
