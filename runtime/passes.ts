import { TidegateError } from '../schemas/errors.ts'
import type { Kind } from '../schemas/kind.ts'
import { formatTime } from '../schemas/units.ts'
import { type Env, isKind, isMany, type Ports, type Shape, type State } from './define.ts'
import type { Plan, PlannedNode } from './plan.ts'

/** Where the messages of an engine can be watched. */
export interface Watch {
  /** Every recorded output, in the order of emission. */
  readonly output?: (edge: string, kind: Kind, key: string, at: number, ordinal: number, value: unknown) => void
  /** Every message on every edge: tracing and tests. */
  readonly message?: (edge: string, key: string, at: number, value: unknown) => void
  /** Every answer of every node, in the author's form. */
  readonly answer?: (node: string, answer: unknown, key: string, at: number) => void
  /** Freeze messages and answers, so that a write to them throws. */
  readonly strict?: boolean
}

export type Handler = (state: State, message: unknown, env: unknown) => unknown
export interface Edge {
  readonly name: string
  readonly kind: Kind
  readonly recorded: boolean
  readonly readers: { readonly node: Running; readonly handler: Handler; readonly feedback: boolean }[]
  /** The newest message per key, kept when some `latest` port reads it. */
  readonly newest: unknown[] | undefined
  /** The newest time per key, how many messages came at it, and how many came that were older. */
  readonly lastAt: number[]
  readonly ordinal: number[]
  readonly stragglers: number[]
}
export interface Running {
  readonly index: number
  readonly planned: PlannedNode
  /** Of scope `pipeline`: one state, kept under key code 0. */
  readonly wide: boolean
  readonly states: State[]
  readonly each: State[]
  readonly env: { -readonly [F in keyof Env<unknown, Ports, State>]: Env<unknown, Ports, State>[F] }
  readonly latest: readonly {
    readonly port: string
    readonly edge: Edge | undefined
    readonly before: unknown
    readonly waits: boolean
  }[]
  readonly outputs: readonly { readonly port: string; readonly edge: Edge; readonly many: boolean }[]
  readonly single: boolean
  /** When the state asks to be called, per key; Infinity for never. */
  readonly alarms: number[]
}
interface Mail {
  readonly node: Running
  readonly handler: Handler
  readonly feedback: boolean
  readonly key: number
  readonly at: number
  readonly ordinal: number
  readonly value: unknown
}

/**
 * Rows within the lateness of their source come out of order, and what they cause does so too. A message older than the
 * newest of its edge and key is numbered from here on, so that no two share an id.
 */
const STRAGGLERS = 2 ** 31

/** The key that stands for the whole pipeline; its code is 0. */
export const WHOLE = '*'

/**
 * Nodes, edges and keys of a running plan, and the pass: one message enters and runs to its end before the next. Within
 * a pass the earliest node with mail runs next, and its answer is mailed to its readers. An array answer is several
 * passes, one after the other.
 */
export class Passes {
  readonly keys: string[] = []
  readonly nodes: readonly Running[]
  readonly edges: ReadonlyMap<string, Edge>
  /** Keys whose state may have changed since this was last cleared. */
  readonly dirty = new Set<number>()
  /** Told when a node with an alarm has run. */
  alarmed: (node: Running, code: number) => void = () => {}
  private readonly codes = new Map<string, number>()
  private readonly watch: Watch
  private queue: Mail[] = []

  constructor(plan: Plan, watch: Watch) {
    this.watch = watch
    const looked = new Set(plan.nodes.flatMap((n) => Object.values(n.latest)))
    this.edges = new Map(
      plan.edges.map((e) => [
        e.name,
        { ...e, readers: [], newest: looked.has(e.name) ? [] : undefined, lastAt: [], ordinal: [], stragglers: [] },
      ]),
    )
    this.nodes = plan.nodes.map((planned, index) => this.start(planned, index))
    for (const node of this.nodes)
      for (const [port, edges] of Object.entries(node.planned.inputs))
        for (const edge of edges)
          this.edge(edge).readers.push({
            node,
            handler: node.planned.operator.on[port] as unknown as Handler,
            feedback: node.planned.operator.feedback.includes(port),
          })
    this.keyCode(WHOLE)
  }

  private start(planned: PlannedNode, index: number): Running {
    const { operator } = planned
    const latest = Object.keys(operator.latest).map((port) => {
      const name = planned.latest[port]
      if (name === undefined) return { port, edge: undefined, before: operator.absent[port], waits: false }
      return { port, edge: this.edge(name), before: operator.before[port], waits: !(port in operator.before) }
    })
    const output = (port: string, name: string, kind: Kind) => ({ port, edge: this.edge(name), many: isMany(kind) })
    const outputs = isKind(operator.output)
      ? [output('', planned.id, operator.output)]
      : Object.entries(operator.output as Exclude<Shape, Kind>).map(([port, kind]) =>
          output(port, `${planned.id}.${port}`, kind),
        )
    const each: State[] = []
    const env = {
      params: planned.params,
      latest: {},
      at: 0,
      key: '',
      ordinal: 0,
      each: {},
      all: this.watch.strict ? readOnly(each) : each,
    }
    const wide = operator.scope === 'pipeline'
    return {
      index,
      planned,
      wide,
      states: wide ? [operator.init(planned.params)] : [],
      each,
      env,
      latest,
      outputs,
      single: isKind(operator.output),
      alarms: [],
    }
  }

  edge(name: string): Edge {
    const edge = this.edges.get(name)
    if (edge === undefined) throw new TypeError(`no edge ${name}`)
    return edge
  }

