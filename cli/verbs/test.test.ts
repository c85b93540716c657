import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { captured, folderWith, momentum, removeFolders } from '../describe/captured.ts'

afterAll(removeFolders)

const tests = `set: { bars.every: 1s, trend.span: 2 }
tests:
  - name: buys when the close crosses the trend
    steps:
      - { at: 0s, trades: { price: 100 } }
      - { at: 1s, trades: [{ price: 90 }, { price: 80 }] }
      - { at: 2s, trades: { price: 125 } }
      - { crash: after_commit }
      - { advance: 5s }
      - { late: trades, at: 0.2s, row: { price: 1 } }
      - end
    expect:
      - { edge: gate.approved, at: 3s, value: { side: buy, quantity: 8 } }
      - { edge: execute.fill, key: "binance:BTCUSDT", value: { notional: 1000, fee: "1.00000000" } }
    expect_late: 1
    expect_none: [gate.refused]
`
const project = (written: string, more: Readonly<Record<string, string>> = {}) =>
  folderWith({ 'btc.yaml': momentum, 'btc.test.yaml': written, ...more })
const run = (folder: string, file = 'btc.yaml', ...more: string[]) => captured(['test', join(folder, file), ...more])
interface Result {
  passed: number
  failed: number
  tests: { name: string; differences: { where: string; expected: string; found: string }[] }[]
}

test('runs the tests beside a definition, with a crash at every step too', async () => {
  const { code, stdout } = await run(project(tests))
  expect(stdout).toContain('ok    buys when the close crosses the trend')
  expect(code).toBe(0)
})
test('runs a test file that is named itself', async () => {
  expect((await run(project(tests), 'btc.test.yaml', '--json')).json()).toMatchObject({ passed: 1, failed: 0 })
})
test('shows what was expected and what came, and exits with 1', async () => {
  const wrong = tests
    .replace('side: buy, quantity: 8', 'side: sell, size: 8')
    .replace('expect_late: 1', 'expect_late: 2')
    .replace('notional: 1000', 'notional: 1000.00000001')
  const { code, json, stderr } = await run(project(wrong), 'btc.yaml', '--json')
  expect(code).toBe(1)
  expect(stderr).toContain('TEST_FAILED: 1 of 1 tests')
  expect(json<Result>().tests[0]?.differences).toEqual([
    { where: 'gate.approved #1 side', expected: '"sell"', found: '"buy"' },
    { where: 'gate.approved #1 size', expected: '8', found: 'no such field' },
    { where: 'execute.fill #1 notional', expected: '1000.00000001', found: '"1000.00000000"' },
    { where: 'late rows', expected: '2', found: '1' },
  ])
})
test('messages beyond the expected ones, too few of them, and unexpected ones are failures', async () => {
  const more = await run(
    project(
      tests
        .replace('expect_none: [gate.refused]', 'expect_none: [above]')
        .replace(
          '      - { edge: execute.fill',
          '      - { edge: bars, at: 1s }\n      - { edge: execute.order, value: { state: accepted } }\n      - { edge: execute.order }\n      - { edge: execute.order, value: { state: filled } }\n      - { edge: execute.fill',
        ),
    ),
    'btc.yaml',
    '--json',
  )
  expect(more.json<Result>().tests[0]?.differences.map((d) => `${d.where}: ${d.found}`)).toEqual([
    expect.stringMatching(/^bars: 2 more, the first at 2s/),
    'execute.order #3: no more messages',
    expect.stringMatching(/^above: 1, the first at 3s/),
  ])
})
test('a row that is not late where it should be is a failure', async () => {
  const { stdout, code } = await run(project(tests.replace('late: trades, at: 0.2s', 'late: trades, at: 9s')))
  expect(code).toBe(1)
  expect(stdout).toContain('found    a row in time: the watermark has not passed it')
})
test('an operator that keeps state outside its state is found by the crashes', async () => {
  const hidden = `import { z } from '${process.cwd()}/node_modules/zod/index.js'
import { defineScan } from '${process.cwd()}/runtime/define.ts'
import { Trade } from '${process.cwd()}/schemas/market.ts'
import { Signal } from '${process.cwd()}/schemas/orders.ts'
let seen = 0
const counting = defineScan({ name: 'counting', version: 1, summary: 'Counts where nobody looks.', input: Trade, output: Signal, params: z.strictObject({}),
  step: () => ({ direction: 1, strength: ++seen, price: 1 }), example: { params: {}, input: [], output: [] } })
export default { operators: [counting] }
`
  const folder = folderWith({
    'package.json': '{"type": "module"}',
    'tidegate.config.ts': hidden,
    'count.yaml':
      'pipeline: count\nnodes:\n  trades: { source: tape_trades }\n  said: { op: counting, from: trades }\n',
    'count.test.yaml':
      'tests:\n  - { name: counts, steps: [{ trades: { price: 1 } }, { trades: { price: 1 } }], expect: [{ edge: said }, { edge: said, value: { strength: 2 } }] }\n',
  })
  const { code, stdout } = await run(folder, 'count.yaml')
  expect(code).toBe(1)
  expect(stdout).toContain('output 1 when every step crashes before its commit')
})
test.each([
  ['tests: []', 'expected at least one test'],
  ['tests: [{ name: a, steps: [end] }]', '"a" expects nothing'],
  [
    'tests: [{ name: a, steps: [{ trade: { price: 1 } }], expect_none: [above] }]',
    'tests.0.steps.0.trade: no source "trade"; did you mean "trades"?',
  ],
  [
    'tests: [{ name: a, steps: [{ trades: { prise: 1 } }], expect_none: [abov] }]',
    'tests.0.steps.0.trades: trade has no field "prise"; did you mean "price"?\ntests.0.expect_none.0: no edge "abov"; did you mean "above"?',
  ],
  ['tests: [{ name: a, stps: [] }]', 'Unrecognized key: "stps"'],
])('a test file such as %s is refused with its path', async (written, words) => {
  const { code, stderr } = await run(project(written))
  expect(code).toBe(3)
  expect(stderr).toContain(words)
})
test('a definition without tests beside it is an error', async () => {
  const { code, stderr } = await run(folderWith({ 'btc.yaml': momentum }))
  expect(code).toBe(4)
  expect(stderr).toContain('btc.test.yaml')
})
