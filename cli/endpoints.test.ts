import { expect, test } from 'vitest'
import { endpointsOf } from './endpoints.ts'

test('an address is the one that was given, else that of the environment variable a definition names', () => {
  const given = { values: { endpoint: ['mainnet=ws://127.0.0.1:1/key=1', '$BASE=http://127.0.0.1:2'] } }
  const endpoint = endpointsOf(given, { MAINNET: 'wss://node/secret', BASE: 'http://elsewhere', mainnet: 'no' })
  expect(['mainnet', '$MAINNET', '$BASE', '$ABSENT', 'MAINNET'].map(endpoint)).toEqual([
    'ws://127.0.0.1:1/key=1',
    'wss://node/secret',
    'http://127.0.0.1:2',
    undefined,
    undefined,
  ])
})

test('an endpoint without a name is refused', () => {
  expect(() => endpointsOf({ values: { endpoint: ['ws://127.0.0.1'] } })).toThrow('expected SOURCE=URL')
})
