import { type Column, columnBytes, columnsOf, isBare } from '../../schemas/columns.ts'
import type { Kind } from '../../schemas/kind.ts'
import type { Interpreter } from '../interpret.ts'
import type { Edge, Running } from '../passes.ts'
import { type Layout, layoutOf, readWide, type Slots, slots, writeWide } from './layout.ts'

/** A piece of a snapshot: how wide it is, and how it goes in and out for a key. */
interface Part {
  readonly width: number
  save(code: number, into: Slots, at: number): void
  load(code: number, from: Slots, at: number): void
}

const ofState = (layout: Layout, pick: (code: number) => Parameters<Layout['save']>[0]): Part => ({
  width: layout.width,
  save: (code, into, at) => layout.save(pick(code), into, at),
  load: (code, from, at) => layout.load(pick(code), from, at),
})

/** The newest message of an edge that some port looks at, and whether it has spoken. */
function ofNewest(edge: Edge, newest: unknown[]): Part {
  const columns = columnsOf(edge.kind)
  const width = columns.reduce((sum, c) => sum + slotsOf(c), 1)
  return {
    width,
    save(code, into, at) {
      const value = newest[code]
      into.real[at] = value === undefined ? 0 : 1
      if (value !== undefined) writeMessage(edge.kind, columns, value, into, at + 1)
      else into.real.fill(0, at + 1, at + width)
    },
    load(code, from, at) {
      newest[code] = from.real[at] === 0 ? undefined : readMessage(edge.kind, columns, from, at + 1)
    },
  }
}
const slotsOf = (column: Column): number => Math.ceil(columnBytes[column.type] / 8)

function writeMessage(kind: Kind, columns: readonly Column[], message: unknown, into: Slots, start: number): void {
  let at = start
  for (const column of columns) {
    const value = isBare(kind) ? message : (message as Record<string, unknown>)[column.name]
    if (column.type === 'fixed') writeWide(into, at, value as bigint)
    else if (column.type === 'u8') into.real[at] = (column.values ?? []).indexOf(value as never)
    else if (column.type === 'dict')
      throw new TypeError(`kind ${kind.kind} has text and cannot be kept for a latest port`)
    else into.real[at] = value as number
    at += slotsOf(column)
  }
}
function readMessage(kind: Kind, columns: readonly Column[], from: Slots, start: number): unknown {
  let at = start
  const fields = columns.map((column) => {
    const place = at
    at += slotsOf(column)
    if (column.type === 'fixed') return [column.name, readWide(from, place)]
    if (column.type === 'u8') return [column.name, column.values?.[from.real[place] as number]]
    return [column.name, from.real[place]]
  })
  return isBare(kind) ? fields[0]?.[1] : Object.fromEntries(fields)
}

/** How many messages of its key and time an edge has carried: ids go on counting after a restart. */
const ofOrdinal = (edge: Edge): Part => ({
  width: 3,
  save(code, into, at) {
    into.real[at] = edge.lastAt[code] as number
    into.real[at + 1] = edge.ordinal[code] as number
    into.real[at + 2] = edge.stragglers[code] as number
  },
  load(code, from, at) {
    edge.lastAt[code] = from.real[at] as number
    edge.ordinal[code] = from.real[at + 1] as number
    edge.stragglers[code] = from.real[at + 2] as number
  },
})

