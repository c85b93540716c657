import { array, assert, boolean, constantFrom, integer, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import type { Gap } from '../../schemas/market.ts'
import { type Numbered, Sequencer } from './sequencer.ts'

type Told =
  | { readonly type: 'row'; readonly row: Numbered<number> }
  | { readonly type: 'filled'; readonly at: number; readonly count: number }
  | { readonly type: 'gap'; readonly at: number; readonly gap: Gap }

const row = (id: number, at = id * 1000): Numbered<number> => ({ symbol: 'A', at, id, value: id })
function started(numbering: 'contiguous' | 'ascending' | 'none' = 'contiguous', waits = false) {
  const told: Told[] = []
  const tell = {
    row: (row: Numbered<number>) => told.push({ type: 'row', row }),
    filled: (at: number, count: number) => told.push({ type: 'filled', at, count }),
    gap: (at: number, gap: Gap) => told.push({ type: 'gap', at, gap }),
  }
  const sequencer = new Sequencer<number>(numbering, 'connected', { waits, tell })
  const ids = () => told.flatMap((r) => (r.type === 'row' ? [r.row.id] : []))
  const gaps = () => told.flatMap((r) => (r.type === 'gap' ? [r.gap] : []))
  const missing = () => gaps().reduce((sum, gap) => sum + gap.missing, 0)
  return { sequencer, told, ids, gaps, missing }
}

test('rows and missing numbers together are always the whole span of numbers, and no row comes twice', () => {
  // A delivery starts anywhere near the last number, forwards or back, with or without a lost connection before it.
  const delivery = tuple(boolean(), integer({ min: -5, max: 5 }), integer({ min: 1, max: 6 }))
  assert(
    property(array(delivery, { minLength: 1, maxLength: 20 }), (deliveries) => {
      const { sequencer, ids, missing } = started()
      let next = 100
      for (const [lost, jump, count] of deliveries) {
        if (lost) sequencer.lose('disconnected')
        const from = Math.max(100, next + jump)
        for (let id = from; id < from + count; id++) sequencer.take(row(id))
        next = Math.max(next, from + count)
      }
      const all = ids()
      expect(all).toEqual([...new Set(all)].toSorted((a, b) => a - b))
      expect(all.length + missing()).toBe((all.at(-1) ?? 0) - (all[0] ?? 0) + 1)
    }),
  )
})

test('two connections, holes, folded rows and partial answers: every number once, in order, told or told missing', () => {
  const step = tuple(
    constantFrom('a', 'b', 'fill', 'half', 'concede'),
    integer({ min: 1, max: 4 }),
    integer({ min: 0, max: 3 }),
  )
  assert(
    property(array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      const { sequencer, told, ids, missing } = started('contiguous', true)
      const place: Record<string, number> = { a: 100, b: 100 }
      sequencer.take(row(99))
      for (const [what, count, skip] of steps) {
        const hole = sequencer.missing
        const inHole =
          hole === undefined ? [] : Array.from({ length: hole.to - hole.from + 1 }, (_, n) => row(hole.from + n))
        if (what === 'fill') sequencer.filled(inHole)
        else if (what === 'half') sequencer.filled(inHole.filter(({ id }) => id % 2 === 0))
        else if (what === 'concede') sequencer.concede()
        else {
          const from = (place[what] as number) + skip
          for (let id = from; id < from + count; id++) sequencer.take(row(id))
          place[what] = from + count
        }
      }
      sequencer.concede()
      expect(sequencer.waiting).toBe(0)
      const all = ids()
      expect(all).toEqual([...new Set(all)].toSorted((a, b) => a - b))
      expect(all.length + missing()).toBe((all.at(-1) as number) - 98)
      // what is announced as filled is exactly what follows
      told.forEach((ruling, i) => {
        if (ruling.type !== 'filled') return
        expect(told.slice(i + 1, i + 1 + ruling.count).every(({ type }) => type === 'row')).toBe(true)
      })
    }),
  )
})

test('the next number proves continuity across any loss; another tells what the loss was', () => {
  const lost = (): ReturnType<typeof started> => {
    const s = started()
    s.sequencer.take(row(7))
    s.sequencer.lose('stalled')
    s.sequencer.lose('disconnected')
    return s
  }
  const proven = lost()
  proven.sequencer.take(row(8))
  expect(proven.gaps().map(({ reason }) => reason)).toEqual(['connected'])
  const broken = lost()
  broken.sequencer.take(row(10))
  expect(broken.gaps().at(-1)).toEqual({ reason: 'stalled', missing: 2, since: 7000 })
})

test('a gap that was told because time passed is not told again, but what is missing is', () => {
  const { sequencer, gaps } = started()
  sequencer.take(row(7))
  sequencer.lose('disconnected')
  sequencer.pass(7500)
  expect(gaps().at(-1)).toEqual({ reason: 'disconnected', missing: 0, since: 7000 })
  sequencer.take(row(9))
  expect(gaps().at(-1)).toEqual({ reason: 'sequence', missing: 1, since: 7000 })
  expect(gaps()).toHaveLength(3)
})

