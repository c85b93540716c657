import type { Engine } from '../engine.ts'
import type { Running } from '../network.ts'
import { type Layout, layoutOf, type Memory, type Slots } from './layout.ts'

/** A piece of a snapshot: how wide it is, and how it goes in and out for a key. */
export interface Part {
  readonly width: number
  save(code: number, into: Memory, at: number): void
  load(code: number, from: Slots, at: number): void
}
/**
 * Where a program finds what stands in slots, side by side: an expression over `c`, the key code, `s`, the record of the
 * key, and `N`, the network. Of the memory of edges those slots are named that hold a number as it is.
 */
export type Written =
  | { readonly type: Layout['leaves'][number]['type']; readonly width: number; readonly text: string }
  | { readonly type: 'memory'; readonly width: number; readonly numbers: readonly number[] }
export interface KeyPart extends Part {
  readonly written: readonly Written[]
}
type State = Parameters<Layout['save']>[0]

const ofStates = ({ width, save, load }: Layout, pick: (code: number) => State): Part => ({
  width,
  save: (code, into, at) => save(pick(code), into, at),
  load: (code, from, at) => load(pick(code), from, at),
})
const ofKeyStates = (layout: Layout, pick: (code: number) => State, field: string): KeyPart => ({
  ...ofStates(layout, pick),
  written: layout.leaves.map(({ path, type, width }) => ({
    type,
    width,
    text: `s[${JSON.stringify(field)}]${path.map((name) => `[${JSON.stringify(name)}]`).join('')}`,
  })),
})

/** Flags of a key, one bit each. */
const BITS = 32
const ofFlags = (flag: (i: number) => Uint8Array, count: number, text: (i: number) => string): KeyPart => ({
  width: Math.ceil(count / BITS),
  written: Array.from({ length: Math.ceil(count / BITS) }, (_, word) => ({
    type: 'number',
    width: 1,
    text: `(${Array.from({ length: Math.min(BITS, count - word * BITS) }, (_, bit) => `${text(word * BITS + bit)}<<${bit}`).join('|')})>>>0`,
  })),
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

/** How far the ports of a key that are in order have heard. */
const ofInOrder = ({ network: { in_order } }: Engine): KeyPart => ({
  width: in_order.length,
  written: in_order.map(({ index }) => ({ type: 'number', width: 1, text: `N.in_order[${index}].newest[c]` })),
  save(code, into, at) {
    for (const { index, newest } of in_order) into.real[at + index] = newest[code] as number
  },
  load(code, from, at) {
    for (const { index, newest } of in_order) newest[code] = from.real[at + index] as number
  },
})
/** What edges remember of a key. */
function ofMemory({ network }: Engine): KeyPart {
  const { edges, stride } = network
  const numbers = edges.flatMap(({ spot, kept }) => kept?.numbers.map((n) => spot + 1 + n) ?? [])
  return {
    width: stride,
    written: [{ type: 'memory', width: stride, numbers }],
    save: (code, into, at) => {
      const [from, to] = [network.memory.halves, into.halves]
      for (let i = 0, a = 2 * code * stride, b = 2 * at; i < 2 * stride; i++) to[b++] = from[a++] as number
      // V8 does not fix the bits of a NaN
      for (const n of numbers) if (Number.isNaN(into.real[at + n])) into.real[at + n] = Number.NaN
    },
    load: (code, from, at) => network.memory.whole.set(from.whole.subarray(at, at + stride), code * stride),
  }
}

export function keyParts(engine: Engine): readonly KeyPart[] {
  const { network } = engine
  const { nodes, heard } = network
  return [
    ...nodes
      .filter((n) => !n.wide)
      .map((n) => ofKeyStates(n.layouts.state, (code) => network.stateOf(n, code), n.planned.id)),
    ...nodes
      .filter((n) => n.layouts.each.width > 0)
      .map((n) => ofKeyStates(n.layouts.each, (code) => n.each[code] as State, `${n.planned.id}$part`)),
    ofInOrder(engine),
    ofMemory(engine),
    ofFlags(
      (i) => heard[i] as Uint8Array,
      heard.length,
      (i) => `N.heard[${i}][c]`,
    ),
    ofFlags(
      (i) => (nodes[i] as Running).broken,
      nodes.length,
      (i) => `N.nodes[${i}].broken[c]`,
    ),
  ]
}

export function pipelineParts(engine: Engine): readonly Part[] {
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
