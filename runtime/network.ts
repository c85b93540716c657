import type { Kind } from '../schemas/kind.ts'
import { type Env, isKind, isMany, type Ports, type Shape, type State } from './define.ts'
import { KEY_GROUPS, keyGroup } from './key_groups.ts'
import type { Plan, PlannedNode } from './plan.ts'
import { type Flat, flatOf } from './state/flat.ts'
import { type Layout, layoutOf, type Memory, renew, slots } from './state/layout.ts'
import { adopterOf, type Shape as FieldShape, shapeOf } from './state/shape.ts'

export type Handler = (state: State, message: unknown, env: unknown) => unknown
export interface Reader {
  readonly node: Running
  readonly port: string
  readonly handler: Handler
  readonly feedback: boolean
  /** It hears nothing older than this. */
  readonly in_order: InOrder | undefined
}
/** How far in time those ports have heard that are `in_order`. Nodes where such ports hear the same share it. */
export interface InOrder {
  readonly index: number
  /** The names of their edges, sorted, and whether late rows count. */
  readonly edges: string
  /** By key code; -Infinity before the first message. */
  newest: Float64Array
}
export interface Edge {
  readonly index: number
  readonly name: string
  readonly kind: Kind
  readonly recorded: boolean
  readonly readers: readonly Reader[]
  /** Where its numbers stand in the memory of a key; -1 for what a source says beside its rows and nobody hears: it needs none. */
  readonly place: number
  /**
   * Its messages are numbered: it is recorded, or a port that hears it is `numbered`. While they are not, the numbers stand
   * still, so that none is given twice when a later plan goes on with them.
   */
  readonly numbered: boolean
  /** Its newest message is kept when some `latest` port reads it. */
  readonly kept: Flat | undefined
  /** Where that stands in the memory of a key, behind a 1 if there is one. */
  readonly spot: number
}
export interface Running {
  readonly index: number
  readonly planned: PlannedNode
  /** Of scope `pipeline`: one state, kept under key code 0. */
  readonly wide: boolean
  /** The one state of a node of the whole pipeline. */
  readonly whole: State | undefined
  /** The parts of a state of the whole pipeline, by key code. */
  readonly each: State[]
  readonly layouts: { readonly state: Layout; readonly each: Layout }
  /** New states, and new parts of a state of the whole pipeline. */
  readonly fresh: { readonly state: () => State; readonly each: () => State }
  readonly latest: readonly {
    readonly port: string
    readonly edge: Edge | undefined
    readonly before: unknown
    readonly waits: boolean
  }[]
  /** The class of the object a handler finds its `latest` values in. */
  readonly lookout: FieldShape
  /** That of its ports which are `in_order`. */
  readonly in_order: InOrder | undefined
  readonly outputs: readonly { readonly port: string; readonly edge: Edge; readonly many: boolean }[]
  readonly single: boolean
  /** When the state asks to be called, per key; Infinity for never. */
  alarms: Float64Array
  /** 1 where the node has failed: it is not called for that key again. */
  broken: Uint8Array
  /** By key code 0 where nothing would come of its timer: see `idle`. */
  awake: Uint8Array
}

/**
 * What a handler looks at besides state and message: of one class, whoever runs it. Its fields are only declared: a field
 * that is defined first and set later is no double.
 */
export class Outlook implements Env<unknown, Ports, State> {
  declare params: unknown
  declare latest: never
  declare at: number
  declare key: string
  declare ordinal: number
  declare each: State
  declare all: readonly State[]
  constructor(
    params: unknown,
    latest: unknown,
    at: number,
    key: string,
    ordinal: number,
    each: State,
    all: readonly State[],
  ) {
    this.params = params
    this.latest = latest as never
    this.at = at
    this.key = key
    this.ordinal = ordinal
    this.each = each
    this.all = all
  }
}

new Outlook(undefined, undefined, 0.5, '', 0.5, {}, [])

/** The key that stands for the whole pipeline; its code is 0. */
export const WHOLE = '*'
/** What edges without a `latest` port and nodes without one share. */
export const NOTHING: Record<string, never> = Object.freeze({})
/** Slots of every edge that has a place: see `memory`. */
export const NUMBERS = 3
/** What stands in `dirty`, a bit each: a row sets both with one write. */
export const DIRTY = 1
export const TOLD = 2
/** Edges of every source beside that of its rows. */
const BESIDE = ['late', 'gap', 'invalid', 'event'] as const
/** Room for keys at the start: V8 knows the address of a typed array only when it is longer than 64 bytes. */
const FIRST_KEYS = 128