test('what was asked for again stands where it belongs, behind a word that says how much it is', () => {
  const { sequencer, told } = started('contiguous', true)
  sequencer.take(row(1))
  sequencer.lose('disconnected')
  expect(sequencer.take(row(4))).toBe('missing')
  expect(sequencer.take(row(5))).toBe('held')
  expect(sequencer.missing).toEqual({ symbol: 'A', from: 2, to: 3, since: 1000 })
  expect(sequencer.filled([row(2), row(3)])).toBe('told')
  expect(told.slice(2).map((r) => (r.type === 'row' ? r.row.id : r.type))).toEqual(['filled', 2, 3, 4, 5])
})

test.each(['ascending', 'none'] as const)(
  'holes between numbers that are %s mean nothing; a lost connection does',
  (numbering) => {
    const { sequencer, ids, gaps } = started(numbering, true)
    for (const id of [1, 5, 6]) sequencer.take(row(id))
    sequencer.lose('disconnected')
    sequencer.take(row(9))
    expect(ids()).toEqual([1, 5, 6, 9])
    expect(gaps().map(({ reason }: Gap) => reason)).toEqual(['connected', 'disconnected'])
  },
)

test('rows without numbers are told one after the other, and are no repeats of each other', () => {
  const { sequencer, ids, gaps } = started('none')
  for (const at of [1000, 2000, 2000, 1500]) expect(sequencer.take(row(0, at))).toBe('told')
  expect(ids()).toEqual([0, 0, 0, 0])
  expect(gaps().map(({ reason }) => reason)).toEqual(['connected'])
})

test('a venue that counts afresh is believed when its rows are much later, and told as a gap', () => {
  const { sequencer, ids, gaps } = started()
  sequencer.take(row(1000))
  expect(sequencer.take(row(1, 1_000_500))).toBe('repeat')
  sequencer.take(row(1, 1_000_000 + 61e6))
  sequencer.take(row(2, 1_000_000 + 62e6))
  expect(ids()).toEqual([1000, 1, 2])
  expect(gaps().at(-1)).toMatchObject({ reason: 'sequence', missing: 0 })
})

test('rows that stand for several numbers prove the ones between their first and their last', () => {
  const { sequencer, ids, gaps } = started()
  sequencer.take(row(3))
  sequencer.take({ ...row(7), first: 4 })
  sequencer.take({ ...row(12), first: 9 })
  expect(ids()).toEqual([3, 7, 12])
  expect(gaps().slice(1)).toEqual([{ reason: 'sequence', missing: 1, since: 7000 }])
})

test('rows without numbers follow each other without a gap, and begin a connection with one', () => {
  const { sequencer, ids, gaps } = started('none')
  for (const at of [1, 2, 2, 1]) expect(sequencer.take(row(0, at))).toBe('told')
  sequencer.lose('disconnected')
  sequencer.take(row(0, 3))
  expect(ids()).toEqual([0, 0, 0, 0, 0])
  expect(gaps().map(({ reason }) => reason)).toEqual(['connected', 'disconnected'])
})

test('a connection lost while a hole is open leaves a doubt of its own, however the hole ends', () => {
  for (const end of ['filled', 'conceded'] as const) {
    const { sequencer, gaps } = started('contiguous', true)
    sequencer.take(row(1))
    sequencer.take(row(4))
    sequencer.lose('disconnected')
    if (end === 'filled') sequencer.filled([row(2), row(3)])
    else sequencer.concede()
    expect(sequencer.doubted).toBe('disconnected')
    sequencer.pass(4500)
    const hole = end === 'filled' ? [] : [{ reason: 'sequence', missing: 2, since: 1000 }]
    expect(gaps().slice(1)).toEqual([...hole, { reason: 'disconnected', missing: 0, since: 4000 }])
  }
})

test('a venue that counts afresh while a hole is open ends the hole, and is followed', () => {
  const { sequencer, ids, gaps } = started('contiguous', true)
  sequencer.take(row(1000))
  sequencer.take(row(1005))
  const later = 1_005_000 + 61e6
  sequencer.take(row(1, later))
  sequencer.filled([row(1001)])
  sequencer.take(row(2, later + 1))
  expect(ids()).toEqual([1000, 1005, 1, 2])
  expect(gaps().map(({ missing }) => missing)).toEqual([0, 4, 0])
})

test('a repeat whose time runs back a little, as that of its neighbour did, is an ordinary one', () => {
  const { sequencer } = started()
  for (const [id, at] of [
    [1, 1000],
    [2, 900],
  ] as const)
    sequencer.take(row(id, at))
  expect(sequencer.isOddRepeat(row(1, 1000))).toBe(false)
  expect(sequencer.isOddRepeat(row(1, 1001))).toBe(true)
})
