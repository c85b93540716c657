import { typeOf } from '../schemas/columns.ts'
import type { State } from './define.ts'
import type { Meter } from './meter.ts'
import type { Edge, Handler, Network, Reader, Running } from './network.ts'
import { Outlook, TOLD } from './network.ts'
import { sleeps } from './timers.ts'
import type { Recorder, Watch } from './watch.ts'

/** A handler that no message calls: of a timer, an alarm, the end. */
export type Waking = (state: State, env: unknown) => unknown

/** How the messages of a plan reach its nodes. Two ways of it agree bit for bit: `Passes` here, and compiled programs. */
export interface Execution {
  /** Sends a message down an edge, or a late one down `late`, and lets everything that follows from it happen. */
  send(edge: Edge, code: number, at: number, value: unknown, late?: Edge): void
  /** The answer of a kernel, later than its question. */
  answer(node: Running, code: number, at: number, answer: unknown): void
}

/** What a pass asks of the engine it runs in. */
export interface Hooks {
  /** A node with an alarm has run. */
  alarmed(node: Running, code: number): void
  /** A node threw. */
  failed(node: Running, code: number, at: number, cause: unknown): void
  /** A kernel is asked; it answers after the moment. */
  ask(node: Running, code: number, at: number, value: unknown): void
}

/** A message on its way to one node. */
export class Mail {
  declare readonly reader: Reader
  declare readonly key: number
  declare readonly at: number
  declare readonly ordinal: number
  declare readonly value: unknown
  constructor(reader: Reader, key: number, at: number, ordinal: number, value: unknown) {
    this.reader = reader
    this.key = key
    this.at = at
    this.ordinal = ordinal
    this.value = value
  }
}
// the number of a straggler is no small one: the first of them would have V8 drop all code that knows the class
for (const value of [0, undefined]) new Mail(undefined as never, 0, 0.5, 0.5, value)

/**
 * The reference execution of a pass: one message enters and runs to its end before the next. Within a pass the earliest
 * node with mail runs next, and its answer is mailed to its readers. An array answer is several passes, one after the
 * other. A node that throws has not answered; it is left out for that key from then on, and the pass goes on without it.
 */
export class Passes implements Execution {
  private readonly network: Network
  private readonly watch: Watch
  private readonly hooks: Hooks
  private readonly meter: Meter
  private readonly outlooks: readonly Outlook[]
  /** Who is told the outputs of an edge, by its index. */
  readonly recorders: readonly (Recorder | undefined)[]
  private queue: Mail[] = []

  constructor(network: Network, watch: Watch, hooks: Hooks, meter: Meter) {
    // set a second time: V8 takes a field for constant until then, and drops all code that does when it learns better
    this.queue = []
    this.meter = meter
    this.network = network
    this.watch = watch
    this.hooks = hooks
    this.recorders = network.edges.map(({ recorded, name, kind }) =>
      recorded ? watch.output?.(name, kind) : undefined,
    )
    this.outlooks = network.nodes.map(
      ({ planned: { params }, lookout, each }) =>
        new Outlook(params, lookout ? new lookout() : {}, 0, '', 0, {}, watch.strict ? readOnly(each) : each),
    )
  }

  /**
   * A row that came late goes to those readers of its edge that ask for late rows, without speaking on the edge; then
   * `late` speaks, a pass of its own.
   */
  send(edge: Edge, code: number, at: number, value: unknown, late?: Edge): void {
    if (this.watch.strict) freeze(value)
    if (late === undefined) this.emit(edge, code, at, value)
    else
      for (const reader of edge.readers)
        if (reader.node.planned.operator.late) this.queue.push(new Mail(reader, code, at, 0, value))
    // both drain here: V8 writes what follows into every place that does
    for (let next = late; ; next = undefined) {
      this.drain()
      if (next === undefined) return
      this.emit(next, code, at, value)
    }
  }
  /** Runs a handler that no message calls, and what follows. */
  wake(node: Running, code: number, at: number, run: Waking): void {
    this.call(node, code, at, 0, run)
    this.drain()
  }
  answer(node: Running, code: number, at: number, answer: unknown): void {
    this.speak(node, code, at, answer)
    this.drain()
  }
  /** Goes on with a pass that began elsewhere. */
  resume(mail: readonly Mail[]): void {
    this.aside(mail)
  }
  /** The same, from where a node was called: its answer is not looked at yet, nor its alarm. */
  heard(node: Running, code: number, at: number, answer: unknown, mail: readonly Mail[]): void {
    this.aside(mail, () => this.take(node, code, at, answer))
  }
  /** A pass of its own, to its end, before those who wait are read. */
  private aside(mail: readonly Mail[], begin?: () => void): void {
    const waiting = this.queue
    this.queue = [...mail]
    begin?.()
    this.drain()
    this.queue = waiting
  }

