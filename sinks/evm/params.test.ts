import { expect, test } from 'vitest'
import { z } from 'zod'
import { isToken0, pairOf, evmSwapParams as params, rulesOf, simulationOf } from './params.ts'
import { swapParams } from './simulated_example.ts'

const [market] = swapParams.markets
const parse = (rest: object = {}) => z.parse(params, { ...swapParams, ...rest })
const marketOf = (rest: object = {}) => parse({ markets: [{ ...market, ...rest }] }).markets[0] as never

test('fees are gwei and the most for gas is coins, as numbers or as text; they become whole wei', () => {
  const given = parse({ max_fee: 30.5, min_tip: '0.000000001', max_tip: 2, max_gas_cost: 0.05, deadline: '90s' })
  expect(rulesOf(given)).toMatchObject({
    ...{ max_fee: 30_500_000_000n, min_tip: 1n, max_tip: 2_000_000_000n },
    ...{ max_gas_cost: 50_000_000_000_000_000n, deadline: 90e6, time_to_live: 30e6, confirmations: 3 },
  })
  expect(simulationOf(given)).toMatchObject({ base_fee: 10_000_000_000n, gas_used: 150_000n, block_time: 12e6 })
})
test('what was parsed is plain data, and means the same when it is parsed again', () => {
  const once = parse({ max_fee: 1e-7 })
  expect(JSON.parse(JSON.stringify(once))).toEqual(once)
  expect(z.parse(params, once)).toEqual(once)
  expect(rulesOf(once).max_fee).toBe(100n)
})
test.each([
  ['a fee that is no number', { max_fee: '30 gwei' }],
  ['a fee below zero', { min_tip: -1 }],
  ['a fee no state holds', { max_fee: 1e10 }],
  ['an instrument twice', { markets: [market, market] }],
  ['no market', { markets: [] }],
  ['a key', { signer: { ...swapParams.signer, key: '0x01' } }],
])('%s is refused', (_, rest) => {
  expect(params.safeParse({ ...swapParams, ...rest }).success).toBe(false)
})
test('the coin is the native token, or the one that is named', () => {
  const coin = (rest: object) => pairOf(marketOf(rest), { slippage: 0.01 }).coin
  const plain = { base: { ...market?.base, native: false } }
  expect(coin({})).toBe('base')
  expect(coin(plain)).toBe('neither')
  expect(coin({ ...plain, coin: 'base' })).toBe('base')
  expect(coin({ ...plain, quote: { ...market?.quote, native: true } })).toBe('quote')
})
test('tokens stand in their pool in the order of addresses, in lower case; the coin stands first in Uniswap V4', () => {
  expect(isToken0(marketOf())).toBe(false)
  expect(isToken0(marketOf({ base: { ...market?.quote }, quote: { ...market?.base } }))).toBe(true)
  expect(isToken0(marketOf({ instrument: 'uniswap_v4:0x01' }))).toBe(true)
  expect(isToken0(marketOf({ instrument: 'uniswap_v4:0x01', base_is: 'token1' }))).toBe(false)
})
