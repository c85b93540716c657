import { setFlagsFromString } from 'node:v8'
import type { Frame } from '../schemas/frame.ts'
import { generate } from '../schemas/generate.ts'
import * as name from './compile/names.ts'
import { type Written, write } from './compile/program.ts'
import type { Kernels } from './kernels.ts'
import type { Edge, Network, Reader, Running } from './network.ts'
import type { Execution, Hooks, Mail, Passes } from './passes.ts'
import type { Schedule } from './schedule.ts'
import type { Watch } from './watch.ts'
import type { SourceTimes } from './watermarks.ts'

export interface Parts {
  readonly watch: Watch
  readonly hooks: Hooks
  /** Runs what a program does not: late rows, alarms, keys some node has failed for. */
  readonly passes: Passes
  readonly kernels: Kernels
  readonly times: SourceTimes
}

type Rows = (frame: Frame, codes: Int32Array, from: number, to: number) => number
type Send = (code: number, at: number, value: unknown) => void
interface Program {
  bind(values: Readonly<Record<string, unknown>>): void
  readonly Keyed: new (code: number) => object
  readonly [offered: string]: unknown
}
interface Pooled extends Written {
  readonly program: Program
}

// V8 shares code and type feedback between functions of equal text, so no two programs may have the same (the second
// engine of one plan ran five times slower); but a program that nobody uses any more is warm, and the next engine of
// the same graph may have it, whatever its params are.
const free: Pooled[] = []
const MOST_FREE = 64
let serial = 0

/** Runs a plan as a program of straight lines, written for its graph: the same passes as the interpreter's. */
export class Compiled implements Execution {
  private readonly network: Network
  private readonly parts: Parts
  private readonly readers: readonly Reader[]
  private pooled: Pooled | undefined
  private records: object[] = []
  private loops: readonly (Rows | undefined)[] = []
  private sends: readonly (Send | undefined)[] = []
  private answers: readonly (Send | undefined)[] = []
  private schedule: Schedule | undefined
  /** Key codes by the dictionary of a frame, per source. */
  private dictionaries: WeakMap<readonly string[], Int32Array>[] = []

  constructor(network: Network, parts: Parts) {
    this.network = network
    this.parts = parts
    this.readers = network.edges.flatMap((e) => e.readers)
  }

  /** Undefined where the process refuses generated code. */
  static of(network: Network, parts: Parts): Compiled | undefined {
    return generate([], '', {}) === undefined ? undefined : new Compiled(network, parts)
  }

  /** Writes the program, or takes one that is free and warm. */
  link(schedule: Schedule): void {
    this.schedule = schedule
    const written = write(this.network, schedule)
    const at = free.findIndex(
      ({ text, scope }) => text === written.text && Object.keys(scope).every((n) => scope[n] === written.scope[n]),
    )
    const [found] = at < 0 ? [] : free.splice(at, 1)
    this.pooled = found ?? { ...written, program: made(written) }
    const { program } = this.pooled
    this.network.grown = () => this.bind()
    this.network.troubles = () => this.forget()
    this.bind()
    this.forget()
    const { plan, edges, nodes } = this.network
    const offered = <F>(title: string) => program[title] as F | undefined
    this.loops = plan.sources.map(({ id }) => offered<Rows>(`rows_${id}`))
    this.sends = edges.map((e) => offered<Send>(name.sendOf(e)))
    this.answers = nodes.map((n) => offered<Send>(`answer_${n.planned.id}`))
  }
  get text(): string {
    return this.pooled?.text ?? ''
  }
  timer(node: Running): ((code: number, at: number) => void) | undefined {
    const title = `fire_${node.planned.id}`
    return (code, at) => (this.pooled?.program[title] as Send)(code, at, undefined)
  }
  close(): void {
    if (this.pooled === undefined) return
    // nothing of this engine is held by the program
    this.pooled.program.bind({})
    free.push(this.pooled)
    if (free.length > MOST_FREE) free.shift()
    this.pooled = undefined
  }

