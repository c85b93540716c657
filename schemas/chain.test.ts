import { expect, test } from 'vitest'
import { z } from 'zod'
import { Block, PoolState, Swap } from './chain.ts'
import { decodeFrame } from './frame.ts'
import { rowReader } from './frame_reader.ts'
import { FrameWriter } from './frame_writer.ts'

const widest = (2n ** 255n - 1n).toString()
const swap: Swap = {
  amount0: `-${widest}`,
  amount1: widest,
  price: 1,
  size: 1,
  side: 1,
  block: 7,
  block_time: 1_700_000_000e6,
  index: 3,
  block_hash: `0x${'a'.repeat(64)}`,
  transaction: `0x${'b'.repeat(64)}`,
  trader: `0x${'c'.repeat(40)}`,
  removed: false,
}

test('numbers of 256 bits come back from a frame as they went in, and read as they are', () => {
  const writer = new FrameWriter(Swap, 'test')
  writer.push(swap.block_time, 'uniswap_v3:0x1', swap)
  const frame = decodeFrame(writer.take(), { swap: Swap })
  expect(rowReader(Swap)(frame, 0)).toEqual(swap)
  expect(JSON.parse(JSON.stringify(swap))).toEqual(swap)
  expect(BigInt(swap.amount0)).toBe(-(2n ** 255n - 1n))
})

test('empty pools and chains without a base fee have their noughts', () => {
  expect(z.safeParse(Swap.schema, { ...swap, amount0: '0', price: 0 }).success).toBe(true)
  const { number, price } = { number: 0, price: 0 }
  const block = { number, hash: '0x', parent: '0x', block_time: 0, base_fee: '0', gas_used: 0, gas_limit: 0 }
  expect(z.safeParse(Block.schema, { ...block, transactions: 0, removed: false }).success).toBe(true)
  const sides = { reserve0: '0', reserve1: '0', sqrt_price_x96: '0', liquidity: '0', decimals0: 18, decimals1: 6 }
  const state = { model: 'constant_product', ...sides, tick: 0, fee: 0.003, price, block: 1, block_time: 0 }
  expect(z.safeParse(PoolState.schema, { ...state, block_hash: '', age: 0, removed: false }).success).toBe(true)
})
