import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Scalar } from '../schemas/features.ts'
import { Trade } from '../schemas/market.ts'
import { sources } from '../sources/catalogue.ts'
import { defineOperator, listed } from './define.ts'
import { Engine, type ExecutionName } from './engine.ts'
import { KEY_GROUPS, keyGroup } from './key_groups.ts'
import { plan } from './plan.ts'
import { Snapshots } from './state/snapshot.ts'

// Which keys the timers of a run were called for, outside of any state: nobody else sees a call that comes to nothing.
const called: string[] = []
const counts = defineOperator({
  name: 'counts',
  version: 1,
  summary: 'Says at every boundary how many trades and answers of others came since the last, if any.',
  input: { trade: Trade, other: Scalar },
  optional: ['trade', 'other'],
  output: Scalar,
  params: z.strictObject({ every: z.int() }),
  init: () => ({ seen: 0, gapped: false }),
  on_gap: 'mark',
  on: {
    trade(state) {
      state.seen++
    },
    other(state) {
      state.seen++
    },
  },
  timer: {
    every: ({ every }) => every,
    idle: ({ seen, gapped }) => seen === 0 && !gapped,
    fire(state, _at, { key, params }) {
      called.push(`${params.every} ${key}`)
      const { seen } = state
      state.seen = 0
      state.gapped = false
      return seen === 0 ? undefined : seen
    },
  },
  example: { params: { every: 1 }, input: [], output: [] },
})
const first = { op: 'counts', from: { trade: 'trades' }, params: { every: 10 } }
const second = { op: 'counts', from: { other: 'first' }, params: { every: 30 } }
const drawn = (nodes: Readonly<Record<string, typeof first | typeof second>>) =>
  plan(
    { pipeline: 'idle', nodes: { trades: { source: 'tape_trades' }, ...nodes } },
    { operators: listed(counts), sources, sinks: {} },
  )
/** Two keys of one group: both have a time when one has. */
const [a, b] = ['v:A', 'v:B', ...Array.from({ length: 10 * KEY_GROUPS }, (_, i) => `v:${i}`)].filter(
  (key, _, all) => keyGroup(key) === keyGroup(all[0] as string),
) as [string, string]

describe.each<ExecutionName>(['interpret', 'compile'])('an idle timer, by %s', (execution) => {
  const started = (nodes: Parameters<typeof drawn>[0] = { first }) => {
    const engine = new Engine(drawn(nodes), {}, { execution })
    const row = (key: string, at: number) => engine.row(0, key, at, { price: 1, size: 1, side: 0, id: 0 })
    const calls = (act: () => void) => {
      called.length = 0
      act()
      return [...called]
    }
    return { engine, row, calls }
  }
  test('is not called again before the next message for its key', () => {
    const { row, calls } = started()
    row(a, 1)
    row(b, 2)
    expect(calls(() => row(a, 11))).toEqual([`10 ${a}`, `10 ${b}`])
    expect(calls(() => row(a, 21))).toEqual([`10 ${a}`])
    expect(calls(() => row(b, 31))).toEqual([`10 ${a}`])
    expect(calls(() => row(a, 41))).toEqual([`10 ${b}`])
  })
  test('is called again when another node says something at a boundary', () => {
    const { engine, row } = started({ first, second })
    const said = () => engine.network.sent[engine.network.edge('second').index]
    row(a, 1)
    row(b, 61)
    expect(said()).toBe(1)
    row(a, 62)
    row(a, 121)
    // of what both said between 60 and 120
    expect(said()).toBe(3)
  })
  test('is called again after a gap', () => {
    const { engine, row, calls } = started()
    row(a, 1)
    row(a, 35)
    row(b, 95)
    engine.gap(0, a, 96, { reason: 'sequence', missing: 1, since: 95 })
    expect(calls(() => row(b, 101))).toEqual(expect.arrayContaining([`10 ${a}`]))
    expect(calls(() => row(b, 111))).toEqual([`10 ${b}`])
  })
  test('a save does not wake it, and after a restart it is called once', () => {
    const { engine, row, calls } = started()
    row(a, 1)
    row(b, 41)
    const saves = new Snapshots(engine)
    const bytes = saves.save(true)
    expect(calls(() => row(b, 51))).toEqual([`10 ${b}`])
    const again = started()
    new Snapshots(again.engine).load(bytes, engine.network.keys)
    again.engine.resume()
    expect(again.calls(() => again.row(b, 51))).toEqual([`10 ${a}`, `10 ${b}`])
    expect(again.calls(() => again.row(b, 61))).toEqual([`10 ${b}`])
  })
})
