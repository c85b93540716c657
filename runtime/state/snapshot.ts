import type { Engine } from '../engine.ts'
import { NUMBERS, type Running } from '../network.ts'
import { type Layout, layoutOf, type Memory, memoryOf, type Slots, slots } from './layout.ts'

/** A piece of a snapshot: how wide it is, and how it goes in and out for a key. */
interface Part {
  readonly width: number
  save(code: number, into: Memory, at: number): void
  load(code: number, from: Slots, at: number): void
}
type State = Parameters<Layout['save']>[0]

const ofStates = ({ width, save, load }: Layout, pick: (code: number) => State): Part => ({
  width,
  save: (code, into, at) => save(pick(code), into, at),
  load: (code, from, at) => load(pick(code), from, at),
})

/** Flags of a key, one bit each. */
const BITS = 32
const ofFlags = (flag: (i: number) => Uint8Array, count: number): Part => ({
  width: Math.ceil(count / BITS),
  save(code, into, at) {
    for (let i = 0; i < count; i += BITS) {
      let word = 0
      for (let bit = 0; bit < BITS && i + bit < count; bit++) if (flag(i + bit)[code] === 1) word |= 1 << bit
      into.real[at + i / BITS] = word >>> 0
    }
  },
  load(code, from, at) {
    for (let i = 0; i < count; i++) {
      const word = from.real[at + Math.floor(i / BITS)] as number
      flag(i)[code] = (word >>> (i % BITS)) & 1
    }
  },
})

function keyParts({ network }: Engine): readonly Part[] {
  const { nodes, edges, stride } = network
  const numbers = edges.flatMap(({ place, kept }) => kept?.numbers.map((n) => place + NUMBERS + 1 + n) ?? [])
  return [
    ...nodes.filter((n) => !n.wide).map((n) => ofStates(n.layouts.state, (code) => network.stateOf(n, code))),
    ...nodes
      .filter((n) => n.layouts.each.width > 0)
      .map((n) => ofStates(n.layouts.each, (code) => n.each[code] as State)),
    {
      width: stride,
      save: (code, into, at) => {
        const [from, to] = [network.memory.halves, into.halves]
        for (let i = 0, a = 2 * code * stride, b = 2 * at; i < 2 * stride; i++) to[b++] = from[a++] as number
        // V8 does not fix the bits of a NaN
        for (const n of numbers) if (Number.isNaN(into.real[at + n])) into.real[at + n] = Number.NaN
      },
      load: (code, from, at) => network.memory.whole.set(from.whole.subarray(at, at + stride), code * stride),
    },
    ofFlags((i) => network.heard[i] as Uint8Array, network.heard.length),
    ofFlags((i) => (nodes[i] as Running).broken, nodes.length),
  ]
}
function wholeParts(engine: Engine): readonly Part[] {
  const taken = layoutOf({ rows: 0, data: 0, ended: false })
  return [
    ...engine.network.nodes.filter((n) => n.wide).map((n) => ofStates(n.layouts.state, () => n.whole as State)),
    ...[engine.times, ...engine.schedule.clocks.map((c) => c.watermarks)].map((part) => ({
      width: part.width,
      save: (_c: number, into: Slots, at: number) => part.save(into, at),
      load: (_c: number, from: Slots, at: number) => part.load(from, at),
    })),
    ofStates(layoutOf(engine.counts), () => engine.counts),
    ...engine.taken.map((source) => ofStates(taken, () => source)),
  ]
}

const total = (parts: readonly Part[]): number => parts.reduce((sum, p) => sum + p.width, 0)

/** Rows of slots as they were saved last: what is equal to them need not be saved again. */
class Saved {
  private rows = slots(0)
  private readonly width: number
  constructor(width: number) {
    this.width = width
  }
  /** Room for rows, kept as they are. */
  hold(count: number): Memory {
    const length = count * this.width
    if (this.rows.real.length < length) {
      const longer = slots(Math.max(length, 2 * this.rows.real.length))
      longer.whole.set(this.rows.whole)
      this.rows = longer
    }
    return this.rows
  }
}

/** What a record of a key, or of the whole pipeline, begins with; the key code of the latter. */
const PIPELINE = -1
const MASK_BITS = 32
/** Where the records begin: how many there are, and 1 where they are whole. */
const HEAD = 2

/**
 * Saves and restores everything an engine knows, flat: a record for the whole pipeline and one per key. A full save holds
 * every record whole. A delta holds, of the keys that may have changed since the last save, those slots that did: a mask
 * of a bit a slot, then their values. Key names travel beside it.
 */
export class Snapshots {
  private readonly engine: Engine
  private readonly perKey: readonly Part[]
  private readonly whole: readonly Part[]
  private readonly keyWidth: number
  private readonly wholeWidth: number
  private readonly savedKeys: Saved
  private readonly savedWhole: Saved
  private into = slots(0)

