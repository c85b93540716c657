import type { z } from 'zod'
import { columnsOf } from '../schemas/columns.ts'
import { type Kind, type Of, SNAKE_CASE } from '../schemas/kind.ts'
import type { Sample } from '../schemas/samples.ts'
import { pause } from './clock.ts'
import type { Generate, OpenExecutor, OpenSink, OpenSource } from './connect.ts'
import { isFields } from './fields.ts'
import type { Kernel } from './kernels.ts'
import { WriterLock } from './log/writer_lock.ts'
import { nearest } from './nearest.ts'
import {
  answered,
  endpointParams,
  endpointsOf,
  failed,
  limited,
  patience,
  score,
  unknownHealth,
} from './rpc/endpoints.ts'
import { post } from './rpc/http_post.ts'
import { HttpRpc, isRubbish, RpcFailure, request, resultOf } from './rpc/http_rpc.ts'
import { Ring } from './state/ring.ts'

export type { Clock } from './clock.ts'
export type {
  Committed,
  ExecutorAnswer,
  ExecutorContext,
  OpenedExecutor,
  OpenedSink,
  SinkContext,
  SourceContext,
  SourceItem,
} from './connect.ts'
export type { Fields } from './fields.ts'
export type { Endpoint, Health } from './rpc/endpoints.ts'
export type { RpcReason } from './rpc/http_rpc.ts'
export type { Loss, Question, Reply, Wire, WireEvent } from './wire/wire.ts'
export {
  answered,
  endpointParams,
  endpointsOf,
  failed,
  HttpRpc,
  isFields,
  isRubbish,
  limited,
  nearest,
  patience,
  pause,
  post,
  Ring,
  RpcFailure,
  request,
  resultOf,
  score,
  unknownHealth,
  WriterLock,
}

// The door for components: everything an operator, source or sink says of itself goes through here.

// ---- ports ------------------------------------------------------------------------------------

export interface Ports {
  readonly [port: string]: Kind
}
/** An output whose handler answers with an array: its messages leave one after the other, each run to its end. */
export type Many<K extends Kind = Kind> = K & { readonly many: true }
export const many = <K extends Kind>(kind: K): Many<K> => ({ ...kind, many: true })
export const isMany = (kind: Kind): kind is Many => (kind as Partial<Many>).many === true

/** What a component writes: one kind, or several named ones. */
export type Shape = Kind | Ports
export const isKind = (shape: Shape): shape is Kind => typeof (shape as Kind).kind === 'string'
export type Values<P extends Ports> = { readonly [N in keyof P]: Of<P[N]> }

type Says<K> = K extends { readonly many: true } ? readonly Of<K>[] : Of<K>
/** What a handler answers. One output: the message itself. Several: an object naming the ports that speak. */
export type Answer<O extends Shape> = O extends Kind ? Says<O> : { readonly [P in keyof O]?: Says<O[P]> }
/** Answers that may also be silence. */
export type Maybe<O extends Shape> = Answer<O> | undefined

// ---- what a handler may look at -----------------------------------------------------------------

/** The same object every time: read it, do not keep it. */
export interface Env<C, L extends Ports = {}, E = {}> {
  readonly params: C
  /** The newest message of each `latest` port, for this key. A handler is not called before all have spoken. */
  readonly latest: Values<L>
  /** Event time, µs: of the message, the timer or the alarm. The only clock there is. */
  readonly at: number
  /** The instrument the message belongs to. */
  readonly key: string
  /** Operators of scope `pipeline`: the part of the state that belongs to `key`. */
  readonly each: E
  /** The parts of all keys, in the order the keys were first seen. Only the part in `each` may be written: it is the one that is saved. */
  readonly all: readonly Readonly<E>[]
}

/** Values a state may hold. Never null, Date, Map or closures: they cannot be saved flat, and cost an allocation per write. */
export type StateValue = number | boolean | bigint | Ring | { [name: string]: StateValue }
export interface State {
  [name: string]: StateValue
}

type Handler<K extends Kind, O, C, L extends Ports, S, E, X = {}> = (
  state: S,
  message: Of<K>,
  env: Env<C, L, E> & X,
) => O

