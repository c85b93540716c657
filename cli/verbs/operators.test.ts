import { expect, test } from 'vitest'
import { operators } from '../../operators/catalogue.ts'
import { captured } from '../describe/captured.ts'
import type { ComponentCard } from '../describe/component_card.ts'
import type { KindCard } from '../describe/kind_card.ts'

test('lists sources, operators and sinks with what they read and say', async () => {
  const { code, stdout, stderr } = await captured(['operators'])
  expect(code).toBe(0)
  expect(stderr).toBe('')
  expect(stdout).toMatch(/sources\n {2}binance_trades +trade +Trades of Binance/)
  expect(stdout).toMatch(/ema +bar -> scalar +Smooths/)
  expect(stdout).toMatch(/simulated_venue +approved_order -> order_update, fill/)
})
test('tells the params of an operator with their types, defaults and bounds', async () => {
  const { params, reads } = (await captured(['operators', 'risk_gate', '--json'])).json<ComponentCard>()
  expect(params.find((p) => p.name === 'stale_after')).toEqual({
    name: 'stale_after',
    type: 'duration',
    required: false,
    default: '1m',
    meaning: 'how old the newest trade, quote, swap or pool state may be',
  })
  expect(params.find((p) => p.name === 'max_notional')).toMatchObject({ type: 'number > 0', required: true })
  expect(reads.find((r) => r.port === 'order')).toMatchObject({ way: 'feedback', optional: true })
})
test('the example of a component is a node that its catalogue takes', async () => {
  const cards = (await captured(['operators', '--json'])).json<ComponentCard[]>()
  expect(cards.filter((c) => c.role === 'operator').map((c) => c.name)).toEqual(Object.keys(operators))
  expect(cards.find((c) => c.name === 'cross')?.example).toBe(
    'cross: { op: cross, from: bars, latest: { trend: values } }',
  )
})
test('a misspelt name is exit code 3 with the nearest', async () => {
  const { code, stderr } = await captured(['operators', 'emma'])
  expect(code).toBe(3)
  expect(stderr).toContain('UNKNOWN_COMPONENT: no component "emma" in the catalogue; did you mean "ema"?')
})
test('two names are wrong usage', async () => {
  expect((await captured(['operators', 'ema', 'sma'])).code).toBe(2)
})
test('an option that is not there is wrong usage', async () => {
  const { code, stderr } = await captured(['operators', '--jsn'])
  expect(code).toBe(2)
  expect(stderr).toContain('did you mean --json?')
})

test('kinds tells the fields of a kind, and who speaks and reads it', async () => {
  const fill = (await captured(['kinds', 'fill', '--json'])).json<KindCard>()
  expect(fill.recorded).toBe(true)
  expect(fill.fields.map((f) => [f.name, f.type])).toContainEqual(['notional', 'money'])
  expect(JSON.parse(fill.example ?? '')).toMatchObject({ side: 'buy', notional: expect.stringMatching(/^\d+\.\d{8}$/) })
  expect(fill.spoken_by).toEqual(['simulated_venue', 'evm_swap'])
  expect(fill.read_by).toContain('portfolio')
})
test('kinds refuses a name it does not know, in a document too', async () => {
  const { code, json } = await captured(['kinds', 'brs', '--json'])
  expect(code).toBe(3)
  expect(json()).toMatchObject({ error: { code: 'UNKNOWN_COMPONENT', nearest: 'bar' } })
})
