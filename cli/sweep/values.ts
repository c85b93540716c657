import { TidegateError } from '../../schemas/errors.ts'
import { formatDuration, parseDuration } from '../../schemas/units.ts'
import { readValue } from '../definition.ts'

export type Scalar = string | number | boolean | null

const numberText = /^-?\d+(?:\.\d+)?$/
const rangeText = /^([^",]+?)\.\.([^",:]+)(?::([^",]+))?$/

/**
 * The values of `5..50`, `0.1..0.5:0.1`, `30s..5m:30s` or `a,b,c`, in order. The items of a list are read as `--set` reads
 * its value.
 * @throws USAGE
 */
export function valuesOf(text: string, option: string, maximum: number): readonly Scalar[] {
  const wrong = (reason: string) => new TidegateError('USAGE', `${option}: ${reason}`, { option })
  const [, from, to, step] = rangeText.exec(text) ?? []
  if (from !== undefined && to !== undefined) return rangeOf({ from, to, step, maximum, wrong })
  const items = text.match(/"(?:[^"\\]|\\.)*"[^,]*|[^,]+|(?<=,)(?=,|$)|^(?=,|$)/g) ?? []
  if (items.length > maximum)
    throw wrong(`expected at most ${maximum.toLocaleString('en')} values, found ${items.length}`)
  return items.map((item) => {
    const word = item.trim()
    if (word === '') throw wrong('expected a value between commas, found none')
    if (!word.startsWith('"') && word.includes('..'))
      throw wrong(
        `expected a range FROM..TO or FROM..TO:STEP alone, found "${word}"; a word with two dots stands in quotes`,
      )
    return scalar(word, wrong)
  })
}

type Wrong = (reason: string) => TidegateError
function scalar(word: string, wrong: Wrong): Scalar {
  let value: unknown
  try {
    value = readValue(word)
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error))
  }
  if (typeof value === 'object' && value !== null)
    throw wrong(`expected numbers, words, true, false or null, found ${word}`)
  return value as Scalar
}

interface Range {
  readonly from: string
  readonly to: string
  readonly step: string | undefined
  readonly maximum: number
  readonly wrong: Wrong
}
function rangeOf({ from, to, step, maximum, wrong }: Range): readonly Scalar[] {
  const shown = `${from}..${to}${step === undefined ? '' : `:${step}`}`
  const numbers = [from, to, step ?? '1'].every((part) => numberText.test(part))
  if (step === undefined && (!numbers || from.includes('.') || to.includes('.')))
    throw wrong(
      `expected whole numbers or a step, such as 5..50, 0.1..0.5:0.1 or 30s..5m:30s, found ${shown}; a word with two dots stands in quotes`,
    )
  // in whole units, as they were written: 0.1 + 0.2 is not 0.3 in doubles
  const decimals = Math.max(...[from, to, step ?? '1'].map((part) => part.split('.')[1]?.length ?? 0))
  const read = (part: string): bigint => {
    if (numbers) return unitsOf(part, decimals)
    const value = parseDuration(part)
    if (value === undefined)
      throw wrong(`expected three numbers or three durations, such as 30s..5m:30s, found "${part}" in ${shown}`)
    return BigInt(value)
  }
  const [first, last, by] = [read(from), read(to), read(step ?? '1')]
  if (by <= 0n) throw wrong(`expected a step above 0, found ${shown}`)
  if (first > last) throw wrong(`expected a range that ends no earlier than it begins, found ${shown}`)
  const count = (last - first) / by + 1n
  if (count > BigInt(maximum))
    throw wrong(
      `expected at most ${maximum.toLocaleString('en')} values, found ${count.toLocaleString('en')} in ${shown}`,
    )
  return Array.from({ length: Number(count) }, (_, i) => {
    const value = first + BigInt(i) * by
    return numbers ? numberOf(value, decimals) : formatDuration(Number(value))
  })
}

function unitsOf(text: string, decimals: number): bigint {
  const [whole = '0', fraction = ''] = text.split('.')
  return BigInt(`${whole}${fraction.padEnd(decimals, '0')}`)
}
function numberOf(units: bigint, decimals: number): number {
  const digits = String(units < 0n ? -units : units).padStart(decimals + 1, '0')
  const place = digits.length - decimals
  return Number(`${units < 0n ? '-' : ''}${digits.slice(0, place)}.${digits.slice(place) || '0'}`)
}
