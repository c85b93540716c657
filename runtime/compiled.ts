import { setFlagsFromString } from 'node:v8'
import type { Frame } from '../schemas/frame.ts'
import { generate } from '../schemas/generate.ts'
import * as name from './compile/names.ts'
import { type Written, write } from './compile/program.ts'
import type { Kernels } from './kernels.ts'
import { type Edge, type Network, NOTHING, Outlook, type Reader, type Running } from './network.ts'
import { type Execution, type Hooks, Mail, type Passes, shaped } from './passes.ts'
import type { Schedule } from './schedule.ts'
import { firing } from './timers.ts'
import type { SourceTimes } from './watermarks.ts'

export interface Parts {
  readonly hooks: Hooks
  /** Runs what a program does not: late rows, alarms, keys some node has failed for. */
  readonly passes: Passes
  readonly kernels: Kernels
  readonly times: SourceTimes
  readonly binding: BindingName
}

type Rows = (frame: Frame, codes: Int32Array, from: number, to: number) => number
type Send = (code: number, at: number, value: unknown) => void
type Values = Readonly<Record<string, unknown>>
interface Program {
  /** Only where the program is to be used again. */
  readonly bind: ((values: Values) => void) | undefined
  readonly [offered: string]: unknown
}
interface Dictionaries {
  keys: readonly string[]
  codes: Int32Array
  readonly long: WeakMap<readonly string[], Int32Array>
}
/**
 * Rows per call of a loop. V8 may replace the code of a loop where it runs, with one that knows no array by its address,
 * and stay with that until the call ends. (A loop over stretches in the program itself would be worse: in loops within
 * loops V8 forgets the addresses always.)
 */
const STRETCH = 512
/** Shorter dictionaries are looked up again in less time than it takes to keep them. */
const LONG = 32
const NO_CODES = new Int32Array(0)
interface Pooled extends Written {
  readonly program: Program
}

/**
 * How a program names the arrays, states and params of its network. `fixed`: as constants, which V8 writes into its code
 * (twice as fast); more keys than there is room for mean another program. `loose`: as variables. A program that nobody
 * uses any more is warm, and the next engine of the same graph may have it, whatever its params are: for sweeps.
 */
export type BindingName = 'fixed' | 'loose'
const free: Pooled[] = []
const MOST_FREE = 64
let serial = 0