/**
 * Nodes, edges and keys of a running plan, and all they remember: whoever executes the plan, interpreter or compiled
 * program, works on this, so that one can take over from the other between any two passes, and in the middle of one.
 */
export class Network {
  readonly plan: Plan
  readonly keys: string[] = []
  readonly nodes: readonly Running[]
  readonly edges: readonly Edge[]
  /** Key groups, by key code. */
  groups = new Uint8Array(0)
  /**
   * What edges remember of a key. Of those that are kept, 1 where they have spoken, and the message; then of every edge
   * that has a place three doubles: the newest time, how many messages came at it after the first, and how many came that
   * were older.
   */
  memory: Memory = slots(0)
  readonly stride: number
  /** The states of a key in one object, by node: one look-up per row, and neighbours wherever V8 moves them. */
  readonly records: Record<string, unknown>[] = []
  private readonly record: FieldShape
  /** What a record holds beside its key. */
  private readonly fields: readonly { readonly name: string; readonly fresh: () => State }[]
  /** Of keys: `DIRTY` where the state may have changed since the last save, `TOLD` where a message has come since timers looked. */
  dirty = new Uint8Array(0)
  /** 1 for keys some node has failed for. */
  troubled = new Uint8Array(0)
  /** Per source 1 for keys it has given rows for. */
  readonly heard: Uint8Array[]
  /** Per source the edges it speaks on. */
  readonly inlets: readonly Readonly<Record<'row' | 'late' | 'gap' | 'invalid' | 'event', Edge>>[]
  readonly in_order: readonly InOrder[]
  /** How many messages each edge has carried in this process. */
  readonly sent: Float64Array
  /** Told when the arrays above were replaced by longer ones, and when a key is new. */
  grown: () => void = () => {}
  /** Told when keys became troubled. */
  troubles: () => void = () => {}
  private readonly named: ReadonlyMap<string, Edge>
  private readonly codes = new Map<string, number>()

  constructor(plan: Plan) {
    this.plan = plan
    const looked = new Set(plan.nodes.flatMap((n) => Object.values(n.latest)))
    const heard = new Set(plan.nodes.flatMap((n) => Object.values(n.inputs).flat()))
    const beside = new Set(plan.sources.flatMap(({ id }) => BESIDE.map((port) => `${id}.${port}`)))
    const asked = new Set(plan.nodes.flatMap((n) => n.operator.numbered.flatMap((port) => n.inputs[port] ?? [])))
    const readers = new Map<string, Reader[]>(plan.edges.map((e) => [e.name, []]))
    let end = 0
    const spots = plan.edges.map((e) => {
      const kept = looked.has(e.name) ? flatOf(e.kind) : undefined
      const spot = end
      if (kept !== undefined) end += 1 + kept.width
      return { kept, spot }
    })
    // a literal of all fields: what V8 makes of `{ ...e, … }` has a hidden class of its own each time
    this.edges = plan.edges.map((e, index) => {
      const { name, kind, recorded } = e
      const { kept, spot } = spots[index] as (typeof spots)[number]
      const numbered = recorded || asked.has(name)
      const place = numbered || kept !== undefined || heard.has(name) || !beside.has(name) ? end : -1
      if (place >= 0) end += NUMBERS
      return { index, name, kind, recorded, readers: readers.get(name) as Reader[], place, numbered, kept, spot }
    })
    this.stride = end
    this.named = new Map(this.edges.map((e) => [e.name, e]))
    const inOrder = new Set(plan.nodes.map(edgesInOrder).filter((edges) => edges !== ''))
    this.in_order = [...inOrder].map((edges, index) => ({ index, edges, newest: new Float64Array(0) }))
    this.nodes = plan.nodes.map((planned, index) => this.start(planned, index))
    for (const node of this.nodes) {
      const { operator, inputs } = node.planned
      for (const [port, edges] of Object.entries(inputs))
        for (const edge of edges)
          readers.get(edge)?.push({
            node,
            port,
            handler: operator.on[port] as unknown as Handler,
            feedback: operator.feedback.includes(port),
            in_order: operator.in_order.includes(port) ? node.in_order : undefined,
          })
    }
    this.heard = plan.sources.map(() => new Uint8Array(0))
    this.inlets = plan.sources.map(({ id }) => ({
      row: this.edge(id),
      late: this.edge(`${id}.late`),
      gap: this.edge(`${id}.gap`),
      invalid: this.edge(`${id}.invalid`),
      event: this.edge(`${id}.event`),
    }))
    this.sent = new Float64Array(this.edges.length)
    this.fields = this.recordFields()
    this.record = recordOf(['$key', ...this.fields.map((f) => f.name)], () => this.recordValues(''))
    this.keyCode(WHOLE)
  }

