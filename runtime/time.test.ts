import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Scalar } from '../schemas/features.ts'
import { Trade } from '../schemas/market.ts'
import { duration } from '../schemas/units.ts'
import { sources } from '../sources/catalogue.ts'
import { defineOperator, listed } from './define.ts'
import { Engine } from './engine.ts'
import { KEY_GROUPS, keyGroup } from './key_groups.ts'
import { plan } from './plan.ts'
import { dueAfter } from './timers.ts'
import { SourceTimes, Watermarks } from './watermarks.ts'

// ---- watermarks ------------------------------------------------------------------------------------

/** Tells of a time, and gives where the watermark of those who hear sources 0 and 1 goes. */
const hearing = (lateness: readonly number[]) => {
  const times = new SourceTimes(lateness)
  const marks = new Watermarks(times, [...lateness.keys()])
  const observe = (source: number, at: number, group = 0) => {
    times.observe(source, group, at)
    const to = marks.target(group)
    marks.mark[group] = to
    return to
  }
  return { times, observe }
}
test('a watermark is the newest time less the lateness, and never runs back', () => {
  const { observe } = hearing([10])
  expect([100, 90, 105, 102].map((at) => observe(0, at))).toEqual([90, 90, 95, 95])
})
test('the slowest source holds a group up, until it is cut off; when it speaks again it counts again', () => {
  const { times, observe } = hearing([0, 0])
  expect(observe(0, 100)).toBe(100)
  expect(observe(1, 50)).toBe(100)
  expect(observe(0, 200)).toBe(100)
  times.disconnect(1, 0)
  expect(observe(0, 210)).toBe(210)
  observe(1, 220)
  expect(observe(0, 300)).toBe(220)
})
test('a source that never spoke in a group holds nobody up there', () => {
  const { observe } = hearing([0, 0])
  observe(1, 5, 7)
  expect(observe(0, 100, 8)).toBe(100)
  expect(observe(0, 100, 7)).toBe(5)
})

// ---- grids -----------------------------------------------------------------------------------------

const grid = fc.record({ every: fc.integer({ min: 1, max: 1000 }), right: fc.boolean() })
test('a timer is due at the first boundary behind the watermark; a right-closed one a microsecond later', () => {
  fc.assert(
    fc.property(grid, fc.integer({ min: -5000, max: 5000 }), (timer, mark) => {
      const due = dueAfter(timer, mark)
      const boundary = timer.right ? due - 1 : due
      expect(due).toBeGreaterThan(mark)
      expect(Math.abs(boundary % timer.every)).toBe(0)
      expect(due - timer.every).toBeLessThanOrEqual(mark)
    }),
  )
})

// ---- the order of boundaries -------------------------------------------------------------------------

const ticker = defineOperator({
  name: 'ticker',
  version: 1,
  summary: 'Says every boundary.',
  input: { trade: Trade, second: Trade },
  optional: ['second'],
  output: Scalar,
  params: z.strictObject({
    every: duration(),
    closed: z.enum(['left', 'right']).default('left'),
    wait: z.number().default(Number.POSITIVE_INFINITY).describe('alarm so long after a trade'),
  }),
  init: () => ({ rows: 0, alarm: Number.POSITIVE_INFINITY }),
  on: {
    trade(state, _trade, { at, params }) {
      state.rows++
      state.alarm = at + params.wait
    },
    second() {},
  },
  timer: {
    every: ({ every }) => every,
    closed: ({ closed }) => closed,
    fire: ({ rows }) => rows,
  },
  alarm: {
    at: ({ alarm }) => alarm,
    fire(state) {
      state.alarm = Number.POSITIVE_INFINITY
      return -1
    },
  },
  example: { params: { every: 1 }, input: [], output: [] },
})
const wide = defineOperator({
  name: 'wide',
  version: 1,
  summary: 'Says every boundary of the whole pipeline.',
  scope: 'pipeline',
  input: { trade: Trade },
  output: Scalar,
  params: z.strictObject({ every: duration() }),
  on: { trade() {} },
  timer: { every: ({ every }) => every, fire: () => 0 },
  example: { params: { every: 1 }, input: [], output: [] },
})
const bell = defineOperator({
  name: 'bell',
  version: 1,
  summary: 'Rings for the whole pipeline when a boundary is said.',
  scope: 'pipeline',
  input: { scalar: Scalar },
  output: Scalar,
  params: z.strictObject({ every: duration() }),
  init: () => ({ due: Number.POSITIVE_INFINITY }),
  on: {
    scalar(state, _rows, { at, params }) {
      state.due = at + params.every
    },
  },
  alarm: {
    at: ({ due }) => due,
    fire(state) {
      state.due = Number.POSITIVE_INFINITY
      return -1
    },
  },
  example: { params: { every: 1 }, input: [], output: [] },
})
const toys = { operators: listed(ticker, wide, bell), sources, sinks: {} }
type Nodes = Readonly<
  Record<
    string,
    { op?: string; every: number; closed?: string; wait?: number; from?: Readonly<Record<string, string>> }
  >