/** Runs a plan as a program of straight lines, written for its graph: the same passes as the interpreter's. */
export class Compiled implements Execution {
  private readonly network: Network
  private readonly parts: Parts
  private readonly readers: readonly Reader[]
  private pooled: Pooled | undefined
  private capacity = 0
  /** The key codes of the frame at hand. */
  private current: Int32Array = NO_CODES
  /** In a loop, rows it has taken, the one at hand included, at the last point where a node may fail. */
  row = 0
  /** Rows taken by earlier calls of the loop. */
  private before = 0
  private loops: readonly (Rows | undefined)[] = []
  private sends: readonly (Send | undefined)[] = []
  private answers: readonly (Send | undefined)[] = []
  private schedule: Schedule | undefined
  /** Key codes by the dictionary of a frame, per source: that of the last frame, and long ones of earlier frames. */
  private dictionaries: Dictionaries[] = []

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
    this.network.grown = () => this.room()
    this.network.troubles = () => this.forget()
    this.start()
  }
  private start(): void {
    const { network, schedule } = this
    if (schedule === undefined) return
    const written = write(network, schedule)
    const values = this.values()
    const found = this.parts.binding === 'loose' ? taken(written) : undefined
    this.pooled = found ?? { ...written, program: made(written, this.parts.binding, values) }
    const { program } = this.pooled
    program.bind?.(values)
    this.capacity = network.dirty.length
    this.forget()
    const { plan, edges, nodes } = network
    const offered = <F>(title: string) => program[title] as F | undefined
    this.loops = plan.sources.map(({ id }) => offered<Rows>(`rows_${id}`))
    this.sends = edges.map((e) => offered<Send>(name.sendOf(e)))
    schedule.use((node) => offered(`fire_${node.planned.id}`))
    this.answers = nodes.map((n) => offered<Send>(`answer_${n.planned.id}`))
  }
  get text(): string {
    return this.pooled?.text ?? ''
  }
  close(): void {
    const { pooled } = this
    this.pooled = undefined
    if (pooled?.program.bind === undefined) return
    this.loops = []
    this.sends = []
    this.answers = []
    this.schedule?.use(() => undefined)
    // nothing of this engine is held by the program but the last answers its loops were left with
    pooled.program.bind({})
    free.push(pooled)
    if (free.length > MOST_FREE) free.shift()
  }

  /** There are more keys: a program with constants may have to be written anew. */
  private room(): void {
    const { network, pooled } = this
    if (pooled === undefined || network.dirty.length === this.capacity) return
    if (pooled.program.bind === undefined) this.start()
    else pooled.program.bind(this.values())
    this.capacity = network.dirty.length
  }
  private values(): Values {
    const { network, parts } = this
    const schedule = this.schedule as Schedule
    const values: Record<string, unknown> = {
      records: network.records,
      groups: network.groups,
      dirty: network.dirty,
      troubled: network.troubled,
      R: network.memory.real,
      W: network.memory.whole,
      sent: network.sent,
      kernels: parts.kernels,
      failed: (node: number, code: number, at: number, cause: unknown) =>
        parts.hooks.failed(network.nodes[node] as Running, code, at, cause),
      here: (row: number) => {
        this.row = this.before + row + 1
      },
      wake: (node: number, code: number, at: number) => {
        const running = network.nodes[node] as Running
        parts.passes.wake(running, code, at, firing(running, code, at))
      },
      setAlarm: (node: number, code: number) => schedule.setAlarm(network.nodes[node] as Running, code),
      resume: (code: number, at: number, mail: readonly unknown[]) => parts.passes.resume(this.mailOf(code, at, mail)),
      spoke: (node: number, code: number, at: number, answer: unknown, mail: readonly unknown[]) =>
        parts.passes.heard(network.nodes[node] as Running, code, at, answer, this.mailOf(code, at, mail)),
      shaped: (node: number, answer: unknown) => shaped(network.nodes[node] as Running, answer),
      pass: (edge: number, code: number, at: number, value: unknown) =>
        parts.passes.send(network.edges[edge] as Edge, code, at, value),
    }
    for (const node of network.nodes) {
      values[name.paramsOf(node)] = node.planned.params
      values[name.partsOf(node)] = node.each
      if (node.latest.length === 0)
        values[name.envOf(node)] = new Outlook(node.planned.params, NOTHING, 0.5, '', 0.5, NOTHING, node.each)
      values[name.batchOf(node)] = parts.kernels.of[node.index]
      if (node.wide) values[name.stateOf(node)] = node.whole
      values[name.alarmsOf(node)] = node.alarms
      values[name.awakeOf(node)] = node.awake
      for (const { port, before } of node.latest) values[name.constantOf(node, port)] = before
    }
    for (const edge of network.edges)
      if (edge.recorded) values[name.recorderOf(edge)] = parts.passes.recorders[edge.index] ?? (() => {})
    for (const ordered of network.in_order) values[name.newestOf(ordered)] = ordered.newest
    for (const s of network.plan.sources.keys()) {
      values[`newest_${s}`] = parts.times.newest[s]
      values[`idle_${s}`] = parts.times.idle[s]
    }
    for (const [c, { watermarks, due }] of schedule.clocks.entries()) {
      values[`marks_${c}`] = watermarks.mark
      values[`dues_${c}`] = due
    }
    return values
  }
  private forget(): void {
    const { network, current } = this
    this.dictionaries = network.plan.sources.map(() => ({ keys: [], codes: NO_CODES, long: new WeakMap() }))
    // the loop that is running reads on in its own
    for (let d = 0; d < current.length; d++)
      if (network.troubled[Math.max(0, current[d] as number)] === 1) current[d] = -1
  }

  private mailOf(key: number, at: number, mail: readonly unknown[]): readonly Mail[] {
    const all: Mail[] = []
    for (let i = 0; i < mail.length; i += 3)
      if (mail[i + 1] !== undefined)
        all.push(new Mail(this.readers[mail[i] as number] as Reader, key, at, mail[i + 2] as number, mail[i + 1]))
    return all
  }

  // ---- running ------------------------------------------------------------------------------------

  /** Runs the loop of a source from a row on; gives the first row it left. */
  rows(source: number, frame: Frame, from: number, to: number): number {
    const loop = this.loops[source]
    if (loop === undefined || this.pooled === undefined) return from
    this.current = this.codesOf(source, frame)
    let [next, end] = [from, from]
    for (;;) {
      if (next === end) {
        // kernels that were asked answer before the next row
        if (end === to || this.parts.kernels.busy) break
        end = Math.min(next + STRETCH, to)
      }
      this.before = next - from
      const left = loop(frame, this.current, next, end)
      if (left < 0) {
        next = ~left
        if (!this.advance(source, frame, next, next - from)) break
        continue
      }
      // after a row whose pass went on elsewhere it goes on; where it takes none it is stuck
      const stuck = left === next
      next = left
      if (next < end && (stuck || this.parts.kernels.busy)) break
    }
    // a row whose time waits for a kernel is not counted yet
    this.row = this.parts.kernels.running === undefined ? 0 : 1
    const { sent } = this.network
    for (const edge of this.pooled.always[source] as readonly number[])
      sent[edge] = (sent[edge] as number) + next - from
    return next
  }
  /** Time goes on to a row; false where it waits for a kernel. */
  private advance(source: number, { at, key }: Frame, row: number, taken: number): boolean {
    const { network, parts, schedule } = this
    const group = network.groups[this.current[key[row] as number] as number] as number
    const newest = at[row] as number
    ;(parts.times.newest[source] as Float64Array)[group] = newest
    this.row = taken + 1
    return (schedule as Schedule).advance(source, group, newest)
  }
  /** Key codes by dictionary place; -1 for what a loop must not take. */
  private codesOf(source: number, { keys }: Frame): Int32Array {
    const last = this.dictionaries[source] as Dictionaries
    if (last.keys === keys) return last.codes
    const short = keys.length < LONG
    let codes = short ? undefined : last.long.get(keys)
    if (codes === undefined) {
      // nobody keeps the codes of a short one: those of the next take their place
      codes = short && last.codes.length === keys.length ? last.codes : new Int32Array(keys.length)
      for (let d = 0; d < keys.length; d++) codes[d] = this.codeFor(source, keys[d] as string)
      if (!short) last.long.set(keys, codes)
    }
    last.keys = keys
    last.codes = codes
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

  send(edge: Edge, code: number, at: number, value: unknown, late?: Edge): void {
    const send = this.sends[edge.index]
    if (send === undefined || late !== undefined) this.parts.passes.send(edge, code, at, value, late)
    else send(code, at, value)
  }
  answer(node: Running, code: number, at: number, value: unknown): void {
    const answer = this.answers[node.index]
    if (answer === undefined) this.parts.passes.answer(node, code, at, value)
    else answer(code, at, value)
  }
}