/** Calls on the event-time grid, for every key that has been seen. */
export interface Timer<O extends Shape, C, S, L extends Ports, E> {
  /** µs between calls. */
  readonly every: (params: C) => number
  /** `left`: windows [open, close), the call comes when the watermark reaches a boundary. `right`: (open, close], when it has passed it. */
  readonly closed?: (params: C) => 'left' | 'right'
  /**
   * A call would say nothing and leave the state as it is. Then none comes before the next message for the key: of many
   * keys most have nothing to close, and each look costs. Of scope `pipeline` it is not asked.
   */
  readonly idle?: (state: S) => boolean
  readonly fire: (state: S, at: number, env: Env<C, L, E>) => Maybe<O>
}
/** A one-shot timer: the state says when. `Infinity` means never; the call comes when the watermark reaches the time. */
export interface Alarm<O extends Shape, C, S, L extends Ports, E> {
  readonly at: (state: S) => number
  readonly fire: (state: S, at: number, env: Env<C, L, E>) => Maybe<O>
}

// ---- definitions --------------------------------------------------------------------------------

export type GapPolicy = 'keep' | 'mark' | 'reset'
/** A worked example: params, messages in, answers out. It is the documentation and the first test. */
export interface Example<PIn, O> {
  readonly params: PIn
  readonly input: readonly Sample[]
  readonly output: readonly O[]
}

interface Common<O extends Shape, L extends Ports, PIn, P, C, S> {
  /** snake_case: the name in YAML, of the file, of the docs page and of the metric. */
  readonly name: string
  /** Part of the plan hash: raise it whenever answers change. */
  readonly version: number
  /** One sentence for a dictionary. */
  readonly summary: string
  /** More words for the docs page: formula, conventions, source. */
  readonly notes?: string
  readonly output: O
  /** Ports that never call the operator; only their newest message is read. */
  readonly latest?: L
  /** What a `latest` port reads before it has spoken. Without it the operator waits. */
  readonly before?: Partial<Values<L>>
  /** What a `latest` port reads when it is not wired. Without it the port must be wired. */
  readonly absent?: Partial<Values<L>>
  readonly params: z.core.$ZodType<P, PIn>
  /** Worked out once from the params, so that a step does no set-up arithmetic. */
  readonly prepare?: (params: P) => C
  readonly init?: (params: NoInfer<C>) => S
  /** After a gap of the feed: go on (`keep`, the default), have `gapped: true` set in the state (`mark`), or start afresh (`reset`). */
  readonly on_gap?: GapPolicy
}

/** One message in, exactly one answer. */
export interface ScanDefinition<I extends Kind, O extends Kind, L extends Ports, PIn, P, C, S>
  extends Common<O, L, PIn, P, C, S> {
  readonly input: I
  readonly step: Handler<NoInfer<I>, Of<NoInfer<O>>, NoInfer<C>, NoInfer<L>, NoInfer<S>, {}>
  readonly example: Example<NoInfer<PIn>, Of<NoInfer<O>>>
}

/** The general form: several ports, timers, silence. */
export interface OperatorDefinition<
  I extends Ports,
  A extends Ports,
  O extends Shape,
  L extends Ports,
  PIn,
  P,
  C,
  S,
  E,
  N extends keyof I & string,
