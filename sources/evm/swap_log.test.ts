import { AbiCoder, id, zeroPadValue } from 'ethers'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { Swap } from '../../schemas/chain.ts'
import { type Pool, type Protocol, swapTopics, topics } from './pools.ts'
import { readSwap } from './swap_log.ts'
import type { Head, Log } from './wire.ts'

const coder = AbiCoder.defaultAbiCoder()
const hash = (digit: string) => `0x${digit.repeat(64)}`
const block: Head = {
  number: 7,
  hash: hash('a'),
  parent: hash('b'),
  at: 1_700_000_000e6,
  base_fee: '1',
  gas_used: 0,
  gas_limit: 0,
  transactions: 1,
  bloom: '0x',
}
const poolOf = (protocol: Protocol, decimals0 = 18, decimals1 = 6): Pool => ({
  protocol,
  address: `0x${'1'.repeat(40)}`,
  id: protocol === 'uniswap_v4' ? hash('4') : undefined,
  key: `${protocol}:pool`,
  decimals0,
  decimals1,
  fee: 0.003,
})
const trader = `0x${'7e'.repeat(20)}`
const party = zeroPadValue(trader, 32)
const logOf = (protocol: Protocol, types: readonly string[], values: readonly unknown[]): Log => ({
  address: `0x${'1'.repeat(40)}`,
  topics: [swapTopics[protocol], protocol === 'uniswap_v4' ? hash('4') : hash('0'), party],
  data: coder.encode([...types], [...values]),
  block: 7,
  block_hash: hash('a'),
  transaction: hash('c'),
  index: 3,
})
const v2 = (...amounts: readonly (bigint | number)[]) => logOf('uniswap_v2', Array(4).fill('uint256'), amounts)
const e18 = 10n ** 18n

test('topics are the hashes of the signatures', () => {
  expect(topics).toEqual({
    v2Swap: id('Swap(address,uint256,uint256,uint256,uint256,address)'),
    v2Sync: id('Sync(uint112,uint112)'),
    v3Initialize: id('Initialize(uint160,int24)'),
    v3Swap: id('Swap(address,address,int256,int256,uint160,uint128,int24)'),
    v3Mint: id('Mint(address,address,int24,int24,uint128,uint256,uint256)'),
    v3Burn: id('Burn(address,int24,int24,uint128,uint256,uint256)'),
    pancakeV3Swap: id('Swap(address,address,int256,int256,uint160,uint128,int24,uint128,uint128)'),
    v4Initialize: id('Initialize(bytes32,address,address,uint24,int24,address,uint160,int24)'),
    v4Swap: id('Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)'),
    v4ModifyLiquidity: id('ModifyLiquidity(bytes32,address,int24,int24,int256,bytes32)'),
  })
})

test('a V2 swap is what went in less what went out', () => {
  const swap = readSwap(poolOf('uniswap_v2'), v2(0, 3_000_000_000n, e18, 0), block)
  expect(swap).toEqual({
    amount0: (-e18).toString(),
    amount1: '3000000000',
    price: 3000,
    size: 1,
    side: 1,
    block: 7,
    block_time: block.at,
    index: 3,
    block_hash: hash('a'),
    transaction: hash('c'),
    trader,
    removed: false,
  })
  expect(z.safeParse(Swap.schema, swap).success).toBe(true)
})

test.each([
  ['a flash swap that pays back what it took', v2(e18 + 1n, 0, e18, 0)],
  ['a swap that gave on both sides', v2(e18, 5, 0, 0)],
  [
    'a swap of dust for nothing',
    logOf('uniswap_v3', ['int256', 'int256', 'uint160', 'uint128', 'int24'], [1, 0, 1, 1, 0]),
  ],
])('%s has no price, and is told all the same', (_what, log) => {
  const protocol = log.topics[0] === topics.v2Swap ? 'uniswap_v2' : 'uniswap_v3'
  expect(readSwap(poolOf(protocol), log, block)).toMatchObject({ price: 0, side: -1 })
})

test('amounts of V3 may be wider than any column of numbers', () => {
  const wide = (1n << 200n) + 1n
  const log = logOf('uniswap_v3', ['int256', 'int256', 'uint160', 'uint128', 'int24'], [wide, -wide, 1, 1, -887272])
  expect(readSwap(poolOf('uniswap_v3', 0, 0), log, block)).toMatchObject({
    amount0: `${wide}`,
    amount1: `-${wide}`,
    price: 1,
  })
})

test('PancakeSwap V3 logs two words more', () => {
  const types = ['int256', 'int256', 'uint160', 'uint128', 'int24', 'uint128', 'uint128']
  const log = logOf('pancakeswap_v3', types, [e18, -2_000_000n, 1, 1, 0, 9, 9])
  expect(readSwap(poolOf('pancakeswap_v3'), log, block)).toMatchObject({
    amount0: `${e18}`,
    amount1: '-2000000',
    price: 2,
    side: -1,
  })
  expect(readSwap(poolOf('uniswap_v3'), log, block)).toBeUndefined()
})

test('V4 tells amounts as the swapper sees them: they are turned round', () => {
  const types = ['int128', 'int128', 'uint160', 'uint128', 'int24', 'uint24']
  const log = logOf('uniswap_v4', types, [-e18, 2_000_000n, 1, 1, 0, 500])
  expect(readSwap(poolOf('uniswap_v4'), log, block)).toMatchObject({
    amount0: `${e18}`,
    amount1: '-2000000',
    side: -1,
    trader,
  })
})

test.each([
  ['too few words', { ...v2(1, 0, 0, 1), data: `0x${'0'.repeat(192)}` }],
  ['half a word', { ...v2(1, 0, 0, 1), data: `0x${'0'.repeat(250)}` }],
  ['too few topics', { ...v2(1, 0, 0, 1), topics: [topics.v2Swap, hash('0')] }],
  ['another event', { ...v2(1, 0, 0, 1), topics: [topics.v2Sync, hash('0'), hash('0')] }],
  ['an amount no pair can hold', v2(1n << 200n, 0, 0, 1)],
])('a log with %s is no swap', (_what, log) => {
  expect(readSwap(poolOf('uniswap_v2'), log, block)).toBeUndefined()
})