  /** Hands the program the arrays and states of the network: at the start, and when there are more keys. */
  private bind(): void {
    const { network, parts, pooled, schedule } = this
    if (pooled === undefined || schedule === undefined) return
    const values: Record<string, unknown> = {
      network,
      R: this.records,
      groups: network.groups,
      dirty: network.dirty,
      troubled: network.troubled,
      numbers: network.numbers,
      sent: network.sent,
      kernels: parts.kernels,
      output: parts.watch.output ?? (() => {}),
      failed: (node: number, code: number, at: number, cause: unknown) =>
        parts.hooks.failed(network.nodes[node] as Running, code, at, cause),
      setAlarm: (node: number, code: number) => schedule.setAlarm(network.nodes[node] as Running, code),
      resume: (code: number, at: number, mail: readonly unknown[]) => parts.passes.resume(this.mailOf(code, at, mail)),
      pass: (edge: number, code: number, at: number, value: unknown) =>
        parts.passes.send(network.edges[edge] as Edge, code, at, value),
    }
    for (const node of network.nodes) {
      values[name.paramsOf(node)] = node.planned.params
      values[name.partsOf(node)] = node.each
      values[name.batchOf(node)] = parts.kernels.of[node.index]
      if (node.wide) values[name.stateOf(node)] = node.states[0]
      values[name.alarmsOf(node)] = node.alarms
      for (const { port, before } of node.latest) values[name.constantOf(node, port)] = before
    }
    for (const { name: edge, newest } of network.edges) {
      values[`real_${name.ident(edge)}`] = newest?.slots.real
      values[`whole_${name.ident(edge)}`] = newest?.slots.whole
      values[`spoken_${name.ident(edge)}`] = newest?.spoken
    }
    for (const s of network.plan.sources.keys()) {
      values[`newest_${s}`] = parts.times.newest[s]
      values[`idle_${s}`] = parts.times.idle[s]
    }
    for (const [c, { watermarks, due }] of schedule.clocks.entries()) {
      values[`marks_${c}`] = watermarks.mark
      values[`dues_${c}`] = due
    }
    pooled.program.bind(values)
    for (let code = this.records.length; code < network.keys.length; code++)
      this.records.push(new pooled.program.Keyed(code))
  }
  private forget(): void {
    this.dictionaries = this.network.plan.sources.map(() => new WeakMap())
  }

  private mailOf(key: number, at: number, mail: readonly unknown[]): readonly Mail[] {
    const all: Mail[] = []
    for (let i = 0; i < mail.length; i += 3)
      if (mail[i + 1] !== undefined)
        all.push({
          reader: this.readers[mail[i] as number] as Reader,
          key,
          at,
          ordinal: mail[i + 2] as number,
          value: mail[i + 1],
        })
    return all
  }

  // ---- running ------------------------------------------------------------------------------------

  /** Runs the loop of a source from a row on; gives the first row it left. */
  rows(source: number, frame: Frame, from: number, to: number): number {
    const loop = this.loops[source]
    if (loop === undefined) return from
    const next = loop(frame, this.codesOf(source, frame), from, to)
    const { sent } = this.network
    for (const edge of this.pooled?.always[source] as readonly number[])
      sent[edge] = (sent[edge] as number) + next - from
    return next
  }
  /** Key codes by dictionary place; -1 for what a loop must not take. */
  private codesOf(source: number, { keys }: Frame): Int32Array {
    const dictionaries = this.dictionaries[source] as WeakMap<readonly string[], Int32Array>
    let codes = dictionaries.get(keys)
    if (codes === undefined) {
      codes = Int32Array.from(keys, (key) => this.codeFor(source, key))
      dictionaries.set(keys, codes)
    }
    return codes
  }
  private codeFor(source: number, key: string): number {
    const code = this.network.knownCode(key)
    const fit = code !== undefined && this.network.heard[source]?.[code] === 1 && this.network.troubled[code] === 0
    return fit ? code : -1
  }
  /** A row was taken by hand: its key may be known now. */
  learn(source: number, frame: Frame, row: number): void {
    const codes = this.codesOf(source, frame)
    const place = frame.key[row] as number
    if (codes[place] === -1) codes[place] = this.codeFor(source, frame.keys[place] as string)
  }

  send(edge: Edge, code: number, at: number, value: unknown): void {
    const send = this.sends[edge.index]
    if (send === undefined) this.parts.passes.send(edge, code, at, value)
    else send(code, at, value)
  }
  sendLate(...args: Parameters<Passes['sendLate']>): void {
    this.parts.passes.sendLate(...args)
  }
  wake(...args: Parameters<Passes['wake']>): void {
    this.parts.passes.wake(...args)
  }
  answer(node: Running, code: number, at: number, value: unknown): void {
    const answer = this.answers[node.index]
    if (answer === undefined) this.parts.passes.answer(node, code, at, value)
    else answer(code, at, value)
  }
}

function made({ text, scope }: Written): Program {
  roomForInlining()
  const whole = `${text}\n//# sourceURL=tidegate.program.${++serial}.js`
  return new Function(...Object.keys(scope), whole)(...Object.values(scope)) as Program
}

let roomy = false
/** V8 inlines so much into one function; a pass of many nodes needs more (forty tick-level nodes: 210 ns, then 75). */
function roomForInlining(): void {
  if (roomy) return
  roomy = true
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=4000')
}