  constructor(engine: Engine) {
    this.engine = engine
    this.perKey = keyParts(engine)
    this.whole = wholeParts(engine)
    this.keyWidth = total(this.perKey)
    this.wholeWidth = total(this.whole)
    this.savedKeys = new Saved(this.keyWidth)
    this.savedWhole = new Saved(this.wholeWidth)
  }

  /** Bytes of a save; clears what counts as changed. */
  save(full: boolean): Uint8Array {
    const { keys, dirty } = this.engine.network
    const codes: number[] = []
    for (let code = 0; code < keys.length; code++) if (full || dirty[code] === 1) codes.push(code)
    const masks = (width: number) => 1 + Math.ceil(width / MASK_BITS)
    this.room(
      HEAD +
        masks(this.wholeWidth) +
        2 * this.wholeWidth +
        codes.length * (masks(this.keyWidth) + this.keyWidth) +
        this.keyWidth,
    )
    let at = HEAD
    let count = 0
    const put = (code: number, parts: readonly Part[], width: number, saved: Memory, row: number) => {
      const end = full
        ? this.putWhole(code, parts, width, saved, row, at)
        : this.putChanged(code, parts, width, saved, row, at)
      if (end > at) count++
      at = end
    }
    put(PIPELINE, this.whole, this.wholeWidth, this.savedWhole.hold(1), 0)
    const saved = this.savedKeys.hold(keys.length)
    for (const code of codes) put(code, this.perKey, this.keyWidth, saved, code * this.keyWidth)
    this.into.real[0] = count
    this.into.real[1] = full ? 1 : 0
    dirty.fill(0)
    return new Uint8Array(this.into.real.buffer.slice(0, at * 8))
  }
  private room(length: number): void {
    if (this.into.real.length >= length) return
    this.into = slots(Math.max(length, 2 * this.into.real.length))
  }
  private putWhole(
    code: number,
    parts: readonly Part[],
    width: number,
    saved: Memory,
    row: number,
    at: number,
  ): number {
    this.into.real[at] = code
    this.read(code, parts, at + 1)
    saved.whole.set(this.into.whole.subarray(at + 1, at + 1 + width), row)
    return at + 1 + width
  }
  private read(code: number, parts: readonly Part[], at: number): void {
    let place = at
    for (const part of parts) {
      part.save(Math.max(0, code), this.into, place)
      place += part.width
    }
  }
  private putChanged(
    code: number,
    parts: readonly Part[],
    width: number,
    saved: Memory,
    row: number,
    at: number,
  ): number {
    const { into } = this
    const { halves } = into
    const masks = Math.ceil(width / MASK_BITS)
    const values = at + 1 + masks
    // read where the values will stand: those that changed move forward over those that did not
    this.read(code, parts, values)
    const old = saved.halves
    let [from, before, end] = [2 * values, 2 * row, values]
    for (let word = 0; word < masks; word++) {
      let mask = 0
      const last = Math.min(width, (word + 1) * MASK_BITS)
      for (let i = word * MASK_BITS; i < last; i++, from += 2, before += 2) {
        const low = halves[from] as number
        const high = halves[from + 1] as number
        if (low === old[before] && high === old[before + 1]) continue
        old[before] = low
        old[before + 1] = high
        halves[2 * end] = low
        halves[2 * end + 1] = high
        end++
        mask |= 1 << (i - word * MASK_BITS)
      }
      into.real[at + 1 + word] = mask >>> 0
    }
    if (end === values) return at
    into.real[at] = code
    return end
  }

  /** Applies a save; `keys` are the names of all key codes at that time. Call `engine.resume()` after the last one. */
  load(bytes: Uint8Array, keys: readonly string[]): void {
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes)
    const length = aligned.byteLength / 8
    const from = memoryOf(new Float64Array(aligned.buffer as ArrayBuffer, aligned.byteOffset, length))
    const { network } = this.engine
    for (const key of keys) network.keyCode(key)
    const saved = this.savedKeys.hold(network.keys.length)
    const full = from.real[1] === 1
    let at = HEAD
    for (let i = 0; i < (from.real[0] as number); i++) {
      const code = from.real[at++] as number
      const [parts, width, into, row] =
        code === PIPELINE
          ? [this.whole, this.wholeWidth, this.savedWhole.hold(1), 0]
          : [this.perKey, this.keyWidth, saved, code * this.keyWidth]
      if (full) {
        into.whole.set(from.whole.subarray(at, at + width), row)
        at += width
      } else at = patch(from, at, width, into, row)
      let place = row
      for (const part of parts) {
        part.load(Math.max(0, code), into, place)
        place += part.width
      }
    }
    network.dirty.fill(0)
  }
}

/** Puts the slots a mask names in their places; gives where the next record begins. */
function patch(from: Slots, at: number, width: number, into: Slots, row: number): number {
  const masks = Math.ceil(width / MASK_BITS)
  let next = at + masks
  for (let word = 0; word < masks; word++) {
    const mask = from.real[at + word] as number
    for (let bit = 0; bit < MASK_BITS; bit++)
      if (((mask >>> bit) & 1) === 1) into.whole[row + word * MASK_BITS + bit] = from.whole[next++] as bigint
  }
  return next
}