function keyParts(engine: Interpreter): readonly Part[] {
  const { nodes, edges } = engine.passes
  const states = nodes
    .filter((n) => !n.wide)
    .map((n) => ofState(layoutOf(n.states[0] as never), (code) => n.states[code] as never))
  const each = nodes.map((n) => ofState(layoutOf(n.each[0] as never), (code) => n.each[code] as never))
  const newest = [...edges.values()].flatMap((e) => (e.newest === undefined ? [] : [ofNewest(e, e.newest)]))
  const heard: Part = {
    width: engine.heard.length,
    save(code, into, at) {
      for (const [s, codes] of engine.heard.entries()) into.real[at + s] = codes.has(code) ? 1 : 0
    },
    load(code, from, at) {
      for (const [s, codes] of engine.heard.entries()) if (from.real[at + s] === 1) codes.add(code)
    },
  }
  return [...states, ...each, ...newest, ...[...edges.values()].map(ofOrdinal), heard]
}
function wholeParts(engine: Interpreter): readonly Part[] {
  const counts = layoutOf(engine.counts)
  const taken = layoutOf({ rows: 0, data: 0, ended: false })
  return [
    ...engine.passes.nodes
      .filter((n: Running) => n.wide)
      .map((n) => ofState(layoutOf(n.states[0] as never), () => n.states[0] as never)),
    ...[engine.times, ...engine.schedule.clocks.map((c) => c.watermarks)].map((part) => ({
      width: part.width,
      save: (_c: number, into: Slots, at: number) => part.save(into, at),
      load: (_c: number, from: Slots, at: number) => part.load(from, at),
    })),
    {
      width: counts.width,
      save: (_c, into, at) => counts.save(engine.counts, into, at),
      load: (_c, from, at) => counts.load(engine.counts, from, at),
    },
    ...engine.taken.map((source) => ofState(taken, () => source)),
  ]
}

const total = (parts: readonly Part[]): number => parts.reduce((sum, p) => sum + p.width, 0)
function visit(parts: readonly Part[], start: number, f: (part: Part, at: number) => void): void {
  let at = start
  for (const part of parts) {
    f(part, at)
    at += part.width
  }
}

/**
 * Saves and restores everything an engine knows, flat: the part of the whole pipeline, then a record per key. A delta
 * holds the keys that changed since the last save; a full one holds all. Key names travel beside it.
 */
export class Snapshots {
  private readonly engine: Interpreter
  private readonly perKey: readonly Part[]
  private readonly whole: readonly Part[]
  private readonly keyWidth: number
  private readonly wholeWidth: number

  constructor(engine: Interpreter) {
    this.engine = engine
    this.perKey = keyParts(engine)
    this.whole = wholeParts(engine)
    this.keyWidth = total(this.perKey)
    this.wholeWidth = total(this.whole)
  }

  /** Bytes of a save; clears what counts as changed. */
  save(full: boolean): Uint8Array {
    const { passes } = this.engine
    const codes = full ? [...passes.keys.keys()] : [...passes.dirty].sort((a, b) => a - b)
    const into = slots(1 + this.wholeWidth + codes.length * (1 + this.keyWidth))
    into.real[0] = codes.length
    visit(this.whole, 1, (part, at) => part.save(0, into, at))
    codes.forEach((code, i) => {
      const at = 1 + this.wholeWidth + i * (1 + this.keyWidth)
      into.real[at] = code
      visit(this.perKey, at + 1, (part, place) => part.save(code, into, place))
    })
    passes.dirty.clear()
    return new Uint8Array(into.real.buffer)
  }

  /** Applies a save; `keys` are the names of all key codes at that time. Call `engine.resume()` after the last one. */
  load(bytes: Uint8Array, keys: readonly string[]): void {
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes)
    const count = aligned.byteLength / 8
    const from: Slots = {
      real: new Float64Array(aligned.buffer as ArrayBuffer, aligned.byteOffset, count),
      whole: new BigInt64Array(aligned.buffer as ArrayBuffer, aligned.byteOffset, count),
    }
    for (const key of keys) this.engine.passes.keyCode(key)
    visit(this.whole, 1, (part, at) => part.load(0, from, at))
    for (let i = 0; i < (from.real[0] as number); i++) {
      const at = 1 + this.wholeWidth + i * (1 + this.keyWidth)
      const code = from.real[at] as number
      visit(this.perKey, at + 1, (part, place) => part.load(code, from, place))
    }
    this.engine.passes.dirty.clear()
  }
}
