import { expect, test } from 'vitest'
import { z } from 'zod'
import { Signal } from './orders.ts'
import { SignalMessage, signalJsonSchema } from './signal_message.ts'

const message = {
  schema: 'tidegate/signal/v1',
  id: 'momentum/above/binance:BTCUSDT/1000000/0',
  pipeline: 'momentum',
  node: 'above',
  key: 'binance:BTCUSDT',
  time: '1970-01-01T00:00:01.000001Z',
  at: 1_000_001,
  kind: 'signal',
  value: { direction: 1, strength: 0.5, price: 100 },
  plan: '0123456789abcdef',
}

test('fields of a later version are kept, in the message and in its value', () => {
  const later = { ...message, version: 2, value: { ...message.value, horizon: '1h' } }
  expect(SignalMessage.parse(later)).toEqual(later)
})
test('the value is that of the kind', () => {
  const { properties } = z.toJSONSchema(Signal.schema as z.ZodType)
  expect(z.toJSONSchema(SignalMessage.shape.value).properties).toEqual(properties)
})
test('other languages get the message as JSON Schema, open to more fields', () => {
  const schema = signalJsonSchema()
  expect(schema).toMatchObject({
    type: 'object',
    additionalProperties: {},
    properties: { kind: { const: 'signal' }, at: { type: 'integer' }, value: { type: 'object' } },
  })
  expect(schema.required).toEqual(Object.keys(message))
})