> extends Common<O, L, PIn, P, C, S> {
  readonly input: I
  /** Ports the plan wires by itself to every source that carries the kind. */
  readonly ambient?: A
  /** Input ports that need not be wired. At least one must be. */
  readonly optional?: readonly (keyof I & string)[]
  /** Ports that close a loop, such as fills to a gate: their handlers never answer. */
  readonly feedback?: readonly (keyof I & string)[]
  /** Ports that hear nothing old: a message is left out where one of them has heard of a later time for the key. A gap changes nothing of that. */
  readonly in_order?: readonly (keyof NoInfer<I & A> & string)[]
  /** Ports whose handlers find `ordinal` beside `at` and `key`: which message of its edge, key and time this one is; the name of an order. */
  readonly numbered?: readonly N[]
  readonly on: {
    readonly [Port in keyof NoInfer<I & A>]: Handler<
      NoInfer<I & A>[Port],
      Maybe<NoInfer<O>> | void,
      NoInfer<C>,
      NoInfer<L>,
      NoInfer<S>,
      NoInfer<E>,
      Port extends NoInfer<N> ? { readonly ordinal: number } : {}
    >
  }
  readonly timer?: Timer<NoInfer<O>, NoInfer<C>, NoInfer<S>, NoInfer<L>, NoInfer<E>>
  readonly alarm?: Alarm<NoInfer<O>, NoInfer<C>, NoInfer<S>, NoInfer<L>, NoInfer<E>>
  /** Whether an answer is none yet: an average that is not full, an empty window. Asked of every answer; it only reads. */
  readonly silent?: (state: NoInfer<S>, answer: Answer<NoInfer<O>>, params: NoInfer<C>) => boolean
  /** Called once per key when a finite input ends. */
  readonly end?: (state: NoInfer<S>, env: Env<NoInfer<C>, NoInfer<L>, NoInfer<E>>) => Maybe<NoInfer<O>>
  /** `pipeline`: one state for all keys, with a part per key in `each`. */
  readonly scope?: 'key' | 'pipeline'
  readonly each?: (params: NoInfer<C>) => E
  /** Rows that came after the watermark also reach the operator. */
  readonly late?: boolean
  readonly example: Example<NoInfer<PIn>, Answer<NoInfer<O>>>
}

// ---- what the engine sees, whatever helper was used -----------------------------------------------

export interface Operator {
  readonly role: 'operator'
  readonly name: string
  readonly version: number
  readonly summary: string
  readonly notes: string
  readonly inputs: Ports
  readonly ambient: Ports
  readonly optional: readonly string[]
  readonly feedback: readonly string[]
  readonly in_order: readonly string[]
  readonly numbered: readonly string[]
  readonly latest: Ports
  readonly before: Readonly<Record<string, unknown>>
  readonly absent: Readonly<Record<string, unknown>>
  readonly output: Shape
  readonly params: z.core.$ZodType
  readonly prepare: (params: unknown) => unknown
  readonly scope: 'key' | 'pipeline'
  /** Answers every message of every port. */
  readonly always: boolean
  /** Opens the kernel of a node that `defineKernel` made. */
  readonly kernel: ((params: never) => Kernel | Promise<Kernel>) | undefined
  readonly init: (params: unknown) => State
  readonly each: ((params: unknown) => State) | undefined
  readonly on: { readonly [port: string]: (state: never, message: never, env: never) => unknown }
  readonly timer: Timer<Shape, never, never, Ports, never> | undefined
  readonly alarm: Alarm<Shape, never, never, Ports, never> | undefined
  readonly silent: ((state: never, answer: never, params: never) => boolean) | undefined
  readonly end: ((state: never, env: never) => unknown) | undefined
  readonly on_gap: GapPolicy
  readonly late: boolean
  readonly example: { readonly params: unknown; readonly input: readonly Sample[]; readonly output: readonly unknown[] }
}

/** A component with its params, ready to be drawn into a pipeline. The types say what fits; the spec keeps only names. */
export interface Node<I extends Ports = Ports, O extends Shape = Shape, L extends Ports = Ports> {
  readonly op: string
  readonly params: unknown
  readonly inputs: I
  readonly output: O
  readonly latest: L
}
export interface Definition<D> {
  readonly definition: D
}

const nothing = () => ({})
interface Loose {
  readonly [field: string]: unknown
}
/** The one place where the types of an author's definition are folded away. */
function fold<N>(d: Loose, inputs: Ports, on: Operator['on'], always: boolean): N {
  const definition = {
    role: 'operator',
    notes: '',
    ambient: {},
    optional: [],
    feedback: [],
    in_order: [],
    numbered: [],
    latest: {},
    before: {},
    absent: {},
    prepare: (params: unknown) => params,
    scope: 'key',
    init: nothing,
    on_gap: 'keep',
    late: false,
    ...d,
    inputs,
    on,
    always,
  } as unknown as Operator
  const { name, output, latest } = definition
  const ports = [inputs, definition.ambient, latest, isKind(output) ? {} : output]
  for (const port of ports.flatMap(Object.keys))
    if (!SNAKE_CASE.test(port))
      throw new TypeError(`operator ${name}: port ${JSON.stringify(port)}: expected snake_case`)
  for (const port of [...definition.in_order, ...definition.numbered])
    if (!(port in on)) throw new TypeError(`operator ${name}: expected one of its ports, found ${JSON.stringify(port)}`)
  for (const [port, kind] of Object.entries(latest))
    if (columnsOf(kind).some(({ type }) => type === 'dict'))
      throw new TypeError(
        `operator ${name}: port ${port}: ${kind.kind} has text, and what a \`latest\` port reads is kept in numbers; take it as an input`,
      )
  const node = (params: unknown): Node => ({ op: name, params, inputs, output, latest })
  return Object.assign(node, { definition }) as unknown as N
}

