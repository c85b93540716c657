import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { operators } from '../../operators/catalogue.ts'
import { drive, portsNamed } from '../../runtime/drive.ts'
import { toJson } from '../../runtime/json.ts'
import { captured } from '../describe/captured.ts'
import { DriveLines, driven, lineOf, type Said } from '../describe/drive_lines.ts'

const ema = (lines: readonly string[]) => captured(['drive', 'ema', '--params', '{"span": 3}'], lines)

test('answers bars given by their close alone, a second apart', async () => {
  const { code, lines } = await ema(['{"close": 10}', '', '{"close": 20}'])
  expect(code).toBe(0)
  expect(lines()).toEqual([
    { at: 1_704_067_200_000_000, key: 'binance:BTCUSDT', answer: 10 },
    { at: 1_704_067_201_000_000, key: 'binance:BTCUSDT', answer: 15 },
  ])
})
test('takes whole samples, times as text and keys', async () => {
  const { lines } = await ema([
    '{"at": "2024-01-01T00:00:05Z", "key": "okx:ETH", "close": 1}',
    '{"kind": "bar", "at": 1704067206000000, "key": "okx:ETH", "value": {"close": 3}}',
  ])
  expect(lines()).toEqual([
    { at: 1_704_067_205_000_000, key: 'okx:ETH', answer: 1 },
    { at: 1_704_067_206_000_000, key: 'okx:ETH', answer: 2 },
  ])
})
test('moves event time on, and names the port where there are several', async () => {
  const bars = await captured(
    ['drive', 'time_bars', '--params', '{"every": "1s"}'],
    ['{"kind": "trade", "at": "0s", "price": 10}', '{"advance": "2s"}'],
  )
  expect(bars.lines()).toMatchObject([{ answer: { close: 10, count: 1 } }])
  const gate = await captured(
    ['drive', 'risk_gate', '--params', '{"max_notional": 1}'],
    ['{"kind": "order_intent", "side": "buy", "quantity": 1}'],
  )
  expect(gate.lines()).toMatchObject([{ port: 'refused', answer: { code: 'WARMING_UP' } }])
})
test.each([
  ['{"close": 1', 'line 2: expected a message as JSON'],
  ['{"clos": 1}', 'line 2: bar has no field "clos"; did you mean "close"?'],
  ['{"close": -1}', 'line 2: bar.close is not valid'],
  ['{"close": 1, "at": "noon"}', 'line 2: expected a time'],
  ['{"kind": "trade", "price": 1}', 'line 2: kind "trade": expected a message for one port of ema (in: bar)'],
])('a bad line %s is named, after the answers before it', async (line, words) => {
  const { code, stdout, stderr } = await ema(['{"close": 10}', line])
  expect(code).toBe(3)
  expect(stdout).toContain('"answer":10')
  expect(stderr).toContain(`INPUT_INVALID: ${words}`)
})
test('wrong uses have their exit codes', async () => {
  expect((await captured(['drive'])).code).toBe(2)
  expect((await captured(['drive', 'emma'])).code).toBe(3)
  expect((await captured(['drive', 'ema', '--params', '{span: 3}'])).code).toBe(2)
  expect((await captured(['drive', 'ema', '--params', '{"spn": 3}'])).stderr).toContain('did you mean "span"?')
  expect((await captured(['drive', 'cross', '--wire', 'slow'])).stderr).toContain('it has trend, fast')
  expect((await captured(['drive', 'cross', '--wire', 'constructor'])).code).toBe(2)
  expect((await ema(['{"port": "constructor", "close": 1}'])).stderr).toContain('ema has no port "constructor"')
})
test.each(Object.values(operators))('the lines written for the example of $name are read back to it', (operator) => {
  const { params, input } = operator.example
  const lines = new DriveLines(operator)
  const said: Said[] = []
  const driver = driven(operator, params, portsNamed(input), (message) => said.push(message))
  for (const sample of input) driver.feed(lines.read(lineOf(operator, sample)) as never)
  const expected: Said[] = []
  const direct = driven(operator, params, portsNamed(input), (message) => expected.push(message))
  for (const sample of input) direct.feed(sample)
  expect(said.map(toJson)).toEqual(expected.map(toJson))
  expect(drive({ definition: operator }, params, input).map(toJson)).toEqual(operator.example.output.map(toJson))
})
test('the field that is told is the one that was written, and a message that comes too late is told', async () => {
  expect((await ema(['{"close": "a"}'])).stderr).toContain('bar.close is not valid')
  const late = await ema(['{"close": 1, "at": "2s"}', '{"close": 2, "at": "1s"}'])
  expect(late.lines()).toHaveLength(1)
  expect(late.stderr).toContain('line 2: came too late')
})
test('answers come before stdin ends', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', 'drive', 'ema', '--params', '{"span": 3}'])
  try {
    child.stdin.write('{"close": 10}\n')
    const first = await new Promise<string>((resolve, reject) => {
      child.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString()))
      child.once('exit', (code) => reject(new Error(`expected an answer, found exit ${code}`)))
    })
    expect(JSON.parse(first)).toMatchObject({ answer: 10 })
  } finally {
    child.stdin.end()
    child.kill()
  }
})
