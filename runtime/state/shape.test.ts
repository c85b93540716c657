import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const here = fileURLToPath(new URL('.', import.meta.url))
const program = `
import { z } from 'zod'
import { defineOperator, defineSource, listed } from '../define.ts'
import { Engine } from '../engine.ts'
import { plan } from '../plan.ts'
import { Scalar } from '../../schemas/features.ts'
import { Trade } from '../../schemas/market.ts'
const common = { version: 1, summary: 'Counts.', params: z.strictObject({}), example: { params: {}, input: [], output: [] } }
const start = Object.freeze({ seen: 0, inner: Object.freeze({ seen: 0 }) })
const counts = defineOperator({
  ...common, name: 'counts', input: { trade: Trade }, output: Scalar, init: () => start,
  on: { trade: (state) => 10 * ++state.seen + ++state.inner.seen },
})
const trades = defineSource({ ...common, name: 'trades', output: Trade })
const nodes = { trades: { source: 'trades' }, counts: { op: 'counts', from: 'trades' } }
const drawn = plan({ pipeline: 'p', nodes }, { operators: listed(counts), sources: listed(trades), sinks: {} })
const said = []
const engine = new Engine(drawn, { message: (edge, key, at, value) => edge === 'counts' && said.push([key, value]) })
for (const key of ['v:A', 'v:B', 'v:A']) engine.row(0, key, 1, { price: 1, size: 1, side: 0, id: 0 })
console.log(JSON.stringify(said))
`
test('an operator may hand out one object for every key, also where generated text is refused', () => {
  const run = (...flags: readonly string[]): unknown =>
    JSON.parse(
      execFileSync('node', ['--import', 'tsx', ...flags, '--input-type=module', '-e', program], {
        cwd: here,
        encoding: 'utf8',
      }),
    )
  const expected = [
    ['v:A', 11],
    ['v:B', 11],
    ['v:A', 22],
  ]
  expect(run()).toEqual(expected)
  expect(run('--disallow-code-generation-from-strings')).toEqual(expected)
})
