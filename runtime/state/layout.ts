import { generate } from '../../schemas/generate.ts'
import type { State, StateValue } from '../define.ts'
import { isRing } from './ring.ts'

/** Slots of 8 bytes, seen as doubles and as whole numbers. */
export interface Slots {
  readonly real: Float64Array
  readonly whole: BigInt64Array
}
/** And in halves: doubles neither move nor compare by their bits. */
export interface Memory extends Slots {
  readonly halves: Int32Array
}
export const slots = (count: number): Memory => memoryOf(new Float64Array(count))
export const memoryOf = (real: Float64Array): Memory => {
  const { buffer, byteOffset, length } = real
  return {
    real,
    whole: new BigInt64Array(buffer, byteOffset, length),
    halves: new Int32Array(buffer, byteOffset, 2 * length),
  }
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
  readonly type: 'number' | 'flag' | 'whole' | 'ring'
  readonly width: number
}

/** The flat form of a state: read off what `init` returns, whose shape every later state keeps. */
export interface Layout {
  readonly width: number
  readonly leaves: readonly Leaf[]
  save(state: State, into: Slots, at: number): void
  load(state: State, from: Slots, at: number): void
}

function leavesOf(value: StateValue, path: readonly string[]): readonly Leaf[] {
  if (typeof value === 'number') return [{ path, type: 'number', width: 1 }]
  if (typeof value === 'boolean') return [{ path, type: 'flag', width: 1 }]
  if (typeof value === 'bigint') return [{ path, type: 'whole', width: 2 }]
  if (isRing(value)) return [{ path, type: 'ring', width: value.data.length + 2 }]
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return Object.entries(value).flatMap(([name, v]) => leavesOf(v, [...path, name]))
  throw new TypeError(
    `state field ${path.join('.')}: expected a number, boolean, bigint, Ring or an object of these, found ${String(value)}`,
  )
}

export function layoutOf(sample: State): Layout {
  const leaves = Object.entries(sample).flatMap(([name, value]) => leavesOf(value, [name]))
  const width = leaves.reduce((sum, leaf) => sum + leaf.width, 0)
  return { width, leaves, ...(written(leaves) ?? walked(leaves)) }
}

type Codec = Pick<Layout, 'save' | 'load'>

/** Rings up to here are loaded number by number: to name a part of an array costs as much as so many. */
const SHORT = 64

/** One statement a leaf: a loop over names costs ten times as much. */
function written(leaves: readonly Leaf[]): Codec | undefined {
  const [save, load]: [string[], string[]] = [[], []]
  let at = 0
  for (const { path, type, width } of leaves) {
    const p = `s${path.map((name) => `[${JSON.stringify(name)}]`).join('')}`
    const [end, place] = [at + width, at === 0 ? 'a' : `a+${at}`]
    if (type === 'number') {
      // V8 does not fix the bits of a NaN
      save.push(`{const v=${p};R[${place}]=v===v?v:NaN;}`)
      load.push(`${p}=R[${place}];`)
    } else if (type === 'flag') {
      save.push(`R[${place}]=${p}===true?1:0;`)
      load.push(`${p}=R[${place}]!==0;`)
    } else if (type === 'whole') {
      save.push(`W[${place}]=BigInt.asIntN(64,${p});W[a+${at + 1}]=${p}>>64n;`)
      load.push(`${p}=(W[a+${at + 1}]<<64n)+BigInt.asUintN(64,W[${place}]);`)
    } else {
      const length = width - 2
      save.push(`{const r=${p};R.set(r.data,${place});R[a+${end - 2}]=r.next;R[a+${end - 1}]=r.count;}`)
      const data =
        length <= SHORT
          ? `for(let i=0;i<${length};i++)r.data[i]=R[${place}+i];`
          : `r.data.set(R.subarray(${place},a+${end - 2}));`
      load.push(`{const r=${p};${data}r.next=R[a+${end - 2}];r.count=R[a+${end - 1}];}`)
    }
    at = end
  }
  const head = 'const R=x.real,W=x.whole;'
  const [put, take] = [save, load].map((lines) =>
    generate<Layout['save']>(['s', 'x', 'a'], `${head}\n${lines.join('\n')}`, {}),
  )
  return put && take && { save: put, load: take }
}

/** The same without generated text. */
function walked(leaves: readonly Leaf[]): Codec {
  const each = (state: State, at: number, visit: (leaf: Leaf, holder: State, name: string, at: number) => void) => {
    let place = at
    for (const leaf of leaves) {
      visit(leaf, holderOf(state, leaf), leaf.path.at(-1) as string, place)
      place += leaf.width
    }
  }
  return {
    save: (state, into, start) =>
      each(state, start, ({ type, width }, holder, name, at) => {
        const value = holder[name]
        if (type === 'whole') writeWide(into, at, value as bigint)
        else if (!isRing(value))
          into.real[at] =
            type === 'flag' ? Number(value === true) : Number.isNaN(value) ? Number.NaN : (value as number)
        else {
          into.real.set(value.data, at)
          into.real[at + width - 2] = value.next
          into.real[at + width - 1] = value.count
        }
      }),
    load: (state, from, start) =>
      each(state, start, ({ type, width }, holder, name, at) => {
        const value = holder[name]
        if (type === 'whole') holder[name] = readWide(from, at)
        else if (!isRing(value)) holder[name] = type === 'flag' ? from.real[at] !== 0 : (from.real[at] as number)
        else {
          value.data.set(from.real.subarray(at, at + width - 2))
          value.next = from.real[at + width - 2] as number
          value.count = from.real[at + width - 1] as number
        }
      }),
  }
}
const holderOf = (state: State, { path }: Leaf): State => path.slice(0, -1).reduce((h, name) => h[name] as State, state)

/** Puts a fresh state into one that is in use, leaf by leaf: whoever holds a part of it keeps holding the right one. */
export function renew({ leaves, width, save, load }: Layout, state: State, fresh: State): void {
  if (leaves.length === 0) return
  const through = slots(width)
  save(fresh, through, 0)
  load(state, through, 0)
}
