import { assert, constantFrom, double, nat, property, string, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { scannerOf } from './scan.ts'

const scan = scannerOf<unknown>(
  ['{"s":"', 'symbol', '","p":"', 'decimal', '","t":', 'count', ',"m":', 'flag', '}'],
  (...values) => values,
)
const read = (text: string) => scan(Buffer.from(text))
const frame = (s: string, p: string, t: string, m: string) => `{"s":"${s}","p":"${p}","t":${t},"m":${m}}`

test('reads what JSON and Number would, to the bit', () => {
  const digits = tuple(nat(9_999_999), nat(99_999), constantFrom('', 1, 5, 8)).map(([a, b, places]) =>
    typeof places === 'number' ? `${a}.${String(b).padStart(places, '0')}` : String(a),
  )
  assert(
    property(digits, nat(), constantFrom('true', 'false'), (p, t, m) => {
      expect(read(frame('BTCUSDT', p, String(t), m))).toEqual(['BTCUSDT', Number(p), t, m === 'true'])
    }),
    { numRuns: 2000 },
  )
  assert(
    property(double({ min: 1e-8, max: 1e9, noNaN: true }), (price) => {
      const p = price.toFixed(8)
      const values = read(frame('A', p, '1', 'true')) as unknown[] | undefined
      if (values !== undefined) expect(values[1]).toBe(Number(p))
    }),
    { numRuns: 5000 },
  )
})

test.each([
  ['a point without digits behind it', frame('A', '1.', '1', 'true')],
  ['a point without digits before it', frame('A', '.5', '1', 'true')],
  ['two points', frame('A', '1.2.3', '1', 'true')],
  ['an exponent', frame('A', '1e3', '1', 'true')],
  ['no digits', frame('A', '', '1', 'true')],
  ['more digits than a double holds', frame('A', '90071992547409931', '1', 'true')],
  ['a zero in front of a number', frame('A', '1', '01', 'true')],
  ['a sign', frame('A', '1', '-1', 'true')],
  ['another word for true', frame('A', '1', '1', 'TRUE')],
  ['a symbol in another alphabet', frame('币安', '1', '1', 'true')],
  ['an empty symbol', frame('', '1', '1', 'true')],
  ['a space', frame('A', '1', ' 1', 'true')],
  ['something behind the end', `${frame('A', '1', '1', 'true')} `],
  ['half a frame', frame('A', '1', '1', 'true').slice(0, -1)],
])('leaves %s to the parser', (_, text) => {
  expect(read(text)).toBeUndefined()
})

test('leaves anything else to the parser, and never throws', () => {
  assert(
    property(string({ unit: 'binary' }), (text) => {
      expect(read(text)).toBeUndefined()
    }),
  )
})

test('two symbols whose sums fall into one slot are both read right', () => {
  const names = Array.from({ length: 20_000 }, (_, n) => `S${n}`)
  for (const name of [...names, ...names]) expect((read(frame(name, '1', '1', 'true')) as unknown[])[0]).toBe(name)
})
