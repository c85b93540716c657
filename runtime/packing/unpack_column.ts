import { type Codes, factorsOf, type Method, type Numbers } from './layout.ts'

export interface Unpacking {
  readonly method: Exclude<Method, 'as_is'>
  readonly exponent: number
  readonly base: number
  readonly step: number
  /** Rows of the jumps, rising, and their numbers. */
  readonly jumps: Uint32Array
  readonly to: Float64Array
  /** Undefined at width 0. */
  readonly codes: Codes | undefined
}
type Unpack = (out: Numbers, from: Unpacking) => void

/**
 * Made once per pair of array types: each gets its own type feedback, and so its own loop in machine code.
 * A stretch without a jump is a loop without a branch.
 */
function makeUnpack(): Unpack {
  const direct = (out: Numbers, codes: Codes, base: number, times: number, by: number) => {
    if (by === 1) for (let i = 0; i < out.length; i++) out[i] = (base + (codes[i] as number)) * times
    else for (let i = 0; i < out.length; i++) out[i] = (base + (codes[i] as number)) / by
  }
  return (out, { method, base, step, exponent, jumps, to, codes }) => {
    const { times, by } = factorsOf(exponent)
    const rows = out.length
    if (method === 'direct') {
      if (codes === undefined) out.fill((base * times) / by)
      else direct(out, codes, base, times, by)
      for (let j = 0; j < jumps.length; j++) out[jumps[j] as number] = ((to[j] as number) * times) / by
      return
    }
    let n = base
    for (let i = 0, j = 0; i < rows; j++) {
      const end = j < jumps.length ? Math.min(jumps[j] as number, rows) : rows
      if (codes === undefined)
        for (; i < end; i++) {
          n += step
          out[i] = (n * times) / by
        }
      else if (by === 1)
        for (; i < end; i++) {
          n += step + (codes[i] as number)
          out[i] = n * times
        }
      else
        for (; i < end; i++) {
          n += step + (codes[i] as number)
          out[i] = n / by
        }
      if (i < rows) {
        n = to[j] as number
        out[i++] = (n * times) / by
      }
    }
  }
}

const doubles: Readonly<Record<number, Unpack>> = { 0: makeUnpack(), 1: makeUnpack(), 2: makeUnpack(), 4: makeUnpack() }
const integers: Readonly<Record<number, Unpack>> = {
  0: makeUnpack(),
  1: makeUnpack(),
  2: makeUnpack(),
  4: makeUnpack(),
}

/** Fills `out` with the column. */
export function unpackColumn(out: Numbers, from: Unpacking): void {
  const unpack = (out instanceof Float64Array ? doubles : integers)[from.codes?.BYTES_PER_ELEMENT ?? 0] as Unpack
  unpack(out, from)
}
