import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { wallClock } from '../../runtime/clock.ts'
import { Swap } from '../../schemas/chain.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import { interfaceOf } from '../../testing/evm_chain.ts'
import { type SwapLine, startTraffic, swapLine, type Traffic } from '../../testing/evm_traffic.ts'
import { type FollowOptions, followSource } from '../../testing/follow_source.ts'
import { type RpcFault, type RpcProxy, startRpcProxy } from '../../testing/rpc_proxy.ts'
import { nodeLimits } from './params.ts'
import { type EvmSwapsParams, evmSwaps, openSwaps } from './swaps.ts'

const ms = 1e3
const quick = {
  ...nodeLimits,
  openWithin: 3000 * ms,
  pingAfter: 50 * ms,
  backoff: 10 * ms,
  backoffCap: 40 * ms,
}
const pause = (micros: number) => new Promise<void>((resolve) => wallClock.after(micros, resolve))

// ---- a chain, proxies in front of it, and the source behind them --------------------------------------

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type Given = Parameters<typeof evmSwaps>[0]
function follow(given: Given, options: FollowOptions = {}) {
  const params = z.parse(evmSwaps.definition.params, given) as EvmSwapsParams
  const feed = followSource<Swap>((context) => openSwaps(params, context, quick), options)
  closing.push(feed.stop)
  return feed
}
type Followed = ReturnType<typeof follow>

/** Swaps told less swaps taken back. Throws where one is told twice, or taken back untold. */
function standing({ rows }: Followed): readonly SwapLine[] {
  const now = new Map<string, SwapLine>()
  for (const { block_hash, index, removed, amount0, amount1, key } of rows()) {
    const place = `${block_hash}/${index}`
    if (removed !== now.has(place)) throw new Error(`${place} is ${removed ? 'taken back untold' : 'told twice'}`)
    if (removed) now.delete(place)
    else now.set(place, swapLine(block_hash, index, key, amount0, amount1))
  }
  return [...now.values()].toSorted()
}

