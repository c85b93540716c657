import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { decodeFrame } from '../schemas/frame.ts'
import { rowReader } from '../schemas/frame_reader.ts'
import { kinds } from '../schemas/kinds.ts'
import { Trade } from '../schemas/market.ts'
import { sources } from '../sources/catalogue.ts'
import type { SourceItem } from './connect.ts'
import { defineSource, listed } from './define.ts'
import { type Binding, encodeItems, type FeedOptions, framesOf, merged, part, type Slice } from './feed.ts'
import { type Plan, plan } from './plan.ts'

const drawn = (...ids: readonly string[]): Plan =>
  plan(
    { pipeline: 'fed', nodes: Object.fromEntries(ids.map((id) => [id, { source: 'tape_trades' }])) },
    { sources, operators: {}, sinks: {} },
  )
const two = drawn('a', 'b')

const row = (at: number, id: number, key = 'v:A'): SourceItem => ({
  type: 'row',
  at,
  key,
  value: { price: 1, size: 1, side: 0, id } satisfies Trade,
})
const gap = (at: number, key: string): SourceItem => ({
  type: 'gap',
  at,
  key,
  value: { reason: 'sequence', missing: 1, since: 0 },
})
const tape = (source: Plan['sources'][number], items: readonly SourceItem[], cut: readonly number[] = []): Binding => {
  const places = [0, ...cut.filter((c) => c > 0 && c < items.length).sort((x, y) => x - y), items.length]
  const frames = places.slice(1).flatMap((to, i) => encodeItems(source, items.slice(places[i], to)))
  return { type: 'recording', recording: { frames: () => frames } }
}
/** What comes out, a word a row: source, what it is, and when or which. */
function words(plan: Plan, slices: Iterable<Slice>): string[] {
  return [...slices].flatMap(({ source, frame, from, to }) =>
    Array.from({ length: to - from }, (_, i) => {
      const n = from + i
      const { id } = plan.sources[source] as Plan['sources'][number]
      if (frame.kind === 'trade') return `${id}${(rowReader(kinds['trade'] as never)(frame, n) as Trade).id}`
      const ends = frame.kind === 'heartbeat' && frame.columns[0]?.[n] === 1
      return `${id}:${ends ? 'end' : frame.kind}@${frame.at[n]}`
    }),
  )
}
const feed = (
  a: readonly SourceItem[],
  b: readonly SourceItem[],
  options: FeedOptions = {},
  cuts: readonly number[] = [],
) =>
  words(
    two,
    merged(
      two,
      new Map([
        ['a', tape(two.sources[0] as never, a, cuts)],
        ['b', tape(two.sources[1] as never, b, cuts)],
      ]),
      options,
    ),
  )

test('merges by event time, at equal times in the order the sources are drawn', () => {
  expect(feed([row(1, 1), row(3, 2), row(3, 3)], [row(1, 1), row(2, 2), row(3, 3)])).toEqual([
    'a1',
    'b1',
    'b2',
    'a2',
    'a3',
    'b3',
    'a:end@4',
    'b:end@4',
  ])
})
test('keeps the order of each source though its times run back', () => {
  expect(feed([row(5, 1), row(2, 2)], [row(3, 1), row(4, 2)])).toEqual(['b1', 'b2', 'a1', 'a2', 'b:end@5', 'a:end@6'])
})
test('an empty recording is over at once', () => {
  expect(feed([], [row(1, 1)])).toEqual(['a:end@1', 'b1', 'b:end@2'])
})

/** The meaning of a merge: again and again the earliest head. */
function naive(a: readonly SourceItem[], b: readonly SourceItem[]): string[] {
  const time = (items: readonly SourceItem[]) =>
    (items[0] as { at: number } | undefined)?.at ?? Number.POSITIVE_INFINITY
  const said: string[] = []
  const [left, right] = [[...a], [...b]]
  while (left.length + right.length > 0) {
    const first = time(left) <= time(right)
    const item = (first ? left : right).shift() as Extract<SourceItem, { type: 'row' }>
    said.push(`${first ? 'a' : 'b'}${(item.value as Trade).id}`)
  }
  return said
}
const times = fc.array(fc.nat(12), { maxLength: 20 }).map((all) => all.map((at, i) => row(at, i)))
test('merges as the plain rule says, however the recordings are cut into frames', () => {
  fc.assert(
    fc.property(times, times, fc.array(fc.nat(20)), (a, b, cuts) => {
      const rows = feed(a, b, {}, cuts).filter((word) => !word.includes('end'))
      expect(rows).toEqual(naive(a, b))
    }),
  )
})
test('goes on after any number of taken rows as if it had never stopped, ends included', () => {
  fc.assert(
    fc.property(times, times, fc.nat(44), (a, b, count) => {
      const whole = feed(a, b)
      const before = whole.slice(0, count)
      const taken = ['a', 'b'].map((id) => {
        const rows = before.filter((word) => word.startsWith(id)).length
        return { rows, data: rows, ended: false }
      })
      expect(feed(a, b, { taken })).toEqual(whole.slice(count))
    }),
  )
})