  private start(planned: PlannedNode, index: number): Running {
    const { operator, params } = planned
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
    const wide = operator.scope === 'pipeline'
    const layouts = {
      state: layoutOf(operator.init(params)),
      each: layoutOf(operator.each?.(params) ?? {}),
    }
    const fresh = {
      state: makerOf(operator, layouts.state, () => operator.init(params)),
      each:
        operator.each === undefined
          ? () => NOTHING
          : makerOf(operator.each, layouts.each, () => operator.each?.(params) as State),
    }
    return {
      index,
      planned,
      wide,
      whole: wide ? fresh.state() : undefined,
      each: [],
      layouts,
      fresh,
      latest,
      lookout: lookoutOf(operator),
      in_order: this.in_order.find(({ edges }) => edges === edgesInOrder(planned)),
      outputs,
      single: isKind(operator.output),
      alarms: new Float64Array(0),
      broken: new Uint8Array(0),
      awake: new Uint8Array(0),
    }
  }

  edge(name: string): Edge {
    const edge = this.named.get(name)
    if (edge === undefined) throw new TypeError(`no edge ${name}`)
    return edge
  }

  /** The small number that stands for a key, if it was seen before. */
  knownCode(key: string): number | undefined {
    return this.codes.get(key)
  }
  /** The same; a new key gets its states. */
  keyCode(key: string): number {
    const known = this.codes.get(key)
    if (known !== undefined) return known
    const code = this.keys.length
    if (code === this.dirty.length) this.grow(Math.max(FIRST_KEYS, code * 2))
    this.keys.push(key)
    this.codes.set(key, code)
    this.groups[code] = code === 0 ? KEY_GROUPS : keyGroup(key)
    const values = this.recordValues(key)
    const record = this.record
      ? new this.record(...(values as never[]))
      : Object.fromEntries([['$key', key], ...this.fields.map(({ name }, i) => [name, values[i + 1]])])
    this.records.push(record as Record<string, unknown>)
    for (const node of this.nodes) {
      node.each[code] = (this.records[code]?.[`${node.planned.id}$part`] as State | undefined) ?? NOTHING
      node.awake[code] = 1
    }
    for (const { place } of this.edges) if (place >= 0) this.memory.real[code * this.stride + place] = -1
    this.soil(code)
    if (this.nodes.some((n) => n.wide && n.broken[0] === 1)) this.troubled[code] = 1
    this.grown()
    return code
  }
  private grow(keys: number): void {
    const longer = (old: Uint8Array) => {
      const array = new Uint8Array(keys)
      array.set(old)
      return array
    }
    this.groups = longer(this.groups)
    this.dirty = longer(this.dirty)
    this.troubled = longer(this.troubled)
    const filled = (old: Float64Array, value: number) => {
      const array = new Float64Array(keys).fill(value)
      array.set(old)
      return array
    }
    for (const node of this.nodes) {
      node.broken = longer(node.broken)
      node.awake = longer(node.awake)
      if (node.planned.operator.alarm) node.alarms = filled(node.alarms, Number.POSITIVE_INFINITY)
    }
    this.heard.forEach((heard, s) => {
      this.heard[s] = longer(heard)
    })
    for (const ordered of this.in_order) ordered.newest = filled(ordered.newest, Number.NEGATIVE_INFINITY)
    const memory = slots(keys * this.stride)
    // as whole numbers: halves of a bigint look like any double
    memory.whole.set(this.memory.whole)
    this.memory = memory
  }
  /** What rows of sources look at comes first: it lies side by side. */
  private recordFields(): Network['fields'] {
    const all = this.nodes.flatMap((node) => {
      const { id, operator } = node.planned
      const hears = this.inlets.some(({ row }) => row.readers.some((r) => r.node === node))
      const state = node.wide ? [] : [{ name: id, fresh: node.fresh.state, hears }]
      return operator.each === undefined ? state : [...state, { name: `${id}$part`, fresh: node.fresh.each, hears }]
    })
    return [...all.filter((f) => f.hears), ...all.filter((f) => !f.hears)]
  }

  private recordValues = (key: string): readonly unknown[] => [key, ...this.fields.map((f) => f.fresh())]