>
function engineOf(nodes: Nodes, inputs: readonly string[] = ['trades']) {
  const said: string[] = []
  const drawn = plan(
    {
      pipeline: 'time',
      nodes: {
        ...Object.fromEntries(inputs.map((id) => [id, { source: 'tape_trades' }])),
        ...Object.fromEntries(
          Object.entries(nodes).map(([id, { op = 'ticker', from = { trade: 'trades' }, ...params }]) => [
            id,
            { op, from, params },
          ]),
        ),
      },
    },
    toys,
  )
  const engine = new Engine(drawn, {
    message(edge, key, at, value) {
      if (edge in nodes) said.push(`${edge} ${key} ${at}${value === -1 ? ' alarm' : ''}`)
      else said.push(`row ${key} ${at}`)
    },
  })
  const trade = { price: 1, size: 1, side: 0, id: 0 }
  return {
    engine,
    said,
    row: (at: number, key = 'v:A', source = 0) => engine.row(source, key, at, trade),
    beat: (at: number, key = '*', source = 0) => engine.heartbeat(source, key, at, { end: false }),
    finish: (at: number, source = 0) => engine.heartbeat(source, '*', at, { end: true }),
    since(f: () => void) {
      said.length = 0
      f()
      return [...said]
    },
  }
}

const both = { trade: 'trades', second: 'other' }

describe('before a row that moves the watermark', () => {
  test('nodes that hear different sources take turns: the earlier boundary first, whoever hears it', () => {
    const nodes = { long: { every: 20 }, middle: { every: 10, from: both }, short: { every: 5 } }
    const { row, since } = engineOf(nodes, ['trades', 'other'])
    row(6)
    expect(since(() => row(21))).toEqual([
      ...['middle v:A 10', 'short v:A 10', 'short v:A 15'],
      ...['long v:A 20', 'middle v:A 20', 'short v:A 20', 'row v:A 21'],
    ])
  })
  test('an alarm for a time that is over runs at the next moment there is', () => {
    const { row, since } = engineOf({ node: { every: 1000, wait: -15 } })
    row(20)
    expect(since(() => row(25))).toEqual(['node v:A 21 alarm', 'row v:A 25'])
  })
  test('an alarm of the whole pipeline that a boundary on the way has set rings on the way', () => {
    const nodes = { short: { every: 10 }, bell: { op: 'bell', every: 3, from: { scalar: 'short' } } }
    const { row, since } = engineOf(nodes)
    row(1)
    expect(since(() => row(25))).toEqual([
      ...['short v:A 10', 'bell * 13 alarm', 'short v:A 20', 'bell * 23 alarm', 'row v:A 25'],
    ])
  })
  test('an alarm that was moved on rings at its new time only', () => {
    const { row, since } = engineOf({ node: { every: 1000, wait: 15 } })
    row(20)
    row(25)
    expect(since(() => row(39))).toEqual(['row v:A 39'])
    expect(since(() => row(60))).toEqual(['node v:A 54 alarm', 'row v:A 60'])
  })
  test('a row that comes into windows others have closed is late, though its own source never was ahead', () => {
    const { engine, row, since } = engineOf({ each: { every: 10, from: both } }, ['trades', 'other'])
    row(5)
    row(5, 'v:A', 1)
    engine.gap(1, '*', 6, { reason: 'disconnected', missing: 0, since: 5 })
    row(25)
    expect(since(() => row(12, 'v:A', 1))).toEqual(['row v:A 12'])
    expect(engine.counts.late).toBe(1)
    row(26, 'v:A', 1)
    expect(engine.counts.late).toBe(1)
  })
  test('boundaries run one at a time: the earlier first, then the longer period, then the earlier node, then the key', () => {
    const { row, since } = engineOf({ short: { every: 10 }, also: { every: 10 }, long: { every: 20 } })
    // both keys of one group
    const [a, b] = ['v:A', twin('v:A')]
    row(1, a)
    row(2, b)
    expect(since(() => row(25, a))).toEqual([
      ...[`short ${a} 10`, `short ${b} 10`, `also ${a} 10`, `also ${b} 10`],
      ...[`long ${a} 20`, `long ${b} 20`, `short ${a} 20`, `short ${b} 20`, `also ${a} 20`, `also ${b} 20`],
      `row ${a} 25`,
    ])
  })
  test('a row on a boundary comes after the left-closed window and before the right-closed one', () => {
    const { row, since } = engineOf({ left: { every: 10 }, right: { every: 10, closed: 'right' } })
    row(1)
    expect(since(() => row(10))).toEqual(['left v:A 10', 'row v:A 10'])
    expect(since(() => row(10))).toEqual(['row v:A 10'])
    expect(since(() => row(11))).toEqual(['right v:A 10', 'row v:A 11'])
  })
  test('nothing was before the first row, so nothing is due before it', () => {
    const { row, since } = engineOf({ left: { every: 10 }, right: { every: 10, closed: 'right' } })
    expect(since(() => row(1_000_000))).toEqual(['row v:A 1000000'])
    expect(since(() => row(1_000_001))).toEqual(['right v:A 1000000', 'row v:A 1000001'])
  })
  test('an alarm runs at its time, after the timers of that moment; a later one waits', () => {
    const { row, since } = engineOf({ node: { every: 10, wait: 9 } })
    row(1)
    expect(since(() => row(25))).toEqual(['node v:A 10', 'node v:A 10 alarm', 'node v:A 20', 'row v:A 25'])
    expect(since(() => row(33))).toEqual(['node v:A 30', 'row v:A 33'])
  })
  test('groups have time of their own; the pipeline lives on the newest of them', () => {
    const other = elsewhere('v:A')
    const { row, since } = engineOf({ each: { every: 10 }, all: { op: 'wide', every: 10 } })
    row(5)
    row(5, other)
    expect(since(() => row(25))).toEqual(['each v:A 10', 'all * 10', 'each v:A 20', 'all * 20', 'row v:A 25'])
    expect(since(() => row(12, other))).toEqual([`each ${other} 10`, `row ${other} 12`])
  })
})