export type Draw<PIn, I extends Ports, O extends Shape, L extends Ports> = ((params: PIn) => Node<I, O, L>) &
  Definition<Operator>

export function defineScan<
  const I extends Kind,
  const O extends Kind,
  PIn,
  P,
  S extends State = {},
  C = P,
  const L extends Ports = {},
>(definition: ScanDefinition<I, O, L, PIn, P, C, S>): Draw<PIn, { readonly in: I }, O, L> {
  return fold(definition as unknown as Loose, { in: definition.input }, { in: definition.step as never }, true)
}

export function defineOperator<
  const I extends Ports,
  const O extends Shape,
  PIn,
  P,
  S extends State = {},
  C = P,
  const L extends Ports = {},
  const A extends Ports = {},
  E extends State = {},
  N extends keyof I & string = never,
>(definition: OperatorDefinition<I, A, O, L, PIn, P, C, S, E, N>): Draw<PIn, I, O, L> {
  const waits = Object.keys(definition.latest ?? {}).filter((port) => !(port in (definition.before ?? {})))
  if (definition.alarm !== undefined && waits.length > 0)
    throw new TypeError(
      `operator ${definition.name}: an alarm cannot ring while the node waits for ${waits.join(', ')}; give these ports a value in \`before\``,
    )
  return fold(definition as unknown as Loose, definition.input, definition.on as never, false)
}

// ---- kernels ----------------------------------------------------------------------------------------

/**
 * One message in, one answer, later: what is asked in one moment (a row, or a boundary of timers) is run at its end as
 * one batch, then the answers go on as messages, in the order asked, before the next row. The step waits for it.
 */
export interface KernelDefinition<I extends Kind, O extends Kind, PIn, P, C> {
  readonly name: string
  readonly version: number
  readonly summary: string
  readonly notes?: string
  readonly input: I
  readonly output: O
  readonly params: z.core.$ZodType<P, PIn>
  readonly prepare?: (params: P) => C
  readonly open: (params: NoInfer<C>) => Kernel | Promise<Kernel>
  readonly example: Example<NoInfer<PIn>, Of<NoInfer<O>>>
}
export function defineKernel<const I extends Kind, const O extends Kind, PIn, P, C = P>(
  definition: KernelDefinition<I, O, PIn, P, C>,
): Draw<PIn, { readonly in: I }, O, {}> {
  const { open, ...rest } = definition
  for (const kind of [definition.input, definition.output])
    if (columnsOf(kind).some(({ type }) => type === 'dict' || type === 'fixed'))
      throw new TypeError(
        `kernel ${definition.name}: ${kind.kind} has text or money; a kernel reads and writes numbers`,
      )
  return fold({ ...rest, kernel: open } as unknown as Loose, { in: definition.input }, { in: () => undefined }, false)
}

// ---- sources and sinks ----------------------------------------------------------------------------

