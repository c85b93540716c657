import { z } from 'zod'

/**
 * Money and quantities in ledgers: a whole number of 1e-8, held in a bigint, so that sums are exact.
 * Features stay f64; the conversion between the two lives in this file and nowhere else.
 */
export const Fixed = z.bigint().brand<'Fixed'>()
export type Fixed = z.output<typeof Fixed>

const scale = 8
const unit = 10n ** BigInt(scale)
const as = (value: bigint) => value as Fixed

export const ZERO = as(0n)
/** Below this both sides of the division are exact, so its result is the nearest double. */
const SAFE = 2n ** 53n

/** A decimal as (digits, exponent of ten): the shortest text of a double is what the exchange wrote. */
function decimal(value: number | string): { digits: bigint; exponent: number } {
  const decimals = typeof value === 'number' ? decimalsOf(value) : -1
  if (decimals >= 0)
    return { digits: BigInt(Math.round((value as number) * (powers[decimals] as number))), exponent: -decimals }
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(String(value)) ?? []
  if (whole === '' && fraction === '') throw new RangeError(`expected a decimal number, found "${value}"`)
  return { digits: BigInt(`${sign}${whole}${fraction}`), exponent: Number(power) - fraction.length }
}

/** Nearest whole, halves away from zero. */
function divide(a: bigint, by: bigint): bigint {
  const twice = 2n * (a < 0n ? -a : a) + by
  const rounded = twice / (2n * by)
  return a < 0n ? -rounded : rounded
}

const powers = Array.from({ length: scale + 1 }, (_, e) => 10 ** e)
/** Made once: a power of bigints takes as long as the division it is for. */
const tens = Array.from({ length: 40 }, (_, e) => 10n ** BigInt(e))
const ten = (exponent: number): bigint => tens[exponent] ?? 10n ** BigInt(exponent)
/**
 * How many decimals hold a double as it is written, or -1 for more than eight. A whole number m of less than 2^50 with
 * m / 10^e = value is the decimal that was written: its neighbours are other doubles. Two are tried first, for most prices
 * have as many or fewer.
 */
function decimalsOf(value: number): number {
  const hundredths = Math.round(value * 100)
  const small = Math.abs(hundredths) < 2 ** 50
  if (small && hundredths / 100 === value) return 2
  for (let e = small ? 3 : 0; e <= scale; e++) {
    const power = powers[e] as number
    const whole = Math.round(value * power)
    if (whole / power === value) return whole < 2 ** 50 && whole > -(2 ** 50) ? e : -1
  }
  return -1
}

function scaled(digits: bigint, exponent: number): Fixed {
  return as(exponent >= 0 ? digits * ten(exponent) : divide(digits, ten(-exponent)))
}

/** From a decimal number or its text, to the nearest 1e-8. */
export function fixed(value: number | string): Fixed {
  const decimals = typeof value === 'number' ? decimalsOf(value) : -1
  if (decimals >= 0) {
    const whole = Math.round((value as number) * (powers[decimals] as number)) * (powers[scale - decimals] as number)
    if (Math.abs(whole) < 2 ** 53) return as(BigInt(whole))
  }
  const { digits, exponent } = decimal(value)
  return scaled(digits, exponent + scale)
}

/**
 * Nearest whole of a whole number below 2^53 over a power of ten, halves away from zero. What is no half lies further from
 * one than the division errs.
 */
function quotient(a: number, by: number): number {
  const whole = Math.round(Math.abs(a) / by)
  return a < 0 ? -whole : whole
}

/** The same whole number as a double; NaN from 2^53 on, where not all of them are doubles. */
export const doubleOf = (whole: bigint): number => (whole < SAFE && whole > -SAFE ? Number(whole) : Number.NaN)