test('a source whose end was taken has nothing more to say, generated or recorded', () => {
  const made = defineSource({
    name: 'made',
    version: 1,
    summary: 'Three rows.',
    output: Trade,
    params: z.strictObject({}),
    generate: function* (_params, position) {
      yield [row(1, 1), row(2, 2)].slice(position)
      yield [{ type: 'end', at: 3 }]
    },
    example: { params: {} },
  })
  const nodes = { m: { source: 'made' }, t: { source: 'tape_trades' } }
  const both = plan({ pipeline: 'both', nodes }, { sources: { ...sources, ...listed(made) }, operators: {}, sinks: {} })
  const bindings = new Map([['t', tape(both.sources[1] as never, [row(9, 1)])]])
  const none = { rows: 0, data: 0, ended: false }
  const feed = (options: FeedOptions) => words(both, merged(both, bindings, options))
  expect(feed({})).toEqual(['m1', 'm2', 'm:end@3', 't1', 't:end@10'])
  expect(feed({ taken: [{ rows: 1, data: 1, ended: false }, none] })).toEqual(['m2', 'm:end@3', 't1', 't:end@10'])
  expect(feed({ taken: [{ rows: 3, data: 2, ended: true }, none] })).toEqual(['t1', 't:end@10'])
})

test('gives the rows of a stretch of time, its first moment included and its last not', () => {
  expect(feed([row(1, 1), row(2, 2), row(3, 3)], [row(2, 1), row(4, 2)], { from: 2, to: 3 })).toEqual([
    'a2',
    'b1',
    'a:end@3',
    'b:end@3',
  ])
})
test('takes one symbol of a recording, by its name or with its venue, and gaps of the whole feed with it', () => {
  const one = drawn('a')
  const items = [row(1, 1, 'v:A'), row(2, 2, 'v:B'), gap(3, 'v:B'), gap(4, '*'), row(5, 3, 'w:B')]
  const of = (symbol: string) =>
    words(one, merged(one, new Map([['a', { ...tape(one.sources[0] as never, items), symbol } as Binding]])))
  expect(of('B')).toEqual(['a2', 'a:gap@3', 'a:gap@4', 'a3', 'a:end@6'])
  expect(of('v:B')).toEqual(['a2', 'a:gap@3', 'a:gap@4', 'a:end@5'])
})
test('a recorded end ends the feed there', () => {
  const one = drawn('a')
  const items: SourceItem[] = [row(1, 1), { type: 'end', at: 9 }]
  const all = () => words(one, merged(one, new Map([['a', tape(one.sources[0] as never, items)]])))
  expect(all()).toEqual(['a1', 'a:end@9'])
})
test('a source without a recording is refused, and one that gives another kind', () => {
  expect(() => [...merged(two, new Map())]).toThrow(/bind it to a tape with --bind a=TAPE/)
  const quotes = plan({ pipeline: 'q', nodes: { a: { source: 'tape_quotes' } } }, { sources, operators: {}, sinks: {} })
  const trades = tape(two.sources[0] as never, [row(1, 1)])
  expect(() => [...merged(quotes, new Map([['a', trades]]))]).toThrow(/gives quote, but the tape holds trade/)
})

test('a frame ends where the kind changes, and when it is full', () => {
  const source = two.sources[0] as Plan['sources'][number]
  const many = Array.from({ length: 1500 }, (_, i) => row(i, i))
  const items: SourceItem[] = [
    ...many,
    { type: 'invalid', at: 1500, key: 'v:A', value: { reason: 'no_price', hash: '00', bytes: 2 } },
    gap(1500, 'v:A'),
    row(1501, 7),
  ]
  const frames = [...framesOf(source, [items], kinds)]
  expect(frames.map((f) => [f.kind, f.rows])).toEqual([
    ['trade', 1024],
    ['trade', 476],
    ['invalid', 1],
    ['gap', 1],
    ['trade', 1],
  ])
})
test('a part of a frame is a view of it', () => {
  const source = two.sources[0] as Plan['sources'][number]
  const [bytes] = encodeItems(source, [row(1, 1), row(2, 2), row(3, 3)])
  const whole = decodeFrame(bytes as Uint8Array, kinds)
  const middle = part(whole, 1, 2)
  expect([middle.rows, middle.at[0], middle.columns[3]?.[0]]).toEqual([1, 2, 2])
  expect(middle.at.buffer).toBe(whole.at.buffer)
})
