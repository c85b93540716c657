import { expect, test } from 'vitest'
import { z } from 'zod'
import { Address, type Hex } from '../hex.ts'
import { curvePool, curveRouter } from './curve.ts'
import { type Log, type Reader, Reverted, type Token, type Trade } from './venue.ts'

// The bytes are written by hand from the documented ABI: the contracts themselves are not run here.

const word = (hex: string): string => hex.padStart(64, '0')
const pool = 'bebc44782c7db0a1a60cb6fe97d0b483032ff1c7'
const other_pool = '4dece678ceceb27446b35c672dc7d61f30bad69e'
const router = '45312ea0eff7e09c83cbe249fa1d7598c4c8cd4e'
const dai = '6b175474e89094c44da98b954eedeac495271d0f'
const usdc = 'a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48'
const usdt = 'dac17f958d2ee523a2206206994597c13d831ec7'
const crvusd = 'f939e0a03fb07f59a73314e73794be0e57ac1b4e'
const us = '1111111111111111111111111111111111111111'
const at = (address: string): Address => Address.parse(`0x${address}`)
const tokenOf = (address: string): Token => ({ address: at(address), decimals: 6, native: false })
/** 1 USDC for at least 0.999 USDT. */
const trade: Trade = {
  pay: tokenOf(usdc),
  get: tokenOf(usdt),
  exact: 'in',
  amount: 1_000_000n,
  bound: 999_000n,
  account: at(us),
  deadline: 0,
}
const amounts = `${word('f4240')}${word('f3e58')}`
const poolOf = (index: 'int128' | 'uint256') =>
  curvePool.open(z.parse(curvePool.params, { pool: `0x${pool}`, coins: [dai, usdc, usdt].map(at), index }))

test('an exchange in a pool, byte for byte, by either way to number coins', () => {
  const values = `${word('1')}${word('2')}${amounts}`
  expect(poolOf('int128').encode(trade)).toEqual({ to: at(pool), data: `0x3df02124${values}`, value: 0n })
  expect(poolOf('uint256').encode(trade)).toEqual({ to: at(pool), data: `0x5b41b908${values}`, value: 0n })
  const back = { ...trade, pay: trade.get, get: tokenOf(dai) }
  expect(poolOf('int128').encode(back).data).toBe(`0x3df02124${word('2')}${word('0')}${amounts}`)
  const right = { token: at(usdc), spender: at(pool), by: 'erc20', amount: 1_000_000n }
  expect(poolOf('int128').allowances(trade)).toEqual([right])
})
test('a pool is asked whether its coins stand where we say, and what comes', async () => {
  const answers = (second: string): Reader => {
    const all: Readonly<Record<string, string>> = {
      [`0xc6610657${word('1')}`]: usdc,
      [`0xc6610657${word('2')}`]: second,
      [`0x5e0d443f${word('1')}${word('2')}${word('f4240')}`]: 'f3fff',
    }
    return { call: async (to, data) => (to === at(pool) ? `0x${word(all[data] ?? '')}` : '0x') as Hex }
  }
  expect(await poolOf('int128').quote(trade, answers(usdt))).toBe(0xf3fffn)
  await expect(poolOf('int128').quote(trade, answers(dai))).rejects.toThrow('coin 2 of the pool is')
})
test('an exact amount out, the coin itself, and coins the pool has not are refused', () => {
  for (const wrong of [
    { ...trade, exact: 'out' as const },
    { ...trade, pay: { ...trade.pay, native: true } },
    { ...trade, get: tokenOf(crvusd) },
    { ...trade, get: trade.pay },
  ])
    expect(() => poolOf('int128').encode(wrong)).toThrow(Reverted)
})

const routed = { ...trade, get: tokenOf(crvusd) }
const routeOf = (route: readonly string[], swaps: readonly (readonly number[])[]) =>
  curveRouter.open(z.parse(curveRouter.params, { router: `0x${router}`, route: route.map(at), swaps } as never))
const two = routeOf(
  [usdc, pool, usdt, other_pool, crvusd],
  [
    [1, 2, 1, 1, 3],
    [0, 1, 1, 1, 2],
  ],
)
const zeros = (count: number): string => word('').repeat(count)
const route_words = [usdc, pool, usdt, other_pool, crvusd].map(word).join('') + zeros(6)
const swap_words = ['1', '2', '1', '1', '3', '0', '1', '1', '1', '2'].map(word).join('') + zeros(15)

test('an exchange along a route, byte for byte', () => {
  const data = `0xc872a3c5${route_words}${swap_words}${amounts}${zeros(5)}${word(us)}`
  expect(two.encode(routed)).toEqual({ to: at(router), data, value: 0n })
  expect(two.contracts).toEqual([at(router)])
  expect(two.allowances(routed)).toMatchObject([{ token: at(usdc), spender: at(router) }])
})
test('the router is asked what comes along the route', async () => {
  const asked = `0x637653cb${route_words}${swap_words}${word('f4240')}${zeros(5)}`
  const reader: Reader = { call: async (_, data) => `0x${word(data === asked ? 'abc' : '')}` as Hex }
  expect(await two.quote(routed, reader)).toBe(0xabcn)
})
test('a route goes one way, and has params for each pool', () => {
  expect(() => two.encode(trade)).toThrow(Reverted)
  expect(() => two.encode({ ...routed, pay: routed.get, get: routed.pay })).toThrow(Reverted)
  const short = routeOf([usdc, pool, usdt, other_pool, crvusd], [[1, 2, 1, 1, 3]])
  expect(() => short.encode(routed)).toThrow(Reverted)
  const even = { router: `0x${router}`, route: [usdc, pool, usdt, pool].map(at), swaps: [[1, 2, 1, 1, 3]] }
  expect(z.safeParse(curveRouter.params, even as never).success).toBe(false)
})
test('what moved is what the tokens say, less what came back', () => {
  const transfer = (token: string, from: string, to: string, value: string): Log => ({
    address: at(token),
    topics: ['0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef', `0x${word(from)}`, `0x${word(to)}`],
    data: `0x${word(value)}`,
  })
  const logs = [
    transfer(usdc, us, pool, 'f4240'),
    transfer(usdc, pool, us, '40'),
    transfer(usdt, pool, us, 'f3fff'),
    transfer(usdt, pool, router, 'ff'),
    transfer(dai, pool, us, 'ff'),
  ]
  expect(two.moved(trade, logs)).toEqual({ paid: 0xf4200n, got: 0xf3fffn })
  expect(poolOf('int128').moved(trade, logs)).toEqual({ paid: 0xf4200n, got: 0xf3fffn })
  expect(two.moved(trade, [])).toEqual({ paid: 0n, got: 0n })
})