/** A free program of the same graph. */
function taken(written: Written): Pooled | undefined {
  const at = free.findIndex(
    ({ text, scope }) => text === written.text && Object.keys(scope).every((n) => scope[n] === written.scope[n]),
  )
  return at < 0 ? undefined : free.splice(at, 1)[0]
}

function made({ text, scope, bound, offered }: Written, binding: BindingName, values: Values): Program {
  roomForInlining(scope)
  const fixed = binding === 'fixed'
  const names = [...Object.keys(scope), ...(fixed ? bound : [])]
  const bind = `let ${bound.join(', ')};\nfunction bind(x) {\n${bound.map((n) => `${n} = x.${n};`).join('\n')}\n}\n`
  // V8 shares code and type feedback between functions of equal text: the second engine of one plan ran five times
  // slower, so no two programs are the same
  const end = `return { ${fixed ? 'bind: undefined' : 'bind'}, ${offered.join(', ')} };\n//# sourceURL=tidegate.program.${++serial}.js`
  const make = new Function(...names, `${fixed ? '' : bind}${text}\n${end}`)
  return make(...Object.values(scope), ...(fixed ? bound.map((n) => values[n]) : [])) as Program
}

/** Two to three characters of source are a byte of bytecode, and V8 inlines no function of more than 460. */
const CHARACTERS = 2.5
/** Whoever says more than this is long: an operator, or the maker of a message of some eighty fields. */
const LONG_SOURCE = 2000
let bytes = 0
/**
 * V8 inlines so much into one function; a pass of many nodes needs more (forty tick-level nodes: 210 ns, then 75). And it
 * leaves out calls that were rare when it looked: nodes that were still waiting for their features would stay apart.
 *
 * Where an operator is long (forty features, one by one), it gets room as well: else its answer is made, a box for every
 * number, and taken apart (the model of the benchmark: 73 ns, then 65). It costs V8 a tenth of a second more at the start,
 * as it then inlines more of the engine too, so others do without.
 */
function roomForInlining(scope: Values): void {
  if (serial === 0) {
    setFlagsFromString('--min-inlining-frequency=0.02')
    setFlagsFromString('--max-inlined-bytecode-size-cumulative=16000')
    setFlagsFromString('--max-inlined-bytecode-size-absolute=16000')
  }
  const lengths = Object.values(scope).map((value) => (typeof value === 'function' ? String(value).length : 0))
  const longest = Math.max(0, ...lengths)
  if (longest < LONG_SOURCE || longest / CHARACTERS < bytes) return
  bytes = Math.ceil(longest / CHARACTERS)
  setFlagsFromString(`--max-inlined-bytecode-size=${bytes}`)
}
