import { generate } from '../../schemas/generate.ts'

/** One stretch of a frame. What is read becomes an argument of `build`, in the order of the layout. */
export type Part =
  /** Exactly these bytes; nothing is read. */
  | string
  /** Any bytes up to this one, without quotes, escapes and control characters; nothing is read. */
  | { readonly skip: string }
  /** Letters, digits, `_`, `-` and `/`: text. */
  | 'symbol'
  /** A whole number below 2^53. */
  | 'count'
  /** Digits with a point or without: the double that `Number` makes of them. */
  | 'decimal'
  | 'flag'

/** 10^0 to 10^22: a quotient of two doubles that are exact is rounded once, as the decimal itself would be. */
const POWERS = Float64Array.from({ length: 23 }, (_, n) => Number(`1e${n}`))
const MOST = 2 ** 53
const SLOTS = 4096

/**
 * A reader of frames that always look alike, written out as code: byte by byte, each literal unrolled. Once warm it costs a fifth to a
 * seventh of JSON.parse. A frame that differs in a single byte that is no value is undefined, and left to the parser; so
 * is every frame where code must not be generated.
 */
export function scannerOf<T>(
  layout: readonly Part[],
  build: (...values: never[]) => T,
): (bytes: Uint8Array) => T | undefined {
  const names: string[] = []
  const body = layout.map((part) => statement(part, names)).join('\n')
  const code = `const n = b.length
let i = 0, c = 0, d = 0, from = 0, sum = 0, point = -1
${body}
return i === n ? build(${names.join(', ')}) : undefined`
  const symbolOf = new Symbols().of
  const scope = { build, symbolOf, POWERS }
  return generate<(bytes: Uint8Array) => T | undefined>(['b'], code, scope) ?? (() => undefined)
}

const no = 'return undefined'
function statement(part: Part, names: string[]): string {
  if (typeof part === 'object') {
    const stop = part.skip.charCodeAt(0)
    return `for (c = b[i]; c !== ${stop}; c = b[++i]) if (i >= n || c === 34 || c === 92 || c < 32) ${no}`
  }
  const value = `v${names.length}`
  switch (part) {
    case 'count':
      names.push(value)
      return `let ${value} = 0; from = i
for (d = b[i] - 48; d >= 0 && d <= 9; d = b[++i] - 48) ${value} = ${value} * 10 + d
if (i === from || ${value} >= ${MOST} || (i - from > 1 && b[from] === 48)) ${no}`
    case 'decimal':
      names.push(value)
      return `let ${value} = 0; from = i; point = -1
for (; ; i++) {
  c = b[i]
  if (c >= 48 && c <= 57) ${value} = ${value} * 10 + (c - 48)
  else if (c === 46 && point < 0 && i > from) point = i
  else break
}
if (i === from || ${value} >= ${MOST} || point === i - 1 || i - point > 23 && point >= 0) ${no}
if (point >= 0) ${value} /= POWERS[i - point - 1]`
    case 'symbol':
      names.push(value)
      return `from = i; sum = 0
for (c = b[i]; (c >= 47 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95 || c === 45; c = b[++i]) sum = (Math.imul(sum, 31) + c) | 0
if (i === from) ${no}
const ${value} = symbolOf(b, from, i, sum)`
    case 'flag':
      names.push(value)
      return `let ${value} = true
if (${same('true')}) i += 4
else if (${same('false')}) { i += 5; ${value} = false }
else ${no}`
    default:
      return `if (!(${same(part)})) ${no}
i += ${Buffer.byteLength(part)}`
  }
}
const same = (text: string): string => [...Buffer.from(text)].map((byte, n) => `b[i + ${n}] === ${byte}`).join(' && ')

/** Symbols seen before, by a sum over their bytes: text is made of them once. */
class Symbols {
  private readonly known: { readonly bytes: Uint8Array; readonly text: string }[] = []
  readonly of = (bytes: Uint8Array, from: number, to: number, sum: number): string => {
    const slot = (sum >>> 0) % SLOTS
    const known = this.known[slot]
    if (known !== undefined && equal(bytes, from, to, known.bytes)) return known.text
    const own = Uint8Array.prototype.slice.call(bytes, from, to)
    const text = Buffer.from(own).toString('latin1')
    this.known[slot] = { bytes: own, text }
    return text
  }
}
function equal(bytes: Uint8Array, from: number, to: number, known: Uint8Array): boolean {
  if (known.length !== to - from) return false
  for (let i = 0; i < known.length; i++) if (bytes[from + i] !== known[i]) return false
  return true
}