export interface SourceDefinition<O extends Kind, PIn, P> {
  readonly name: string
  readonly version: number
  readonly summary: string
  readonly notes?: string
  /** The kind of its rows. Gaps and heartbeats come beside them. */
  readonly output: O
  readonly params: z.core.$ZodType<P, PIn>
  /** Event time a row may lag behind the newest before it counts as late, µs. */
  readonly lateness?: (params: NoInfer<P>) => number
  /** A feed from outside. A source has this, or `generate`, or both. */
  readonly open?: OpenSource<NoInfer<P>>
  /** Whether it speaks through the wire of its context, so that raw frames of it can be recorded: it does, unless named. */
  readonly frames?: 'heard' | 'unheard'
  /** Rows made from the params alone, from the `position`-th on: pulled, so that the reader sets the pace. */
  readonly generate?: Generate<NoInfer<P>>
  readonly example: { readonly params: NoInfer<PIn> }
}
export interface Source {
  readonly role: 'source'
  readonly name: string
  readonly version: number
  readonly summary: string
  readonly notes: string
  readonly output: Kind
  readonly params: z.core.$ZodType
  readonly lateness: (params: never) => number
  readonly open: OpenSource<never> | undefined
  readonly frames?: 'heard' | 'unheard'
  readonly generate: Generate<never> | undefined
  readonly example: { readonly params: unknown }
}
export interface SourceNode<O extends Kind = Kind> {
  readonly source: string
  readonly params: unknown
  readonly output: O
}
export function defineSource<const O extends Kind, PIn, P>(
  d: SourceDefinition<O, PIn, P>,
): ((params: PIn) => SourceNode<O>) & Definition<Source> {
  const definition = {
    role: 'source',
    notes: '',
    lateness: () => 0,
    open: undefined,
    generate: undefined,
    ...d,
  } as unknown as Source
  return Object.assign((params: PIn): SourceNode<O> => ({ source: d.name, params, output: d.output }), { definition })
}

export interface SinkDefinition<I extends Ports, O extends Ports, PIn, P> {
  readonly name: string
  readonly version: number
  readonly summary: string
  readonly notes?: string
  readonly input: I
  readonly optional?: readonly (keyof I & string)[]
  /** What an execution sink says back: `fill`, `order`. */
  readonly output?: O
  readonly params: z.core.$ZodType<P, PIn>
  /** The live side: takes committed rows in order, is idempotent by id, reports its own position. */
  readonly open?: OpenSink<NoInfer<P>>
  /** The live side of an execution sink: takes approved orders, and answers on its output ports through the log. */
  readonly execute?: OpenExecutor<NoInfer<P>>
  /** The simulated twin of an execution sink: a node of the same pass, used in backtest and paper. */
  readonly simulate?: Definition<Operator>
  readonly example: { readonly params: NoInfer<PIn> }
}
export interface Sink {
  readonly role: 'sink'
  readonly name: string
  readonly version: number
  readonly summary: string
  readonly notes: string
  readonly inputs: Ports
  readonly optional: readonly string[]
  readonly output: Ports
  readonly params: z.core.$ZodType
  readonly open: OpenSink<never> | undefined
  readonly execute: OpenExecutor<never> | undefined
  readonly simulate: Operator | undefined
  readonly example: { readonly params: unknown }
}
export interface SinkNode<I extends Ports = Ports, O extends Ports = Ports> {
  readonly sink: string
  readonly params: unknown
  readonly inputs: I
  readonly output: O
}
export function defineSink<const I extends Ports, PIn, P, const O extends Ports = {}>(
  d: SinkDefinition<I, O, PIn, P>,
): ((params: PIn) => SinkNode<I, O>) & Definition<Sink> {
  const definition = {
    notes: '',
    optional: [],
    open: undefined,
    execute: undefined,
    ...d,
    role: 'sink',
    inputs: d.input,
    output: d.output ?? {},
    simulate: d.simulate?.definition,
  } as unknown as Sink
  const output = (d.output ?? {}) as O
  return Object.assign((params: PIn): SinkNode<I, O> => ({ sink: d.name, params, inputs: d.input, output }), {
    definition,
  })
}

/** Every component an engine may use, by name: an explicit value, so that a test or a project can hand in its own. */
export interface Catalogue {
  readonly operators: Readonly<Record<string, Operator>>
  readonly sources: Readonly<Record<string, Source>>
  readonly sinks: Readonly<Record<string, Sink>>
}
/** Files definitions under their own names: `listed(ema, rsi)`. */
export const listed = <D extends { readonly name: string }>(
  ...components: readonly Definition<D>[]
): Readonly<Record<string, D>> => Object.fromEntries(components.map(({ definition }) => [definition.name, definition]))
