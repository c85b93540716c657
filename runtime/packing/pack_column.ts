import {
  factorsOf,
  GREATEST_EXPONENT,
  LEAST_EXPONENT,
  type Method,
  type Numbers,
  partsOf,
  type Width,
  widths,
} from './layout.ts'

/** A column as whole numbers, and how they are told apart. */
export interface PackedColumn {
  readonly method: Exclude<Method, 'as_is'>
  readonly width: Width
  readonly exponent: number
  readonly base: number
  readonly step: number
  readonly jumps: readonly number[]
  /** What is left of n, per row; 0 at a jump. */
  readonly codes: Float64Array
  readonly numbers: Float64Array
}

/** More jumps than one row in so many cost more time to read than a wider column does. */
const ROWS_PER_JUMP = 16

/** The column in the fewest bytes; undefined where packing makes it no smaller, or cannot give it back bit for bit. */
export function packColumn(column: Numbers): PackedColumn | undefined {
  const whole = wholeNumbers(column)
  if (whole === undefined) return undefined
  const { numbers, exponent } = whole
  const rows = numbers.length
  const steps = new Float64Array(rows)
  for (let i = 1; i < rows; i++) steps[i] = (numbers[i] as number) - (numbers[i - 1] as number)
  let best: Fit & { method: PackedColumn['method'] } = {
    method: 'direct',
    width: 0,
    least: 0,
    bytes: column.byteLength,
  }
  // At equal length `direct` wins: its rows do not wait for one another when they are read.
  for (const [method, values] of [
    ['direct', numbers],
    ['delta', steps.subarray(1)],
  ] as const) {
    const fit = fitOf(values, rows)
    if (fit !== undefined && fit.bytes < best.bytes) best = { ...fit, method }
  }
  if (best.bytes === column.byteLength) return undefined
  const { method, width, least } = best
  const range = 2 ** (8 * width)
  const codes = new Float64Array(rows)
  const jumps: number[] = []
  for (let i = 0; i < rows; i++) {
    const code = method === 'direct' ? (numbers[i] as number) - least : i === 0 ? 0 : (steps[i] as number) - least
    if (code >= 0 && code < range) codes[i] = code
    else jumps.push(i)
  }
  const base = method === 'direct' ? least : (numbers[0] as number) - least
  return { method, width, exponent, base, step: method === 'direct' ? 0 : least, jumps, codes, numbers }
}

/** The column as whole numbers times the one power of ten that makes them smallest. */
function wholeNumbers(column: Numbers): { numbers: Float64Array; exponent: number } | undefined {
  const numbers = new Float64Array(column.length)
  const fits = (exponent: number): boolean => {
    const { times, by } = factorsOf(exponent)
    for (let i = 0; i < column.length; i++) {
      const value = column[i] as number
      const n = Math.round((value / times) * by)
      // Object.is: a negative zero and NaN are not given back by whole numbers.
      if (!(Math.abs(n) <= Number.MAX_SAFE_INTEGER && Object.is((n * times) / by, value))) return false
      numbers[i] = n
    }
    return true
  }
  let exponent = 0
  if (fits(0)) while (exponent > LEAST_EXPONENT && fits(exponent - 1)) exponent--
  else while (exponent <= GREATEST_EXPONENT && !fits(exponent)) exponent++
  if (exponent > GREATEST_EXPONENT) return undefined
  fits(exponent)
  return { numbers, exponent }
}

interface Fit {
  readonly width: Width
  readonly least: number
  readonly bytes: number
}

/** The width, and the least value it counts from, that take the fewest bytes. */
function fitOf(values: Float64Array, rows: number): Fit | undefined {
  const sorted = values.slice().sort()
  let best: Fit | undefined
  for (const width of widths) {
    const range = 2 ** (8 * width)
    let most = 0
    let least = sorted[0] ?? 0
    for (let from = 0, to = 0; to < sorted.length; to++) {
      while ((sorted[to] as number) - (sorted[from] as number) >= range) from++
      if (to - from + 1 > most) {
        most = to - from + 1
        least = sorted[from] as number
      }
    }
    const jumps = sorted.length - most
    const { bytes } = partsOf(rows, jumps, width)
    if (jumps * ROWS_PER_JUMP <= rows && (best === undefined || bytes < best.bytes)) best = { width, least, bytes }
  }
  return best
}
