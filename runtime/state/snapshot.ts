import type { Engine } from '../engine.ts'
import { NUMBERS } from '../network.ts'
import { type Layout, layoutOf, type Slots, slots } from './layout.ts'

/** A piece of a snapshot: how wide it is, and how it goes in and out for a key. */
interface Part {
  readonly width: number
  save(code: number, into: Slots, at: number): void
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
const ofFlags = (flags: () => readonly Uint8Array[], count: number): Part => ({
  width: Math.ceil(count / BITS),
  save(code, into, at) {
    const all = flags()
    for (let i = 0; i < all.length; i += BITS) {
      let word = 0
      for (let bit = 0; bit < BITS && i + bit < all.length; bit++) if (all[i + bit]?.[code] === 1) word += 2 ** bit
      into.real[at + i / BITS] = word
    }
  },
  load(code, from, at) {
    for (const [i, flag] of flags().entries()) {
      const word = from.real[at + Math.floor(i / BITS)] as number
      flag[code] = Math.floor(word / 2 ** (i % BITS)) % 2
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
    // as whole numbers: halves of a bigint look like any double
    {
      width: stride,
      save: (code, into, at) => {
        into.whole.set(network.memory.whole.subarray(code * stride, (code + 1) * stride), at)
        // V8 does not fix the bits of a NaN
        for (const n of numbers) if (Number.isNaN(into.real[at + n])) into.real[at + n] = Number.NaN
      },
      load: (code, from, at) => network.memory.whole.set(from.whole.subarray(at, at + stride), code * stride),
    },
    ofFlags(() => network.heard, network.heard.length),
    ofFlags(() => nodes.map((n) => n.broken), nodes.length),
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

/**
 * Saves and restores everything an engine knows, flat: the part of the whole pipeline, then a record per key. A delta
 * holds the keys that changed since the last save; a full one holds all. Key names travel beside it.
 */
export class Snapshots {
  private readonly engine: Engine
  private readonly perKey: readonly Part[]
  private readonly whole: readonly Part[]
  private readonly keyWidth: number
  private readonly wholeWidth: number

  constructor(engine: Engine) {
    this.engine = engine
    this.perKey = keyParts(engine)
    this.whole = wholeParts(engine)
    this.keyWidth = total(this.perKey)
    this.wholeWidth = total(this.whole)
  }

  /** Bytes of a save; clears what counts as changed. */
  save(full: boolean): Uint8Array {
    const { keys, dirty } = this.engine.network
    const codes: number[] = []
    for (let code = 0; code < keys.length; code++) if (full || dirty[code] === 1) codes.push(code)
    const into = slots(1 + this.wholeWidth + codes.length * (1 + this.keyWidth))
    into.real[0] = codes.length
    let at = 1
    for (const part of this.whole) {
      part.save(0, into, at)
      at += part.width
    }
    for (const code of codes) {
      into.real[at++] = code
      for (const part of this.perKey) {
        part.save(code, into, at)
        at += part.width
      }
    }
    dirty.fill(0)
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
    const { network } = this.engine
    for (const key of keys) network.keyCode(key)
    let at = 1
    for (const part of this.whole) {
      part.load(0, from, at)
      at += part.width
    }
    for (let i = 0; i < (from.real[0] as number); i++) {
      const code = from.real[at++] as number
      for (const part of this.perKey) {
        part.load(code, from, at)
        at += part.width
      }
    }
    network.dirty.fill(0)
  }
}
