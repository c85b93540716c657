import { expect, test } from 'vitest'
import { endpointsOf } from './endpoints.ts'

test('an address is found by the name it was given for', () => {
  const endpoint = endpointsOf({ values: { endpoint: ['mainnet=ws://127.0.0.1:1/key=1'] } })
  expect(['mainnet', 'other'].map(endpoint)).toEqual(['ws://127.0.0.1:1/key=1', undefined])
})

test('an endpoint without a name is refused', () => {
  expect(() => endpointsOf({ values: { endpoint: ['ws://127.0.0.1'] } })).toThrow('expected SOURCE=URL')
})