  stateOf(node: Running, code: number): State {
    return node.whole ?? (this.records[code]?.[node.planned.id] as State)
  }
  /** After a gap of its feed a node may begin anew, or mark that it did not see everything. */
  applyGap(node: Running, code: number): void {
    const { operator, params } = node.planned
    if (operator.on_gap === 'mark') this.stateOf(node, code)['gapped'] = true
    if (operator.on_gap !== 'reset') return
    if (!node.wide) renew(node.layouts.state, this.stateOf(node, code), operator.init(params))
    if (operator.each) renew(node.layouts.each, node.each[code] as State, operator.each(params))
    for (const { edge } of node.outputs) this.forget(edge, code)
  }
  /** The state of a key may have changed; where a message did it, timers that were idle are called again. */
  soil(code: number, told = 0): void {
    this.dirty[code] = (this.dirty[code] as number) | DIRTY | told
  }
  isBroken(node: Running, code: number): boolean {
    return node.broken[node.wide ? 0 : code] === 1
  }
  /** A node that failed is left out for the key from here on; one of the whole pipeline for all keys. */
  leaveOut(node: Running, code: number): void {
    node.broken[node.wide ? 0 : code] = 1
    node.alarms[node.wide ? 0 : code] = Number.POSITIVE_INFINITY
    this.soil(node.wide ? 0 : code)
    if (node.wide) this.markTroubled()
    else {
      this.troubled[code] = 1
      this.troubles()
    }
  }
  /** Works out which keys are troubled: after a failure, and after a restore. */
  markTroubled(): void {
    for (let code = 0; code < this.keys.length; code++)
      this.troubled[code] = this.nodes.some((n) => this.isBroken(n, code)) ? 1 : 0
    this.troubles()
  }

  keep({ spot, kept }: Edge, code: number, value: unknown): void {
    if (kept === undefined) return
    const start = code * this.stride + spot
    this.memory.real[start] = 1
    kept.put(this.memory, start + 1, value)
  }
  /** The newest message of an edge; undefined before it has spoken. */
  newest({ spot, kept }: Edge, code: number): unknown {
    const start = code * this.stride + spot
    return kept !== undefined && this.memory.real[start] === 1 ? kept.take(this.memory, start + 1) : undefined
  }
  private forget({ spot, kept }: Edge, code: number): void {
    const start = code * this.stride + spot
    if (kept !== undefined) this.memory.whole.fill(0n, start, start + 1 + kept.width)
  }

  /** Which message of its edge, key and time this one is: half of its name. NaN where nobody asks. */
  number(edge: Edge, code: number, at: number): number {
    if (!edge.numbered) return Number.NaN
    const place = code * this.stride + edge.place
    const numbers = this.memory.real
    const last = numbers[place] as number
    if (at < last) {
      const before = numbers[place + 2] as number
      numbers[place + 2] = before + 1
      return STRAGGLERS + before
    }
    const ordinal = at === last ? (numbers[place + 1] as number) + 1 : 0
    numbers[place] = at
    numbers[place + 1] = ordinal
    return ordinal
  }
}

/**
 * Rows within the lateness of their source come out of order, and what they cause does so too. A message older than the
 * newest of its edge and key is numbered from here on, so that no two share an id.
 */
export const STRAGGLERS = 2 ** 31

function edgesInOrder({ operator, inputs }: PlannedNode): string {
  const edges = [...new Set(operator.in_order.flatMap((port) => inputs[port] ?? []))].sort()
  return edges.length > 0 && operator.late ? [...edges, 'late'].join() : edges.join()
}

function makerOf(of: object, { leaves }: Layout, make: () => State): () => State {
  const fields = leaves.map(({ path, type }) => `${path.join('.')}:${type}`).join()
  const adopt = adopterOf(of, fields, make())
  return () => adopt(make())
}

/** Records of the same nodes are of one class: a program that is used again finds what it knows. */
const recordShapes = new Map<string, FieldShape>()
function recordOf(fields: readonly string[], sample: () => readonly unknown[]): FieldShape {
  const names = fields.join()
  if (!recordShapes.has(names)) recordShapes.set(names, shapeOf(fields, sample()))
  return recordShapes.get(names)
}

const lookouts = new WeakMap<object, FieldShape>()
function lookoutOf(operator: PlannedNode['operator']): FieldShape {
  if (!lookouts.has(operator)) {
    const kinds = Object.entries(operator.latest)
    const sample = kinds.map(([, { kind }]) => (kind === 'scalar' ? 0.5 : NOTHING))
    lookouts.set(
      operator,
      shapeOf(
        kinds.map(([port]) => port),
        sample,
      ),
    )
  }
  return lookouts.get(operator)
}