  /** The small number that stands for a key; a new key gets its states. */
  keyCode(key: string): number {
    const known = this.codes.get(key)
    if (known !== undefined) return known
    const code = this.keys.length
    this.keys.push(key)
    this.codes.set(key, code)
    for (const node of this.nodes) {
      if (!node.wide) node.states[code] = node.planned.operator.init(node.planned.params)
      node.each[code] = node.planned.operator.each?.(node.planned.params) ?? {}
      node.alarms[code] = Number.POSITIVE_INFINITY
    }
    for (const edge of this.edges.values()) {
      edge.lastAt[code] = -1
      edge.ordinal[code] = 0
      edge.stragglers[code] = 0
    }
    this.dirty.add(code)
    return code
  }

  stateOf(node: Running, code: number): State {
    return node.states[node.wide ? 0 : code] as State
  }

  /** Sends a message down an edge and lets everything that follows from it happen. */
  send(name: string, code: number, at: number, value: unknown): void {
    if (this.watch.strict) freeze(value)
    this.emit(this.edge(name), code, at, value)
    this.drain()
  }
  /** Hands a message to those readers of an edge that ask for late rows, without speaking on the edge. */
  sendLate(name: string, code: number, at: number, value: unknown): void {
    for (const reader of this.edge(name).readers)
      if (reader.node.planned.operator.late) this.queue.push({ ...reader, key: code, at, ordinal: 0, value })
    this.drain()
  }
  /** Runs one handler that no message calls: a timer, an alarm, the end. */
  wake(node: Running, code: number, at: number, run: (state: State, env: unknown) => unknown): void {
    this.call(node, code, at, 0, run)
    this.drain()
  }

  private emit(edge: Edge, code: number, at: number, value: unknown): void {
    const ordinal = number(edge, code, at)
    if (edge.newest) edge.newest[code] = value
    this.watch.message?.(edge.name, this.keys[code] as string, at, value)
    if (edge.recorded) this.watch.output?.(edge.name, edge.kind, this.keys[code] as string, at, ordinal, value)
    for (const { node, handler, feedback } of edge.readers)
      this.queue.push({ node, handler, feedback, key: code, at, ordinal, value })
  }

  private drain(): void {
    for (;;) {
      let first = 0
      for (let i = 1; i < this.queue.length; i++)
        if ((this.queue[i] as Mail).node.index < (this.queue[first] as Mail).node.index) first = i
      const [mail] = this.queue.splice(first, 1)
      if (mail === undefined) return
      this.call(mail.node, mail.key, mail.at, mail.ordinal, (state, env) => {
        const answer = mail.handler(state, mail.value, env)
        if (answer !== undefined && mail.feedback) throw new Error('a feedback port must not answer')
        return answer
      })
    }
  }

  private call(
    node: Running,
    code: number,
    at: number,
    ordinal: number,
    run: (state: State, env: unknown) => unknown,
  ): void {
    const { env } = node
    for (const { port, edge, before, waits } of node.latest) {
      const value = edge?.newest?.[code]
      if (value === undefined && waits) return
      ;(env.latest as Record<string, unknown>)[port] = value ?? before
    }
    env.at = at
    env.key = this.keys[code] as string
    env.ordinal = ordinal
    env.each = node.each[code] as State
    let answer: unknown
    try {
      answer = run(this.stateOf(node, code), env)
      if (answer === undefined && node.planned.operator.always) throw new Error('a scan must answer every message')
    } catch (error) {
      this.queue = []
      throw this.failure(node, code, at, error)
    }
    this.dirty.add(code)
    if (node.planned.operator.alarm) this.alarmed(node, node.wide ? 0 : code)
    if (answer !== undefined) this.speak(node, code, at, answer)
  }

  failure(node: Running, code: number, at: number, cause: unknown): TidegateError {
    const { id, operator } = node.planned
    const reason = cause instanceof Error ? cause.message : String(cause)
    const where = `node "${id}" (${operator.name}) failed for ${this.keys[code]} at ${formatTime(Math.max(0, at))}`
    return new TidegateError(
      'OPERATOR_FAILED',
      `${where}: ${reason}`,
      { node: id, operator: operator.name, key: this.keys[code], at },
      cause,
    )
  }

  private speak(node: Running, code: number, at: number, answer: unknown): void {
    this.watch.answer?.(node.planned.id, answer, this.keys[code] as string, at)
    for (const { port, edge, many } of node.outputs) {
      const said = node.single ? answer : (answer as Record<string, unknown>)[port]
      if (said === undefined) continue
      if (!many) {
        if (this.watch.strict) freeze(said)
        this.emit(edge, code, at, said)
        continue
      }
      for (const message of said as readonly unknown[]) {
        if (this.watch.strict) freeze(message)
        const waiting = this.queue
        this.queue = []
        this.emit(edge, code, at, message)
        this.drain()
        this.queue = waiting
      }
    }
  }
}

/** Which message of its edge, key and time this one is. */
function number(edge: Edge, code: number, at: number): number {
  const last = edge.lastAt[code] as number
  if (at < last) {
    const before = edge.stragglers[code] as number
    edge.stragglers[code] = before + 1
    return STRAGGLERS + before
  }
  const ordinal = at === last ? (edge.ordinal[code] as number) + 1 : 0
  edge.lastAt[code] = at
  edge.ordinal[code] = ordinal
  return ordinal
}

/** The parts of other keys, as a strict engine lends them. */
const readOnly = (each: State[]): readonly State[] =>
  new Proxy(each, {
    get(target, index) {
      const part = Reflect.get(target, index) as unknown
      if (typeof part !== 'object' || part === null) return part
      return new Proxy(part, {
        set() {
          throw new TypeError('only the part of the key at hand may be written')
        },
      })
    },
  })

function freeze(value: unknown): void {
  if (typeof value === 'object' && value !== null) Object.freeze(value)
}
