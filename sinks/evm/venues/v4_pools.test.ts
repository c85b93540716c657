import { AbiCoder, id } from 'ethers'
import { expect, test } from 'vitest'
import { Address, type Hex } from '../hex.ts'
import { coinOut } from './v4_pools.ts'
import type { Log } from './venue.ts'

const [manager, router, other] = ['aa', 'bb', 'cc'].map((byte) => Address.parse(`0x${byte.repeat(20)}`)) as [
  Address,
  Address,
  Address,
]
const pool: Hex = `0x${'01'.repeat(32)}`
const types = ['int128', 'int128', 'uint160', 'uint128', 'int24', 'uint24']
const swapped = (amount0: bigint, more: { at?: Address; sender?: Address; pool?: Hex } = {}): Log => ({
  address: more.at ?? manager,
  topics: [
    id('Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)') as Hex,
    more.pool ?? pool,
    `0x${(more.sender ?? router).slice(2).padStart(64, '0')}`,
  ],
  data: AbiCoder.defaultAbiCoder().encode(types, [amount0, 0, 0, 0, 0, 3000]) as Hex,
})

test('only swaps of these pools by the router, told by the pool manager, count as coin', () => {
  const logs = [
    swapped(-5n),
    swapped(12n),
    swapped(100n, { at: other }),
    swapped(1000n, { sender: other }),
    swapped(10_000n, { pool: `0x${'02'.repeat(32)}` }),
  ]
  expect(coinOut(manager, router, [pool], logs)).toBe(7n)
  expect(coinOut(manager, router, [], logs)).toBe(0n)
})
