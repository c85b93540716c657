import { AbiCoder, keccak256 } from 'ethers'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { wallClock } from '../../runtime/clock.ts'
import { PoolState } from '../../schemas/chain.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import { interfaceOf } from '../../testing/evm_chain.ts'
import { startTraffic, type Traffic } from '../../testing/evm_traffic.ts'
import { followSource } from '../../testing/follow_source.ts'
import { startRpcProxy } from '../../testing/rpc_proxy.ts'
import { nodeLimits } from './params.ts'
import { type EvmPoolStatesParams, evmPoolStates, openPoolStates } from './pool_states.ts'

const ms = 1e3
const quick = { ...nodeLimits, backoff: 10 * ms, backoffCap: 40 * ms }
const unit = 10n ** 18n
const pause = (micros: number) => new Promise<void>((resolve) => wallClock.after(micros, resolve))
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describe.skipIf(anvilBinary() === undefined)('pools of a chain of anvil', () => {
  let traffic: Traffic
  beforeAll(async () => {
    traffic = await startTraffic()
  })
  afterAll(() => traffic?.close())

  type Given = Parameters<typeof evmPoolStates>[0]
  const follow = (endpoints: Given['endpoints'], more: Partial<Given> = {}) => {
    const { v2, v3, v4 } = traffic.uniswap
    const given: Given = {
      chain_id: traffic.anvil.chain_id,
      endpoints,
      pools: [
        { protocol: 'uniswap_v2', address: v2.pair.address, venue: 'sushiswap' },
        { protocol: 'uniswap_v3', address: v3.pool.address },
        { protocol: 'uniswap_v4', address: v4.manager.address, pool_id: v4.pool_id, decimals0: 18, decimals1: 18 },
      ],
      poll_every: '10ms',
      stall_after: '1h',
      stale_after: '1h',
      ...more,
    }
    const params = z.parse(evmPoolStates.definition.params, given) as EvmPoolStatesParams
    const feed = followSource<PoolState>((context) => openPoolStates(params, context, quick))
    closing.push(feed.stop)
    return feed
  }
  type Row = ReturnType<ReturnType<typeof follow>['rows']>[number]

  /** What the contracts themselves say of a block. */
  const contract = async (key: string, hash: string): Promise<readonly string[]> => {
    const { v2, v3, v4 } = traffic.uniswap
    const call = async (
      name: 'UniswapV2Pair' | 'UniswapV3Pool' | 'PoolManager',
      to: string,
      method: string,
      ...values: unknown[]
    ) => {
      const abi = interfaceOf(name)
      const data = await traffic.anvil.rpc(
        'eth_call',
        { to, data: abi.encodeFunctionData(method, values) },
        { blockHash: hash },
      )
      return abi.decodeFunctionResult(method, String(data)).toArray().map(String)
    }
    if (key.startsWith('sushiswap')) return (await call('UniswapV2Pair', v2.pair.address, 'getReserves')).slice(0, 2)
    if (key.startsWith('uniswap_v3')) {
      const [price, tick] = await call('UniswapV3Pool', v3.pool.address, 'slot0')
      return [price ?? '', ...(await call('UniswapV3Pool', v3.pool.address, 'liquidity')), tick ?? '']
    }
    // StateLibrary of v4-core: slot0 packs price (160 bits) and tick (24 bits); liquidity lies three slots on.
    const slot = BigInt(keccak256(AbiCoder.defaultAbiCoder().encode(['bytes32', 'uint256'], [v4.pool_id, 6])))
    const load = async (at: bigint) =>
      BigInt(
        (
          await call('PoolManager', v4.manager.address, 'extsload(bytes32)', `0x${at.toString(16).padStart(64, '0')}`)
        )[0] ?? '',
      )
    const slot0 = await load(slot)
    return [BigInt.asUintN(160, slot0), await load(slot + 3n), BigInt.asIntN(24, slot0 >> 160n)].map(String)
  }
  const numbers = (row: Row): readonly string[] =>
    row.model === 'constant_product'
      ? [row.reserve0, row.reserve1]
      : [row.sqrt_price_x96, row.liquidity, String(row.tick)]
  const provide = async (on: 'v3' | 'v4', lower: number, upper: number) => {
    await traffic.uniswap.provide(on, lower, upper, 100n * unit)
    await traffic.mine()
  }
  const last = (rows: readonly Row[]) => new Map(rows.map((row) => [row.key, row]))

  test('states are at every block what the contracts say: swaps, liquidity in and out of range', async () => {
    await traffic.start()
    const feed = follow([{ ws: traffic.anvil.ws }])
    await feed.until(() => feed.rows().length === 3)
    for (let n = 0; n < 6; n++) {
      await traffic.trade(3)
      await provide('v3', -600, 600)
      await provide('v4', -600, 600)
      await provide('v3', 6000, 12_000)
      await provide('v4', -12_000, -6000)
      await traffic.uniswap.swap('v3', n % 2 === 0 ? 0 : 1, 2000n * unit)
      await traffic.uniswap.swap('v4', n % 2 === 0 ? 1 : 0, 2000n * unit)
      await traffic.mine()
    }
    const head = await traffic.height()
    await feed.until(() => feed.rows().some(({ block }) => block === head))
    const rows = feed.rows()
    expect(rows.length).toBeGreaterThan(3 + 6 * 5)
    for (const row of rows) {
      expect(numbers(row), `${row.key} at ${row.block}`).toEqual(await contract(row.key, row.block_hash))
      expect(z.safeParse(PoolState.schema, row).success).toBe(true)
      expect(row.removed).toBe(false)
      expect(row.fee).toBe(0.003)
    }
    const v3 = rows.filter(({ model }) => model === 'concentrated')
    expect(new Set(v3.map(({ liquidity }) => liquidity)).size).toBeGreaterThan(6)
    for (const { price, tick } of v3) {
      expect(price).toBeGreaterThan(1.0001 ** tick * (1 - 1e-9))
      expect(price).toBeLessThan(1.0001 ** (tick + 1) * (1 + 1e-9))
    }
  })

  test('blocks that leave the chain put the states before them back', async () => {
    await traffic.start()
    const feed = follow([{ ws: traffic.anvil.ws }])
    await feed.until(() => feed.rows().length === 3)
    const first = feed.rows()
    for (let n = 0; n < 4; n++) await traffic.trade(3)
    await feed.until(() => feed.rows().length === 15)
    await traffic.anvil.rpc('anvil_reorg', 4, [])
    await feed.until(() => feed.rows().length === 18)
    const back = feed.rows().slice(15)
    expect(back.every(({ removed }) => removed)).toBe(true)
    for (const row of back) expect(numbers(row)).toEqual(numbers(last(first).get(row.key) as Row))
    await traffic.trade(3)
    await feed.until(() => feed.rows().length === 21)
    for (const row of feed.rows().slice(18)) expect(numbers(row)).toEqual(await contract(row.key, row.block_hash))
  })

  test('when the very block it began with leaves the chain, the states are read anew', async () => {
    await traffic.start()
    await traffic.trade(3)
    const feed = follow([{ ws: traffic.anvil.ws }])
    await feed.until(() => feed.rows().length === 3)
    await traffic.anvil.rpc('anvil_reorg', 2, [])
    await traffic.trade(3)
    const head = await traffic.height()
    await feed.until(() => feed.rows().some(({ block }) => block === head))
    for (const row of last(feed.rows()).values()) expect(numbers(row)).toEqual(await contract(row.key, row.block_hash))
  })

  test('while no block comes the states are told again, and how old they are', async () => {
    await traffic.start()
    const feed = follow([{ ws: traffic.anvil.ws }], { stale_after: '60ms' })
    await feed.until(() => feed.rows().length === 9)
    const ages = feed
      .rows()
      .filter(({ model }) => model === 'constant_product')
      .map(({ age }) => age)
    expect(ages).toEqual(ages.toSorted((a, b) => a - b))
    expect((ages[2] ?? 0) - (ages[1] ?? 0)).toBeGreaterThanOrEqual(55 * ms)
    expect(new Set(feed.rows().map(({ at }) => at)).size).toBe(1)
    const [newest] = feed.rows().slice(-1)
    expect(newest?.age).toBeGreaterThan(0)
    expect(newest?.age).toBeLessThanOrEqual(wallClock.now() - (newest?.block_time ?? 0))
  })

  test('after a lost connection they are told again with their age, with what was missed', async () => {
    const proxy = await startRpcProxy({ http: traffic.anvil.http, ws: traffic.anvil.ws })
    closing.push(proxy.close)
    await traffic.start()
    const feed = follow([{ ws: proxy.ws }])
    await feed.until(() => feed.rows().length === 3)
    proxy.doors = 'shut'
    proxy.cut()
    for (let n = 0; n < 3; n++) await traffic.trade(1)
    await pause(50 * ms)
    proxy.doors = 'open'
    await feed.until(() => feed.rows().length >= 9)
    const rows = feed.rows().slice(3)
    expect(rows.filter(({ model }) => model === 'constant_product')).toHaveLength(4)
    for (const row of last(rows).values()) expect(numbers(row)).toEqual(await contract(row.key, row.block_hash))
    expect(feed.gaps()).toHaveLength(3)
  })

  test('behind a gap they are read from the contracts', async () => {
    const proxy = await startRpcProxy({ http: traffic.anvil.http, ws: traffic.anvil.ws })
    closing.push(proxy.close)
    await traffic.start()
    const feed = follow([{ ws: proxy.ws }], { backfill: 0 })
    await feed.until(() => feed.rows().length === 3)
    proxy.doors = 'shut'
    proxy.cut()
    for (let n = 0; n < 3; n++) await traffic.trade(3)
    proxy.doors = 'open'
    await feed.until(() => feed.rows().length >= 6)
    expect(
      feed
        .gaps()
        .slice(3)
        .map(({ reason }) => reason),
    ).toEqual(Array(3).fill('disconnected'))
    for (const row of feed.rows().slice(3)) expect(numbers(row)).toEqual(await contract(row.key, row.block_hash))
  })
})
