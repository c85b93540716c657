import type { Kind } from '../schemas/kind.ts'
import { FeedEvent, Gap, Invalid } from '../schemas/market.ts'
import type { PipelineInput } from '../schemas/spec.ts'
import { isKind, type Many, type Node, type Ports, type Shape, type SinkNode, type SourceNode } from './define.ts'

// The door for pipelines: a definition drawn in TypeScript. It gives the same spec as the YAML form.

/** A handle on one edge. It carries the kind that flows, and nothing of the graph behind it. */
export interface Stream<K extends Kind = Kind> {
  readonly edge: string
  readonly carries: K
}
type Plain<K> = K extends Many<infer P> ? P : K
export type Streams<O extends Shape> = O extends Kind
  ? Stream<Plain<O> & Kind>
  : { readonly [P in keyof O]: O[P] extends Kind ? Stream<Plain<O[P]> & Kind> : never }
/** A source's rows, and beside them what came too late, where continuity broke, what was kept out and what happened. */
export interface SourceStreams<K extends Kind> extends Stream<K> {
  readonly late: Stream<K>
  readonly gap: Stream<typeof Gap>
  readonly invalid: Stream<typeof Invalid>
  readonly event: Stream<typeof FeedEvent>
}
type From<P extends Ports> = { readonly [N in keyof P]?: Stream<P[N]> }

export interface Pen {
  source<K extends Kind>(id: string, source: SourceNode<K>): SourceStreams<K>
  /** One edge into a component: it goes to the port of its kind. */
  via<I extends Ports, O extends Shape, L extends Ports>(
    id: string,
    from: Stream<NoInfer<I[keyof I]>>,
    node: Node<I, O, L>,
    latest?: From<NoInfer<L>>,
  ): Streams<O>
  /** Several edges into named ports. */
  join<I extends Ports, O extends Shape, L extends Ports>(
    id: string,
    from: From<NoInfer<I>>,
    node: Node<I, O, L>,
    latest?: From<NoInfer<L>>,
  ): Streams<O>
  /** An edge that is drawn later: fills that go back to a gate. */
  later<K extends Kind>(edge: string, carries: K): Stream<K>
  sink<I extends Ports, O extends Ports>(
    id: string,
    from: Stream<NoInfer<I[keyof I]>> | From<NoInfer<I>>,
    sink: SinkNode<I, O>,
  ): Streams<O>
}

/**
 * Draws a pipeline. Node ids are durable: they name the metric, the subject and the state.
 * @throws TypeError when an id is used twice
 */
export function pipeline(name: string, draw: (pen: Pen) => void): PipelineInput {
  const nodes: PipelineInput['nodes'] = {}
  const add = (id: string, node: PipelineInput['nodes'][string]) => {
    if (Object.hasOwn(nodes, id)) throw new TypeError(`pipeline ${name}: node id "${id}" is used twice`)
    nodes[id] = node
  }
  const streams = <O extends Shape>(id: string, output: O): Streams<O> =>
    (isKind(output)
      ? { edge: id, carries: output }
      : Object.fromEntries(
          Object.entries(output).map(([port, carries]) => [port, { edge: `${id}.${port}`, carries }]),
        )) as Streams<O>
  const edges = (from: object): Record<string, string> =>
    Object.fromEntries(Object.entries(from as Record<string, Stream>).map(([port, stream]) => [port, stream.edge]))
  const isStream = (from: object): from is Stream => typeof (from as Stream).edge === 'string' && 'carries' in from
  const operator = (id: string, from: object, { op, params, output }: Node, latest?: object) => {
    const looks = latest === undefined ? {} : { latest: edges(latest) }
    add(id, { op, from: isStream(from) ? from.edge : edges(from), ...looks, params: params as Record<string, unknown> })
    return streams(id, output)
  }
  draw({
    source(id, { source, params, output }) {
      add(id, { source, params: params as Record<string, unknown> })
      const side = <K extends Kind>(port: string, carries: K) => ({ edge: `${id}.${port}`, carries })
      return {
        edge: id,
        carries: output,
        late: side('late', output),
        gap: side('gap', Gap),
        invalid: side('invalid', Invalid),
        event: side('event', FeedEvent),
      }
    },
    via: (id, from, node, latest) => operator(id, from, node, latest) as never,
    join: (id, from, node, latest) => operator(id, from, node, latest) as never,
    later: (edge, carries) => ({ edge, carries }),
    sink(id, from, { sink, params, output }) {
      add(id, { sink, from: isStream(from) ? from.edge : edges(from), params: params as Record<string, unknown> })
      return streams(id, output) as never
    },
  })
  return { pipeline: name, nodes }
}
