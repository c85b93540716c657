import { array, assert, constantFrom, integer, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { answered, endpointsOf, failed, type Health, limited, patience, score, unknownHealth } from './endpoints.ts'

const after = (what: readonly (readonly ['answered' | 'failed', number])[]): Health =>
  what.reduce((health, [how, took]) => (how === 'answered' ? answered(health, took) : failed(health)), unknownHealth)

test('of two endpoints the one that answers faster, fails less or is less far behind is better', () => {
  const history = array(tuple(constantFrom('answered' as const, 'failed' as const), integer({ min: 1e3, max: 1e6 })))
  assert(
    property(history, integer({ min: 0, max: 20 }), (what, behind) => {
      const health = after(what)
      const now = score(health, behind, 0)
      expect(score(health, behind + 1, 0)).toBeGreaterThan(now)
      expect(score(failed(health), behind, 0)).toBeGreaterThan(now)
      expect(score(answered(health, 2e6), behind, 0)).toBeGreaterThan(score(answered(health, 1e3), behind, 0))
      expect(score(limited(health, 5e6), behind, 0)).toBeGreaterThan(score(failed(health), behind, 0))
      expect(score(limited(health, 5e6), behind, 6e6)).toBe(score(failed(health), behind, 6e6))
    }),
  )
})

test('another is asked too after twice the usual time', () => {
  const usual = after(Array(40).fill(['answered', 50e3]))
  expect(patience(usual)).toBeCloseTo(100e3, -3)
  expect(patience(after(Array(80).fill(['answered', 1e3])))).toBe(20e3)
})

test('an endpoint is called by its name, or by its host: never by its address', () => {
  const given = [{ ws: 'mainnet', http: 'https://node.example/v2/key' }, { http: 'https://user:secret@node.example/k' }]
  const known = (name: string) => (name === 'mainnet' ? 'wss://a.example/ws/key' : undefined)
  expect(endpointsOf('evm_swaps', given, known)).toEqual([
    { label: 'mainnet', ws: 'wss://a.example/ws/key', http: 'https://node.example/v2/key' },
    { label: 'node.example', ws: undefined, http: 'https://user:secret@node.example/k' },
  ])
})

test.each([
  [{ ws: 'mainnet' }, 'endpoint mainnet has no address; give --endpoint mainnet=ws'],
  [{ http: '$TIDEGATE_NODE' }, 'endpoint $TIDEGATE_NODE has no address; set TIDEGATE_NODE'],
  [{ http: 'named' }, 'the address of named is none: expected https'],
])('what has no address is an error that says how to give one: %j', (endpoint, words) => {
  const known = (name: string) => (name === 'named' ? 'wss://a.example/secret' : undefined)
  expect(() => endpointsOf('evm_swaps', [endpoint], known)).toThrow(words.replace('expected https', 'expected http'))
  try {
    endpointsOf('evm_swaps', [endpoint], known)
  } catch (error) {
    expect(JSON.stringify([String(error), error])).not.toContain('secret')
  }
})
