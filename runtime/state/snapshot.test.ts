import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { columnsOf } from '../../schemas/columns.ts'
import { Bands, Scalar } from '../../schemas/features.ts'
import { type Fixed, fixed } from '../../schemas/fixed.ts'
import type { Kind } from '../../schemas/kind.ts'
import { kinds } from '../../schemas/kinds.ts'
import { Bar } from '../../schemas/market.ts'
import { Fill, Signal } from '../../schemas/orders.ts'
import { bar, barOf, fill, scalar, signal, to } from '../../schemas/samples.ts'
import { defineOperator, Ring, type State } from '../define.ts'
import { Driver } from '../drive.ts'
import { layoutOf, slots } from './layout.ts'

const again = <S extends State>(state: S, blank: S): S => {
  const layout = layoutOf(blank)
  const into = slots(layout.width)
  layout.save(state, into, 0)
  layout.load(blank, into, 0)
  return blank
}
const ringOf = (length: number, values: readonly number[]) => {
  const ring = new Ring(length)
  for (const value of values) ring.push(value)
  return ring
}

test('a state comes back bit for bit: doubles, flags, bigints, windows and what lies inside', () => {
  const doubles = fc.double()
  const bigs = fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n })
  fc.assert(
    fc.property(doubles, fc.boolean(), bigs, fc.array(doubles, { maxLength: 9 }), (number, flag, big, pushed) => {
      const state = { number, inner: { flag, window: ringOf(4, pushed), long: ringOf(65, pushed) }, big }
      const blank = { number: 0, inner: { flag: false, window: new Ring(4), long: new Ring(65) }, big: 0n }
      expect(again(state, blank)).toStrictEqual(state)
    }),
  )
})
test.each([Number.NaN, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324])('%d survives', (number) => {
  expect(Object.is(again({ number }, { number: 1 }).number, number)).toBe(true)
})
test('layouts lie side by side without touching', () => {
  const layout = layoutOf({ a: 0, big: 0n })
  const into = slots(2 * layout.width)
  layout.save({ a: 1, big: -1n }, into, 0)
  layout.save({ a: 2, big: 2n ** 100n }, into, layout.width)
  const [first, second] = [
    { a: 0, big: 0n },
    { a: 0, big: 0n },
  ]
  layout.load(first, into, 0)
  layout.load(second, into, layout.width)
  expect([first, second]).toEqual([
    { a: 1, big: -1n },
    { a: 2, big: 2n ** 100n },
  ])
})
test.each([
  ['null', null],
  ['a date', new Date(0)],
  ['a map', new Map()],
  ['text', 'x'],
  ['a function', () => 1],
  ['a list', [1]],
])('%s in a state is refused, with its place', (_name, value) => {
  expect(() => layoutOf({ inner: { odd: value as never } })).toThrow(/state field inner\.odd/)
})

// ---- what `latest` ports keep --------------------------------------------------------------------------

const looker = <K extends Kind>(kind: K) =>
  defineOperator({
    name: 'looker',
    version: 1,
    summary: 'Says what it sees of another edge.',
    input: { bar: Bar },
    latest: { seen: kind },
    output: Scalar,
    params: z.strictObject({}),
    init: () => ({ looked: 0 }),
    on: {
      bar(state, _bar, { latest }) {
        state.looked++
        seen.push(latest.seen)
        return 1
      },
    },
    example: { params: {}, input: [], output: [] },
  }).definition
const seen: unknown[] = []

const messages: readonly (readonly [Kind, unknown])[] = [
  [Scalar, -0],
  [Scalar, Number.NaN],
  [Bar, barOf(10, { complete: false, volume: 0 })],
  [Signal, signal(1, -1).value],
  [Bands, { middle: 1, upper: 2, lower: -1, place: Number.NaN, width: 0 }],
  [Fill, { ...fill(1, 'sell', 3).value, notional: -(2n ** 90n) as Fixed, fee: fixed('0.00000001') }],
]
test.each(messages)('the newest message of a latest port is kept over a restart: %#', (kind, value) => {
  const first = new Driver(looker(kind), {}, { strict: false })
  first.feed(to('seen', { kind: kind.kind, at: 1, key: 'v:A', value }))
  const second = new Driver(looker(kind), {}, { strict: false })
  second.load(first.save())
  seen.length = 0
  second.feed({ ...to('bar', bar(2, 1)), key: 'v:A' })
  expect(seen).toStrictEqual([value])
})
test('that a latest port has not spoken yet is kept too', () => {
  const first = new Driver(looker(Scalar), {})
  first.feed(to('seen', scalar(1, 5)))
  first.feed({ ...bar(2, 1), key: 'v:B' })
  const second = new Driver(looker(Scalar), {})
  second.load(first.save())
  expect(second.feed({ ...bar(3, 1), key: 'v:B' })).toEqual([])
  expect(second.feed(bar(4, 1))).toEqual([1])
})
test('two runs that kept a NaN of other bits save the same', () => {
  const odd = new Float64Array(BigUint64Array.of(0xfff8_0000_0000_beefn).buffer)[0] as number
  const [a, b] = [odd, Number.NaN].map((number) => {
    const driver = new Driver(looker(Scalar), {}, { strict: false })
    driver.feed(to('seen', scalar(1, number)))
    return driver.save().bytes
  })
  expect(a).toEqual(b)
})
test('every kind without text can be looked at, and one with text is refused where it is asked for', () => {
  for (const kind of Object.values(kinds)) {
    if (columnsOf(kind).some(({ type }) => type === 'dict')) {
      expect(() => looker(kind), kind.kind).toThrow(/has text/)
      continue
    }
    const driver = new Driver(looker(kind), {})
    expect(() => driver.save(), kind.kind).not.toThrow()
  }
})
test('a save is refused by nobody and bytes at any offset are read', () => {
  const first = new Driver(looker(Scalar), {})
  first.feed(to('seen', scalar(1, 5)))
  const { bytes, keys } = first.save()
  const shifted = new Uint8Array(bytes.byteLength + 3)
  shifted.set(bytes, 3)
  const second = new Driver(looker(Scalar), {})
  second.load({ bytes: shifted.subarray(3), keys })
  expect(second.save().bytes).toEqual(bytes)
})
