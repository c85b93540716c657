import { expect, test } from 'vitest'
import { z } from 'zod'
import { decodeFrame, type Frame } from '../../schemas/frame.ts'
import { kind } from '../../schemas/kind.ts'
import { Trade } from '../../schemas/market.ts'
import { defineOperator, defineSource, listed } from '../define.ts'
import { Engine, type ExecutionName } from '../engine.ts'
import { encodeItems } from '../feed.ts'
import { plan } from '../plan.ts'
import { carry } from '../state/carry.ts'

const Said = kind('said', z.number(), { summary: 'Recorded.', recorded: true })
const common = { version: 1, summary: 'Tells the time.', params: z.strictObject({}) }
const example = { params: {}, input: [], output: [] }
/** Rows as they come, and ticks of the whole pipeline. */
const account = defineOperator({
  ...{ ...common, name: 'account', scope: 'pipeline', input: { trade: Trade }, output: Said, example },
  on: { trade: (_state, _trade, { at }) => -at },
  timer: { every: () => 10, fire: (_state, at) => at },
})
const source = defineSource({ ...common, name: 'trades', output: Trade, lateness: () => 8, example: { params: {} } })
const strict = defineSource({ ...common, name: 'trades', output: Trade, lateness: () => 2, example: { params: {} } })
const catalogue = { operators: listed(account), sources: listed(source), sinks: {} }
const trades = { source: 'trades' }
const before = plan({ pipeline: 'p', nodes: { trades } }, catalogue)
const drawn = plan({ pipeline: 'p', nodes: { trades, account: { op: 'account', from: 'trades' } } }, catalogue)

function frames(times: readonly number[]): Frame[] {
  const value = { price: 1, size: 1, side: 0 as const, id: 0 }
  const rows = times.map((at) => ({ type: 'row' as const, at, key: 'v:A', value }))
  return encodeItems(drawn.sources[0] as never, rows).map((bytes) => decodeFrame(bytes, { trade: Trade }))
}
function upgraded(execution: ExecutionName): readonly number[] {
  const said: number[] = []
  const [old, next] = [
    new Engine(before, {}, { execution }),
    new Engine(drawn, { output: () => (_key, _at, _o, value) => said.push(value as number) }, { execution }),
  ] as const
  for (const frame of frames([100, 105])) old.frame(frame)
  carry(old, next)
  for (const frame of frames([104, 103, 120])) next.frame(frame)
  return said
}
function ended(execution: ExecutionName): readonly number[] {
  const said: number[] = []
  const engine = new Engine(
    drawn,
    { output: () => (_key, _at, _o, value) => said.push(value as number) },
    { execution },
  )
  for (const frame of frames([100, 105])) engine.frame(frame)
  engine.heartbeat(0, '*', 106, { end: true })
  for (const frame of frames([107, 111, 125])) engine.frame(frame)
  return said
}
test.each(['interpret', 'compile'] as const)(
  'a lateness made smaller holds from the first row on (%s)',
  (execution) => {
    const nodes = { trades, account: { op: 'account', from: 'trades' } }
    const stricter = plan({ pipeline: 'p', nodes }, { ...catalogue, sources: listed(strict) })
    const [old, next] = [new Engine(drawn, {}, { execution }), new Engine(stricter, {}, { execution })]
    for (const frame of frames([100, 105])) old.frame(frame)
    carry(old, next)
    for (const frame of frames([99, 104])) next.frame(frame)
    expect([next.counts.rows, next.counts.late]).toEqual([4, 1])
  },
)
test('the time of the whole pipeline passes with rows that lag their source: new in an upgrade, and after an end', () => {
  expect(upgraded('interpret')).toEqual([100, -104, -103, 110, 120, -120])
  expect(upgraded('compile')).toEqual(upgraded('interpret'))
  expect(ended('interpret')).toEqual([-100, -105, -107, 110, -111, 120, -125])
  expect(ended('compile')).toEqual(ended('interpret'))
})