describe('in silence', () => {
  test('heartbeats move time on, for one key or for all that have spoken', () => {
    const other = elsewhere('v:A')
    const { row, beat, since } = engineOf({ each: { every: 10 } })
    row(5)
    row(5, other)
    expect(since(() => beat(12, 'v:A'))).toEqual(['each v:A 10'])
    expect(since(() => beat(12)).sort()).toEqual([`each ${other} 10`])
    expect(since(() => beat(11))).toEqual([])
  })
  test('the end runs everything that is due, and lets nobody wait for what has ended', () => {
    const { row, finish, since } = engineOf({ each: { every: 10, from: both } }, ['trades', 'other'])
    row(5)
    row(5, 'v:A', 1)
    expect(since(() => row(12))).toEqual(['row v:A 12'])
    expect(since(() => finish(9, 1))).toEqual(['each v:A 10'])
    expect(since(() => row(21))).toEqual(['each v:A 20', 'row v:A 21'])
    expect(since(() => finish(30))).toEqual(['each v:A 30'])
  })
  test('a source that a node does not hear does not hold it up', () => {
    const { row, since } = engineOf({ deaf: { every: 10 }, each: { every: 10, from: both } }, ['trades', 'other'])
    row(5, 'v:A', 1)
    row(5)
    expect(since(() => row(12))).toEqual(['deaf v:A 10', 'row v:A 12'])
    expect(since(() => row(21, 'v:A', 1))).toEqual(['each v:A 10', 'row v:A 21'])
  })
  test('a disconnected source holds nobody up until it speaks', () => {
    const { engine, row, since } = engineOf({ each: { every: 10, from: both } }, ['trades', 'other'])
    row(5, 'v:A', 1)
    row(5)
    expect(since(() => row(12))).toEqual(['row v:A 12'])
    engine.gap(1, '*', 12, { reason: 'disconnected', missing: 0, since: 5 })
    expect(since(() => row(13))).toContain('each v:A 10')
  })
  test('a gap in the numbers disconnects nobody', () => {
    const { engine, row, since } = engineOf({ each: { every: 10, from: both } }, ['trades', 'other'])
    row(5, 'v:A', 1)
    row(5)
    engine.gap(1, '*', 12, { reason: 'sequence', missing: 3, since: 5 })
    expect(since(() => row(13))).toEqual(['row v:A 13'])
  })
})

describe('times that are not believed', () => {
  test.each([Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY, 2 ** 53, 400 * 86_400e6])(
    'a row at %d is counted, and closes no window',
    (at) => {
      const { engine, row, since } = engineOf({ each: { every: 10 } })
      row(5)
      expect(since(() => row(at))).toEqual([])
      expect(engine.counts).toMatchObject({ rows: 1, invalid: 1 })
      expect(since(() => row(12))).toEqual(['each v:A 10', 'row v:A 12'])
    },
  )
  test.each([Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY, 400 * 86_400e6])(
    'a heartbeat at %d moves nothing',
    (at) => {
      const { engine, row, beat, since } = engineOf({ each: { every: 10 } })
      row(5)
      expect(since(() => beat(at))).toEqual([])
      expect(engine.counts.invalid).toBe(1)
      expect(since(() => row(12))).toEqual(['each v:A 10', 'row v:A 12'])
    },
  )
})

function find(wanted: (group: number) => boolean): string {
  for (let i = 0; ; i++) if (wanted(keyGroup(`v:K${i}`))) return `v:K${i}`
}
/** Another key of the same group, and one of another group. */
function twin(key: string): string {
  return find((group) => group === keyGroup(key))
}
function elsewhere(key: string): string {
  return find((group) => group !== keyGroup(key))
}
test('key groups are spread, and fixed for ever', () => {
  // FNV-1a, 32 bit: 811c9dc5, e40c292c and bf9cf968
  expect(['', 'a', 'foobar'].map(keyGroup)).toEqual([0xc5 % 64, 0x2c % 64, 0x68 % 64])
  const groups = new Set(Array.from({ length: 1000 }, (_, i) => keyGroup(`v:K${i}`)))
  expect(groups.size).toBe(KEY_GROUPS)
})