describe.skipIf(anvilBinary() === undefined)('on a chain of anvil, with the contracts of Uniswap', () => {
  let traffic: Traffic
  beforeAll(async () => {
    traffic = await startTraffic()
  })
  afterAll(() => traffic?.close())

  const proxyOf = async (): Promise<RpcProxy> => {
    const { http, ws } = traffic.anvil
    const proxy = await startRpcProxy({ http, ws })
    closing.push(proxy.close)
    return proxy
  }
  const given = (endpoints: Given['endpoints'], more: Partial<Given> = {}): Given => {
    const { v2, v3, v4 } = traffic.uniswap
    return {
      chain_id: traffic.anvil.chain_id,
      endpoints,
      pools: [
        { protocol: 'uniswap_v2', address: v2.pair.address },
        { protocol: 'uniswap_v3', address: v3.pool.address },
        { protocol: 'uniswap_v4', address: v4.manager.address, pool_id: v4.pool_id, decimals0: 18, decimals1: 18 },
      ],
      poll_every: '20ms',
      stall_after: '1h',
      request_timeout: '3s',
      ...more,
    }
  }
  /** Waits until the source tells what the chain holds. */
  const agrees = async (feed: Followed, from: number) => {
    const expected = await traffic.swapsFrom(from)
    const same = () => JSON.stringify(standing(feed)) === JSON.stringify(expected)
    await Promise.race([feed.until(same), pause(8e6)])
    expect(standing(feed)).toEqual(expected)
    expect(feed.errors).toEqual([])
    return expected.length
  }

  test('every swap is told once, as the contracts mean it, in the order of the logs', async () => {
    const proxy = await proxyOf()
    const from = await traffic.start()
    const feed = follow(given([{ ws: proxy.ws }]))
    await feed.until(() => feed.gaps().length === 3)
    for (let n = 0; n < 10; n++) await traffic.trade(6)
    expect(await agrees(feed, from)).toBe(60)
    const [first] = feed.rows()
    expect(first).toMatchObject({
      key: `uniswap_v2:${traffic.uniswap.v2.pair.address.toLowerCase()}`,
      removed: false,
      block: from + 1,
    })
    expect(feed.gaps().map(({ reason, since }) => [reason, since])).toEqual(Array(3).fill(['connected', 0]))
    for (const row of feed.rows()) {
      expect(z.safeParse(Swap.schema, row).success).toBe(true)
      expect(row.trader).toBe(
        row.key.startsWith('uniswap_v4')
          ? traffic.uniswap.v4.swaps.address.toLowerCase()
          : traffic.uniswap.deployer.account,
      )
      expect(row.side).toBe(BigInt(row.amount0) > 0n ? -1 : 1)
      expect(row.price).toBeCloseTo(1, 1)
      expect(row.at).toBe(row.block_time)
    }
    const order = feed.rows().map(({ block, index }) => block * 1000 + index)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(feed.of('invalid')).toEqual([])
  })

  test('amounts are what the pool got and gave, by the transfers of its tokens', async () => {
    const from = await traffic.start()
    const feed = follow(given([{ http: traffic.anvil.http }]))
    await feed.until(() => feed.gaps().length === 3)
    await traffic.trade(9)
    await agrees(feed, from)
    const transfer = interfaceOf('ERC20')
    for (const row of feed.rows()) {
      const pool = row.key.startsWith('uniswap_v4') ? traffic.uniswap.v4.manager.address : row.key.replace(/^.*:/, '')
      const { logs } = (await traffic.anvil.rpc('eth_getTransactionReceipt', row.transaction)) as {
        logs: { address: string; topics: string[]; data: string }[]
      }
      const moved = (token: string) =>
        logs
          .filter((log) => log.address.toLowerCase() === token.toLowerCase())
          .map((log) => (transfer.parseLog(log)?.args.toArray() ?? []) as [string, string, bigint])
          .reduce((sum, [source, target, value]) => {
            const own = (party: string) => party.toLowerCase() === pool.toLowerCase()
            return sum + (own(target) ? value : 0n) - (own(source) ? value : 0n)
          }, 0n)
      expect([row.amount0, row.amount1].map(BigInt)).toEqual(
        traffic.uniswap.tokens.map(({ address }) => moved(address)),
      )
    }
  })

  // ---- connections ------------------------------------------------------------------------------------

  test('after any cut the swaps are those of the chain: none missing, none twice', async () => {
    const proxy = await proxyOf()
    const from = await traffic.start()
    const feed = follow(given([{ ws: proxy.ws }]))
    await feed.until(() => feed.gaps().length === 3)
    for (let round = 0; round < 8; round++) {
      await traffic.trade(3)
      // in every second round nobody gets back in before there is something to fetch
      proxy.doors = round % 2 === 0 ? 'open' : 'shut'
      proxy.cut()
      for (let n = 0; n < round; n++) await traffic.trade(2)
      proxy.doors = 'open'
      await pause(30 * ms)
      await traffic.trade(1)
    }
    expect(await agrees(feed, from)).toBe(8 * 4 + 2 * 28)
    expect(feed.gaps()).toHaveLength(3)
    expect(feed.events().filter(({ event }) => event === 'lost').length).toBeGreaterThanOrEqual(8)
    const filled = feed.of('event').filter(({ value }) => value.event === 'filled')
    expect(filled.length).toBeGreaterThan(0)
    for (const item of filled) {
      const at = feed.items.indexOf(item)
      const rows = feed.items.slice(at + 1).findIndex(({ type }) => type === 'event')
      const after = feed.items.slice(at + 1, rows < 0 ? undefined : at + 1 + rows).filter(({ type }) => type === 'row')
      expect(after.length).toBeGreaterThanOrEqual(item.value.count)
    }
  })

  test('heads that stop while the connection lives are taken for a stall, and what came meanwhile is fetched', async () => {
    const proxy = await proxyOf()
    const from = await traffic.start()
    const feed = follow(given([{ ws: proxy.ws }], { stall_after: '200ms' }))
    await feed.until(() => feed.gaps().length === 3)
    await traffic.trade(3)
    await feed.until(() => feed.rows().length === 3)
    proxy.pushes = () => undefined
    for (let n = 0; n < 5; n++) await traffic.trade(2)
    await feed.until(() => feed.events().some(({ event }) => event === 'lost'))
    expect(feed.events().find(({ event }) => event === 'lost')?.detail).toContain('stalled')
    expect(await agrees(feed, from)).toBe(13)
  })

  test('heads that are left out, doubled or out of order change nothing', async () => {
    const proxy = await proxyOf()
    const from = await traffic.start()
    const feed = follow(given([{ ws: proxy.ws }]))
    await feed.until(() => feed.gaps().length === 3)
    let n = 0
    let before: unknown
    proxy.pushes = (push) => {
      n++
      if (n % 3 === 0) return undefined
      if (n % 5 === 0 && before !== undefined) return before
      before = push
      return push
    }
    for (let round = 0; round < 20; round++) await traffic.trade(2)
    proxy.pushes = (push) => push
    await traffic.trade(1)
    expect(await agrees(feed, from)).toBe(41)
  })

  // ---- reorganisations --------------------------------------------------------------------------------

  test.each([1, 2, 3, 4, 5, 6])(
    'a reorganisation %i deep takes back the newest swaps first, then tells the branch',
    async (depth) => {
      const from = await traffic.start()
      const feed = follow(given([{ ws: traffic.anvil.ws }]))
      await feed.until(() => feed.gaps().length === 3)
      for (let n = 0; n < 7; n++) await traffic.trade(2)
      await agrees(feed, from)
      const before = feed.rows().length
      await traffic.anvil.rpc('anvil_reorg', depth, [])
      await traffic.trade(3)
      expect(await agrees(feed, from)).toBe(2 * (7 - depth) + 3)
      const removed = feed
        .rows()
        .slice(before)
        .filter((row) => row.removed)
      const told = feed
        .rows()
        .slice(0, before)
        .toReversed()
        .slice(0, 2 * depth)
      expect(removed.map(({ at: _at, ...row }) => ({ ...row, removed: false }))).toEqual(
        told.map(({ at: _at, ...row }) => row),
      )
      expect(feed.gaps()).toHaveLength(3)
      const times = feed.rows().map(({ at }) => at)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
    },
  )

  test.each([1, 3])('with %i confirmations a shallower reorganisation is not seen at all', async (confirmations) => {
    const from = await traffic.start()
    const feed = follow(given([{ ws: traffic.anvil.ws }], { confirmations, from_block: from }))
    for (let n = 0; n < 4; n++) await traffic.trade(2)
    await traffic.anvil.rpc('anvil_reorg', confirmations, [])
    for (let n = 0; n < confirmations + 3; n++) await traffic.trade(1)
    const deep = (await traffic.height()) - confirmations
    await feed.until(() => feed.rows().some(({ block }) => block === deep))
    const expected = (await traffic.swapsFrom(from)).length - confirmations
    expect(feed.rows()).toHaveLength(expected)
    expect(feed.rows().every(({ removed, block }) => !removed && block <= deep)).toBe(true)
  })

  test('a reorganisation while the connection is cut is found on the way back', async () => {
    const proxy = await proxyOf()
    const from = await traffic.start()
    const feed = follow(given([{ ws: proxy.ws }]))
    await feed.until(() => feed.gaps().length === 3)
    for (let n = 0; n < 5; n++) await traffic.trade(2)
    await agrees(feed, from)
    proxy.doors = 'shut'
    proxy.cut()
    await traffic.anvil.rpc('anvil_reorg', 4, [])
    for (let n = 0; n < 12; n++) await traffic.trade(2)
    proxy.doors = 'open'
    expect(await agrees(feed, from)).toBe(2 + 24)
    expect(feed.rows().filter(({ removed }) => removed)).toHaveLength(8)
  })

  test('a branch with swaps of its own takes the place of another once it is as high', async () => {
    const from = await traffic.start()
    const feed = follow(given([{ ws: traffic.anvil.ws }]))
    await feed.until(() => feed.gaps().length === 3)
    const fork = await traffic.anvil.rpc('evm_snapshot')
    for (let n = 0; n < 3; n++) await traffic.trade(2)
    await agrees(feed, from)
    await traffic.anvil.rpc('evm_revert', fork)
    for (let n = 0; n < 3; n++) await traffic.trade(3)
    expect(await agrees(feed, from)).toBe(9)
    expect(feed.rows().filter(({ removed }) => removed)).toHaveLength(6)
  })

  test('a reorganisation deeper than what is remembered is a gap, and what is remembered is taken back', async () => {
    await traffic.start()
    const feed = follow(given([{ ws: traffic.anvil.ws }], { reorg_depth: 2 }))
    await feed.until(() => feed.gaps().length === 3)
    for (let n = 0; n < 6; n++) {
      await traffic.trade(1)
      await feed.until(() => feed.rows().length === n + 1)
    }
    await traffic.anvil.rpc('anvil_reorg', 5, [])
    await traffic.trade(1)
    await feed.until(() => feed.rows().length === 10)
    expect(feed.rows().map(({ removed }) => removed)).toEqual([...Array(6).fill(false), true, true, true, false])
    expect(
      feed
        .gaps()
        .slice(3)
        .map(({ reason }) => reason),
    ).toEqual(Array(3).fill('sequence'))
  })

  const ways = ['ws', 'ws and http', 'http', 'two of ws', 'ws and another http'] as const
  test.each(ways.map((way, n) => [way, 20261128 + n] as const))(
    'whatever is done to chain and connections (%s), swaps less compensations are the chain',
    async (way, start) => {
      const proxies = [await proxyOf(), await proxyOf()] as const
      const [one, two] = proxies
      const endpoints: Record<typeof way, Given['endpoints']> = {
        ws: [{ ws: one.ws }],
        'ws and http': [{ ws: one.ws, http: one.http }],
        http: [{ http: one.http }],
        'two of ws': [{ ws: one.ws }, { ws: two.ws }],
        'ws and another http': [{ ws: one.ws }, { http: two.http }],
      }
      let seed = start
      const random = (below: number) => {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
        return Math.floor((seed / 2 ** 32) * below)
      }
      const troubles: readonly (RpcFault | undefined)[] = [
        { type: 'status', status: 503 },
        { type: 'html' },
        { type: 'late', ms: 50 },
      ]
      const from = await traffic.start()
      const feed = follow(given(endpoints[way], { stall_after: '500ms', max_lag: 2, request_timeout: '150ms' }))
      await feed.until(() => feed.gaps().length === 3)
      for (let n = 0; n < 8; n++) await traffic.trade(1)
      await agrees(feed, from)
      for (let round = 0; round < 60; round++) {
        const proxy = proxies[random(2)] ?? one
        const what = random(9)
        if (what === 0) proxy.cut()
        if (what === 1) await traffic.anvil.rpc('anvil_reorg', 1 + random(6), [])
        if (what === 2) proxy.pushes = (push) => (random(2) === 0 ? undefined : push)
        if (what === 3) proxy.pushes = () => undefined
        if (what === 4) proxy.meets = () => (random(4) === 0 ? troubles[random(3)] : undefined)
        if (what === 5) proxy.meets = () => ({ type: 'hang' })
        if (what >= 6) {
          proxy.meets = () => undefined
          proxy.pushes = (push) => push
        }
        await traffic.trade(1 + random(3))
        if (random(3) === 0) await pause(random(60) * ms)
      }
      for (const proxy of proxies) {
        proxy.meets = () => undefined
        proxy.pushes = (push) => push
      }
      await traffic.trade(1)
      expect(await agrees(feed, from)).toBeGreaterThan(8)
      await traffic.anvil.rpc('anvil_reorg', 3, [])
      await traffic.trade(1)
      await agrees(feed, from)
      expect(feed.gaps()).toHaveLength(3)
      expect(feed.rows().some(({ removed }) => removed)).toBe(true)
    },
    30_000,
  )
})