  private emit(edge: Edge, code: number, at: number, value: unknown): void {
    const { network, watch } = this
    const ordinal = network.number(edge, code, at)
    ;(network.sent[edge.index] as number)++
    network.keep(edge, code, value)
    watch.message?.(edge.name, network.keys[code] as string, at, value)
    this.recorders[edge.index]?.(network.keys[code] as string, at, ordinal, value, code)
    for (const reader of edge.readers) this.queue.push(new Mail(reader, code, at, ordinal, value))
  }

  private drain(): void {
    for (;;) {
      let first = 0
      for (let i = 1; i < this.queue.length; i++)
        if ((this.queue[i] as Mail).reader.node.index < (this.queue[first] as Mail).reader.node.index) first = i
      const [mail] = this.queue.splice(first, 1)
      if (mail === undefined) return
      this.deliver(mail)
    }
  }

  private deliver({ reader: { node, handler, feedback, in_order }, key, at, ordinal, value }: Mail): void {
    if (in_order !== undefined) {
      if (at < (in_order.newest[key] as number)) return
      in_order.newest[key] = at
      this.network.soil(key)
    }
    if (node.planned.operator.kernel !== undefined) {
      if (!this.network.isBroken(node, key)) this.hooks.ask(node, key, at, value)
      return
    }
    const wakes = sleeps(node)
    this.call(node, key, at, ordinal, (state, env) => {
      if (wakes) this.network.soil(key, TOLD)
      const answer = (handler as Handler)(state, value, env)
      if (answer !== undefined && feedback) throw new Error(FEEDBACK_ANSWERED)
      return answer
    })
  }

  private call(node: Running, code: number, at: number, ordinal: number, run: Waking): void {
    const { network } = this
    if (network.isBroken(node, code)) return
    const env = this.outlooks[node.index] as Outlook
    for (const { port, edge, before, waits } of node.latest) {
      const value = edge && network.newest(edge, code)
      if (value === undefined && waits) return
      if (this.watch.strict) freeze(value)
      ;(env.latest as Record<string, unknown>)[port] = value ?? before
    }
    env.at = at
    env.key = network.keys[code] as string
    env.ordinal = ordinal
    env.each = node.each[code] as State
    let answer: unknown
    const { meter } = this
    const began = meter.on ? meter.now() : 0
    try {
      answer = run(network.stateOf(node, code), env)
      if (meter.on) meter.add(node.index, meter.now() - began)
    } catch (cause) {
      this.hooks.failed(node, code, at, cause)
      return
    }
    this.take(node, code, at, answer)
  }
  /** Looks at what a node has answered, and at its alarm; then speaks. */
  private take(node: Running, code: number, at: number, answer: unknown): void {
    let speaks = answer !== undefined
    try {
      if (!speaks && node.planned.operator.always) throw new Error(SCAN_SILENT)
      if (speaks) {
        shaped(node, answer)
        speaks = !this.isSilent(node, code, answer)
      }
      if (node.planned.operator.alarm) this.hooks.alarmed(node, node.wide ? 0 : code)
    } catch (cause) {
      this.hooks.failed(node, code, at, cause)
      return
    }
    this.network.soil(code)
    if (speaks) this.speak(node, code, at, answer)
  }
  private isSilent(node: Running, code: number, answer: unknown): boolean {
    const { params, operator } = node.planned
    const silent = operator.silent as ((state: State, answer: unknown, params: unknown) => boolean) | undefined
    return silent?.(this.network.stateOf(node, code), answer, params) === true
  }

  private speak(node: Running, code: number, at: number, answer: unknown): void {
    this.watch.answer?.(node.planned.id, answer, this.network.keys[code] as string, at)
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
        this.aside([], () => this.emit(edge, code, at, message))
      }
    }
  }
}

export const FEEDBACK_ANSWERED = 'a feedback port must not answer'
export const SCAN_SILENT = 'a scan must answer every message'

/** Whoever takes an answer apart trusts its form. */
export function shaped({ single, outputs }: Running, answer: unknown): void {
  if (!single && (typeof answer !== 'object' || answer === null))
    throw new Error(`expected an object of ports, found ${String(answer)}`)
  for (const { port, edge, many } of outputs) {
    const said = single ? answer : (answer as Record<string, unknown>)[port]
    if (said === undefined) continue
    if (many && !Array.isArray(said))
      throw new Error(`${edge.name}: expected an array of messages, found ${String(said)}`)
    for (const message of many ? (said as readonly unknown[]) : [said])
      if (typeof message !== typeOf(edge.kind) || message === null)
        throw new Error(`${edge.name}: expected a ${edge.kind.kind}, found ${String(message)}`)
  }
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