/** price x quantity in whole 1e-8, where both factors and their product are whole numbers that a double holds; else NaN. */
function wholeNotional(price: number, quantity: number): number {
  const decimals = decimalsOf(price)
  if (decimals < 0) return Number.NaN
  const power = powers[decimals] as number
  const product = Math.round(price * power) * quantity
  return Math.abs(product) < 2 ** 53 ? quotient(product, power) : Number.NaN
}
/** price x quantity to the nearest 1e-8; the price is taken as the decimal it was written as. */
export function notionalOf(price: number, quantity: Fixed): Fixed {
  const whole = wholeNotional(price, doubleOf(quantity))
  if (!Number.isNaN(whole)) return as(BigInt(whole))
  const { digits, exponent } = decimal(price)
  return scaled(digits * quantity, exponent)
}
/** Something held: `whole` is `doubleOf` its quantity. */
export interface Held {
  readonly mark: number
  readonly quantity: bigint
  readonly whole: number
}
/** What all that is held is worth: the sum of `notionalOf` of each, counted in doubles as long as they hold it. */
export function worthOf(held: readonly Held[]): Fixed {
  let [small, large] = [0, 0n]
  for (const { mark, quantity, whole } of held) {
    if (whole === 0) continue
    const sum = small + wholeNotional(mark, whole)
    if (Math.abs(sum) < 2 ** 53) small = sum
    else large += notionalOf(mark, as(quantity))
  }
  return as(large + BigInt(small))
}

/** The product of decimals as whole units of a token of so many decimals, cut: never more than it is. */
export function unitsOf(factors: readonly (number | string)[], decimals: number): bigint {
  let [digits, exponent] = [1n, decimals]
  for (const factor of factors) {
    const of = decimal(factor)
    digits *= of.digits
    exponent += of.exponent
  }
  return exponent >= 0 ? digits * ten(exponent) : digits / ten(-exponent)
}

/** What `bought` gives, where all it is made of are whole numbers that a double holds; else NaN. */
function wholeBought(amount: number, price: number, decimals: number, share: number): number {
  const [of, at] = [share === 1 ? 0 : decimalsOf(share), decimalsOf(price)]
  if (of < 0 || at < 0 || share < 0 || price <= 0) return Number.NaN
  const exponent = at - of + decimals - scale
  const power = powers[Math.abs(exponent)] ?? Number.NaN
  const parts = amount * Math.round(share * (powers[of] as number))
  const cost = Math.round(price * (powers[at] as number))
  const [above, below] = exponent < 0 ? [parts, cost * power] : [parts * power, cost]
  // cut: of whole numbers below 2^53 no quotient is rounded up to the next whole one
  const whole = Math.floor(above / below) * (powers[scale - decimals] as number)
  return above < 2 ** 53 && below < 2 ** 53 && whole < 2 ** 53 ? whole : Number.NaN
}
/** What `amount` x `share` buys at `price`, cut to so many decimals; nothing where it is a debt. */
export function bought(amount: Fixed, price: number, decimals: number, share: number = 1): Fixed {
  if (amount <= 0n) return ZERO
  const whole = wholeBought(doubleOf(amount), price, decimals, share)
  if (!Number.isNaN(whole)) return as(BigInt(whole))
  const [of, at] = [decimal(share), decimal(price)]
  const exponent = of.exponent - at.exponent + decimals - scale
  const power = ten(Math.abs(exponent))
  const [above, below] = exponent < 0 ? [1n, power] : [power, 1n]
  return scaled((amount * of.digits * above) / (at.digits * below), scale - decimals)
}

/** a / b as a double: an average price, a ratio. */
export const ratio = (a: Fixed, b: Fixed): number => toNumber(a) / toNumber(b)
/** The nearest double of the decimal. */
export const toNumber = (value: Fixed): number =>
  value < SAFE && value > -SAFE ? Number(value) / Number(unit) : Number(toText(value))
export const add = (a: Fixed, b: Fixed): Fixed => as(a + b)
export const subtract = (a: Fixed, b: Fixed): Fixed => as(a - b)
export const negate = (a: Fixed): Fixed => as(-a)
export const absolute = (a: Fixed): Fixed => (a < 0n ? as(-a) : a)
/** `amount` x part / whole, to the nearest 1e-8: the cost that leaves with a part of a position. */
export const share = (amount: Fixed, part: Fixed, whole: Fixed): Fixed =>
  as(whole < 0n ? divide(-amount * part, -whole) : divide(amount * part, whole))

/** `999995494313300n` as `9999954.94313300`. */
export function toText(value: Fixed): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0')
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
