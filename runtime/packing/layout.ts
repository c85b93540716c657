import { align8 } from '../../schemas/frame.ts'

/**
 * A packed column holds whole numbers: row i is n(i) * 10^-exponent, and the n are told apart from `base` (`direct`) or
 * from the row before plus `step` (`delta`) by an unsigned number of 0, 1, 2 or 4 bytes. Rows whose n lies further off
 * are jumps: they stand in a list with the n they have. A column that is no such numbers is kept as it was (`as_is`).
 *
 * A descriptor of 32 bytes: u8 method, u8 width, i8 exponent, u8 0, u32 jumps, f64 base, f64 step, 8 bytes of zeros.
 * The data of a column: jumps as u32 rows, jumps as f64 numbers, then the widths; each part starts at a multiple of 8.
 */
export const methods = ['as_is', 'direct', 'delta'] as const
export type Method = (typeof methods)[number]
export type Width = 0 | 1 | 2 | 4
export const widths: readonly Width[] = [0, 1, 2, 4]
export const DESCRIPTOR_BYTES = 32

/** Columns of these types may be packed; the others are kept as they are. */
export type Numbers = Float64Array | Uint32Array
export type Codes = Uint8Array | Uint16Array | Uint32Array

/** Where the parts of a packed column lie from its beginning, and its whole length. */
export const partsOf = (rows: number, jumps: number, width: Width) => {
  const to = align8(jumps * 4)
  const codes = to + jumps * 8
  return { to, codes, bytes: codes + align8(rows * width) }
}

export const LEAST_EXPONENT = -6
export const GREATEST_EXPONENT = 12
// Written out: `10 ** n` is not the same in all versions of Node.
const tens = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12]
/** What n is multiplied with, and then divided by: whole powers of ten, so that one rounding is all there is. */
export const factorsOf = (exponent: number) => ({ times: tens[-exponent] ?? 1, by: tens[exponent] ?? 1 })
