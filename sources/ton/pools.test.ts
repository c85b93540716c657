import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { PoolState } from '../../schemas/chain.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { startVenue } from '../../testing/venue_server.ts'
import { friendlyAddress } from './address.ts'
import { openPools, tonPools } from './pools.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const ston = `0:${'a'.repeat(64)}`
const dust = `0:${'b'.repeat(64)}`
type Given = z.output<typeof tonPools.definition.params & z.ZodType>

async function follow(answer: (path: string, attempt: number) => unknown, given: object = {}) {
  const server = await startVenue({
    frames: [],
    rest: ({ pathname }, attempt) => ({ body: answer(pathname, attempt), headers: { connection: 'close' } }),
  })
  closing.push(server.close)
  const pools = [
    { dex: 'stonfi_v1', address: friendlyAddress(ston), decimals0: 9, decimals1: 6 },
    { dex: 'dedust', address: dust, decimals0: 9, decimals1: 9 },
  ]
  const params = z.parse(tonPools.definition.params, { pools, every: '5ms', requests_per_second: 1000, ...given })
  const feed = followFeed((context) => openPools(params as Parameters<typeof openPools>[0], context), {
    'ton_pools.stonfi': server.restUrl,
    'ton_pools.dedust': server.restUrl,
  })
  closing.push(feed.stop)
  const of = (key: string) =>
    feed
      .of('row')
      .filter((row) => row.key === key)
      .map(({ value }) => value as PoolState)
  return { ...feed, of, server, items: feed.of }
}
const stonPool = (reserve0: string, rest: object = {}) => ({
  pool: {
    ...{ address: friendlyAddress(ston), reserve0, reserve1: '3000000', lp_fee: '20', protocol_fee: '10' },
    ...{ ref_fee: '10', token0_address: 'EQ', token1_address: 'EQ', deprecated: false, ...rest },
  },
})
const dustPool = (reserves: readonly string[], type = 'volatile') => ({
  ...{ address: friendlyAddress(dust), lt: '5', totalSupply: '1', type, tradeFee: '0.25', reserves },
  ...{ assets: [{ type: 'native' }, { type: 'jetton', address: 'EQ' }], lastPrice: '1', stats: {} },
})

test('states of both DEXes, told as their documentation has them, each once until it changes', async () => {
  let reserve = '2000000000'
  const feed = await follow((path) => (path === '/v2/pools' ? [dustPool(['400', '100'])] : stonPool(reserve)))
  await feed.until(() => feed.items('row').length === 2)
  await expect.poll(() => feed.server.asked.length).toBeGreaterThan(8)
  expect(feed.items('row')).toHaveLength(2)
  expect(feed.of(`stonfi_v1:${ston}`)[0]).toMatchObject({
    ...{ model: 'constant_product', reserve0: '2000000000', reserve1: '3000000', fee: 0.003, price: 1.5 },
    ...{ decimals0: 9, decimals1: 6, block: 0, block_time: 0, block_hash: '', removed: false },
  })
  expect(feed.of(`dedust:${dust}`)[0]).toMatchObject({ reserve0: '400', reserve1: '100', fee: 0.0025, price: 0.25 })
  reserve = '1000000000'
  await feed.until(() => feed.of(`stonfi_v1:${ston}`).length === 2)
  expect(feed.of(`stonfi_v1:${ston}`)[1]?.price).toBe(3)
  expect(feed.server.asked).toContain(`/v1/pools/${ston}`)
  expect(feed.items('gap').map(({ key, value }) => [key, value.reason])).toEqual([
    [`stonfi_v1:${ston}`, 'connected'],
    [`dedust:${dust}`, 'connected'],
  ])
})

test('an unchanged state is told again with its age when it is due', async () => {
  const feed = await follow((path) => (path === '/v2/pools' ? [dustPool(['4', '1'])] : stonPool('1')), {
    repeat_every: '40ms',
  })
  await feed.until(() => feed.of(`dedust:${dust}`).length === 3)
  const ages = feed.of(`dedust:${dust}`).map(({ age }) => age)
  expect(ages[1]).toBeGreaterThan(39e3)
  expect(ages[2]).toBeGreaterThan(79e3)
})

test('pools of other curves, and pools nobody lists, are kept out and named', async () => {
  const feed = await follow((path) => (path === '/v2/pools' ? [] : stonPool('5', { amp: '100' })))
  await feed.until(() => feed.items('invalid').length >= 2)
  const told = feed.items('invalid').map(({ key, value }) => `${key} ${value.reason}`)
  expect(new Set(told)).toEqual(new Set([`stonfi_v1:${ston} other_curve`, `dedust:${dust} not_listed`]))
  expect(feed.items('row')).toEqual([])
})

test.each([
  ['fields that are missing', { pool: { reserve0: '1' } }],
  ['an amount that is no number', stonPool('1e9')],
  ['an empty pool', stonPool('0')],
  ['a page of HTML', '<html>'],
])('%s: told as invalid, then the state when it is there', async (_what, bad) => {
  const feed = await follow((_path, n) => (n === 1 ? bad : stonPool('5')), {
    pools: [{ dex: 'stonfi_v2', address: ston, decimals0: 0, decimals1: 0 }],
  })
  await feed.until(() => feed.items('row').length === 1)
  expect(feed.items('invalid')).toHaveLength(1)
  expect(feed.items('event').map(({ value }) => value.event)).toEqual(['retrying', 'connected'])
})

test('an address with a wrong checksum is no address', () => {
  const pools = [{ dex: 'dedust', address: `${friendlyAddress(dust).slice(0, -1)}!`, decimals0: 9, decimals1: 9 }]
  const given = z.safeParse(tonPools.definition.params, { pools } satisfies Partial<Record<keyof Given, unknown>>)
  expect(given.success).toBe(false)
})
