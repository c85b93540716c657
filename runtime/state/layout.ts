import type { State, StateValue } from '../define.ts'
import { isRing } from './ring.ts'

/** Slots of 8 bytes, seen as doubles and as whole numbers. */
export interface Slots {
  readonly real: Float64Array
  readonly whole: BigInt64Array
}
export const slots = (count: number): Slots => {
  const real = new Float64Array(count)
  return { real, whole: new BigInt64Array(real.buffer) }
}

/** A whole number of 128 bits in two slots, the low half first. */
export function writeWide({ whole }: Slots, at: number, value: bigint): void {
  whole[at] = BigInt.asIntN(64, value)
  whole[at + 1] = value >> 64n
}
export const readWide = ({ whole }: Slots, at: number): bigint =>
  ((whole[at + 1] as bigint) << 64n) + BigInt.asUintN(64, whole[at] as bigint)

interface Leaf {
  readonly path: readonly string[]
  readonly width: number
  readonly save: (holder: State, name: string, into: Slots, at: number) => void
  readonly load: (holder: State, name: string, from: Slots, at: number) => void
}

/** The flat form of a state: read off what `init` returns, whose shape every later state keeps. */
export interface Layout {
  readonly width: number
  save(state: State, into: Slots, at: number): void
  load(state: State, from: Slots, at: number): void
}

const number: Omit<Leaf, 'path'> = {
  width: 1,
  save: (h, n, into, at) => {
    into.real[at] = h[n] as number
  },
  load: (h, n, from, at) => {
    h[n] = from.real[at] as number
  },
}
const flag: Omit<Leaf, 'path'> = {
  width: 1,
  save: (h, n, into, at) => {
    into.real[at] = h[n] === true ? 1 : 0
  },
  load: (h, n, from, at) => {
    h[n] = from.real[at] !== 0
  },
}
const whole: Omit<Leaf, 'path'> = {
  width: 2,
  save: (h, n, into, at) => {
    writeWide(into, at, h[n] as bigint)
  },
  load: (h, n, from, at) => {
    h[n] = readWide(from, at)
  },
}
const window = (length: number): Omit<Leaf, 'path'> => ({
  width: length + 2,
  save: (h, n, into, at) => {
    const ring = h[n]
    if (!isRing(ring)) return
    into.real.set(ring.data, at)
    into.real[at + length] = ring.next
    into.real[at + length + 1] = ring.count
  },
  load: (h, n, from, at) => {
    const ring = h[n]
    if (!isRing(ring)) return
    ring.data.set(from.real.subarray(at, at + length))
    ring.next = from.real[at + length] as number
    ring.count = from.real[at + length + 1] as number
  },
})

function leaves(value: StateValue, path: readonly string[]): readonly Leaf[] {
  if (typeof value === 'number') return [{ path, ...number }]
  if (typeof value === 'boolean') return [{ path, ...flag }]
  if (typeof value === 'bigint') return [{ path, ...whole }]
  if (isRing(value)) return [{ path, ...window(value.data.length) }]
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return Object.entries(value).flatMap(([name, v]) => leaves(v, [...path, name]))
  throw new TypeError(
    `state field ${path.join('.')}: expected a number, boolean, bigint, Ring or an object of these, found ${String(value)}`,
  )
}

export function layoutOf(sample: State): Layout {
  const all = Object.entries(sample).flatMap(([name, value]) => leaves(value, [name]))
  const each = (state: State, at: number, visit: (leaf: Leaf, holder: State, name: string, at: number) => void) => {
    let place = at
    for (const leaf of all) {
      let holder = state
      for (let i = 0; i < leaf.path.length - 1; i++) holder = holder[leaf.path[i] as string] as State
      visit(leaf, holder, leaf.path.at(-1) as string, place)
      place += leaf.width
    }
  }
  return {
    width: all.reduce((sum, leaf) => sum + leaf.width, 0),
    save: (state, into, at) => each(state, at, (leaf, holder, name, place) => leaf.save(holder, name, into, place)),
    load: (state, from, at) => each(state, at, (leaf, holder, name, place) => leaf.load(holder, name, from, place)),
  }
}
