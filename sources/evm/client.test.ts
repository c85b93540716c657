import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { wallClock } from '../../runtime/clock.ts'
import type { Swap } from '../../schemas/chain.ts'
import { isTidegateError } from '../../schemas/errors.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import { startTraffic, swapLine, type Traffic } from '../../testing/evm_traffic.ts'
import { type FollowOptions, followSource } from '../../testing/follow_source.ts'
import { type Meets, type RpcFault, type RpcProxy, startRpcProxy } from '../../testing/rpc_proxy.ts'
import { nodeLimits } from './params.ts'
import { type EvmSwapsParams, evmSwaps, openSwaps } from './swaps.ts'

const ms = 1e3
const quick = { ...nodeLimits, openWithin: 3000 * ms, pingAfter: 50 * ms, backoff: 10 * ms, backoffCap: 40 * ms }
const pause = (micros: number) => new Promise<void>((resolve) => wallClock.after(micros, resolve))
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
const told = ({ rows }: Followed) =>
  rows()
    .map((row) => swapLine(row.block_hash, row.index, row.key, row.amount0, row.amount1))
    .toSorted()
const hangs: Meets = () => ({ type: 'hang' })

describe.skipIf(anvilBinary() === undefined)('endpoints in front of a chain of anvil', () => {
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
  const given = (endpoints: Given['endpoints'], more: Partial<Given> = {}): Given => ({
    chain_id: traffic.anvil.chain_id,
    endpoints,
    pools: [{ protocol: 'uniswap_v2', address: traffic.uniswap.v2.pair.address }],
    poll_every: '20ms',
    stall_after: '1h',
    request_timeout: '3s',
    max_lag: 1,
    ...more,
  })
  /** Waits until the source has told, once each, the swaps of the V2 pool that the chain holds. */
  const agrees = async (feed: Followed, from: number) => {
    const expected = (await traffic.swapsFrom(from)).filter((line) => line.includes('uniswap_v2'))
    await Promise.race([feed.until(() => feed.rows().length >= expected.length), pause(25e6)])
    expect(told(feed)).toEqual(expected)
    expect(feed.errors).toEqual([])
    return expected.length
  }
  const begun = (feed: Followed) => feed.until(() => feed.items.some(({ type }) => type === 'heartbeat'))

  /** Lets the feed begin with another endpoint out of reach, then brings that one in. */
  const begunWithout = async (other: RpcProxy, feed: () => Followed): Promise<Followed> => {
    other.doors = 'shut'
    other.meets = () => ({ type: 'status', status: 503 })
    const opened = feed()
    await begun(opened)
    other.doors = 'open'
    other.meets = () => undefined
    const has = () => other.asked.get('eth_getBlockByNumber') ?? 0
    for (const before = has(); has() < before + 2 && other.clients() === 0; ) await pause(5 * ms)
    await pause(100 * ms)
    return opened
  }

  // ---- failover ---------------------------------------------------------------------------------------

  test.each(['ws', 'http'] as const)(
    'when the first endpoint hangs over %s, the second leads, and says so',
    async (by) => {
      const [first, second] = [await proxyOf(), await proxyOf()]
      const from = await traffic.start()
      const feed = await begunWithout(second, () =>
        follow(given([{ [by]: first[by] }, { [by]: second[by] }], { request_timeout: '300ms' })),
      )
      await traffic.trade(1)
      await agrees(feed, from)
      first.meets = hangs
      first.pushes = () => undefined
      for (let n = 0; n < 5; n++) await traffic.trade(1)
      expect(await agrees(feed, from)).toBe(6)
      const [failover] = feed.events().filter(({ event }) => event === 'failover')
      expect(failover?.detail).toContain(`${new URL(first.http).host} to ${new URL(second.http).host}: `)
      expect(feed.gaps()).toHaveLength(1)
    },
  )

  test('an endpoint that cannot be reached is led past, and led back to when the other fails', async () => {
    const [first, second] = [await proxyOf(), await proxyOf()]
    const from = await traffic.start()
    const feed = follow(given([{ ws: first.ws }, { ws: second.ws }]))
    await begun(feed)
    for (const [down, up] of [
      [first, second],
      [second, first],
      [first, second],
    ] as const) {
      up.doors = 'open'
      await feed.until(() => up.clients() > 0)
      await pause(60 * ms)
      down.doors = 'shut'
      down.cut()
      for (let n = 0; n < 3; n++) await traffic.trade(1)
      await agrees(feed, from)
    }
    expect(feed.rows()).toHaveLength(9)
    expect(feed.events().filter(({ event }) => event === 'failover').length).toBeGreaterThanOrEqual(2)
    expect(feed.gaps()).toHaveLength(1)
  })

  test('a question the first endpoint hangs on is put to the second within a share of the timeout', async () => {
    const [first, second] = [await proxyOf(), await proxyOf()]
    await traffic.start()
    const patient = { request_timeout: '1m', max_lag: 100 }
    const feed = await begunWithout(second, () => follow(given([{ ws: first.ws }, { http: second.http }], patient)))
    first.meets = (method) => (method === 'eth_getLogs' ? { type: 'hang' } : undefined)
    for (let n = 0; n < 10; n++) {
      await traffic.trade(1)
      await feed.until(() => feed.rows().length === n + 1)
    }
    expect(feed.events().filter(({ event }) => event === 'failover')).toEqual([])
    expect(second.asked.get('eth_getLogs')).toBeGreaterThanOrEqual(10)
  })

  test('an endpoint whose head lags behind the others does not lead', async () => {
    const [first, second] = [await proxyOf(), await proxyOf()]
    const from = await traffic.start()
    const feed = await begunWithout(second, () => follow(given([{ ws: first.ws }, { ws: second.ws }], { max_lag: 2 })))
    first.pushes = () => undefined
    await traffic.trade(1)
    await pause(50 * ms)
    expect(feed.rows()).toEqual([])
    await traffic.trade(1)
    expect(await agrees(feed, from)).toBe(2)
    const [failover] = feed.events().filter(({ event }) => event === 'failover')
    expect(failover?.detail).toContain(`${new URL(first.ws).host} is 2 blocks behind`)
  })

  test('a leader that is asked for heads, and answers with the same one for too long, hands over', async () => {
    const [first, second] = [await proxyOf(), await proxyOf()]
    const from = await traffic.start()
    const lags = { max_lag: 1000, stall_after: '200ms' }
    const feed = await begunWithout(second, () => follow(given([{ http: first.http }, { http: second.http }], lags)))
    const old = await traffic.anvil.rpc('eth_getBlockByNumber', 'latest', false)
    first.meets = (_method, [what]) => (what === 'latest' ? { type: 'result', result: old } : undefined)
    for (let n = 0; n < 3; n++) await traffic.trade(1)
    expect(await agrees(feed, from)).toBe(3)
    const [failover] = feed.events().filter(({ event }) => event === 'failover')
    expect(failover?.detail).toContain('has no new head')
  })

  // ---- what proxies in the way say ----------------------------------------------------------------------

  const faults: readonly (readonly [string, RpcFault, string | undefined])[] = [
    ['429', { type: 'status', status: 429 }, undefined],
    ['500', { type: 'status', status: 500 }, undefined],
    ['503 with a page', { type: 'status', status: 503 }, undefined],
    ['a page of HTML', { type: 'html' }, 'not_json'],
    ['a dropped connection', { type: 'drop' }, undefined],
    ['an answer of another kind', { type: 'result', result: { surprise: true } }, 'malformed'],
    ['an error of its own', { type: 'error', code: -32000, message: 'header not found' }, undefined],
  ]
  test.each(faults)('polling through %s, now and then, misses nothing', async (_what, fault, reason) => {
    const proxy = await proxyOf()
    const from = await traffic.start()
    const feed = follow(given([{ http: proxy.http }]))
    await begun(feed)
    let n = 0
    proxy.meets = (method) => (method !== 'eth_chainId' && ++n % 3 === 0 ? fault : undefined)
    for (let round = 0; round < 12; round++) {
      await traffic.trade(1)
      await pause(10 * ms)
    }
    expect(await agrees(feed, from)).toBe(12)
    expect(feed.gaps()).toHaveLength(1)
    if (reason === undefined) expect(feed.reasons()).toEqual([])
    else expect(new Set(feed.reasons())).toEqual(new Set([reason]))
  })

  test('a node that asks for less is left alone for as long as it says', async () => {
    const proxy = await proxyOf()
    await traffic.start()
    const feed = follow(given([{ http: proxy.http }]))
    await begun(feed)
    proxy.meets = () => ({ type: 'status', status: 429, retryAfter: 2 })
    await pause(100 * ms)
    const asked = [...proxy.asked.values()].reduce((sum, count) => sum + count, 0)
    await pause(600 * ms)
    const since = [...proxy.asked.values()].reduce((sum, count) => sum + count, 0) - asked
    expect(since).toBeLessThanOrEqual(1)
  })

  test('an empty answer without the logs that were pushed is not believed', async () => {
    const proxy = await proxyOf()
    const from = await traffic.start()
    const feed = follow(given([{ ws: proxy.ws }]))
    await begun(feed)
    let left = 3
    proxy.meets = (method) => (method === 'eth_getLogs' && left-- > 0 ? { type: 'result', result: [] } : undefined)
    await traffic.trade(1)
    expect(await agrees(feed, from)).toBe(1)
    expect(feed.reasons()).toEqual(['malformed', 'malformed', 'malformed'])
  })

  test('a head that could not be followed is not forgotten for an older one', async () => {
    const proxy = await proxyOf()
    const from = await traffic.start()
    const feed = follow(given([{ ws: proxy.ws }]))
    await begun(feed)
    const old = await traffic.anvil.rpc('eth_getBlockByNumber', 'latest', false)
    proxy.pushes = () => undefined
    await traffic.trade(1)
    await pause(50 * ms)
    proxy.pushes = (push) => push
    let left = 12
    proxy.meets = (method, [what]) => {
      if (what === 'latest') return { type: 'result', result: old }
      return method.startsWith('eth_getBlockBy') && left-- > 0
        ? { type: 'error', code: -32000, message: 'header not found' }
        : undefined
    }
    await traffic.trade(1)
    expect(await agrees(feed, from)).toBe(2)
    expect(left).toBeLessThan(0)
  })

  test('rubbish that is pushed is counted, and logs the node calls removed are not believed', async () => {
    const proxy = await proxyOf()
    const from = await traffic.start()
    const feed = follow(given([{ ws: proxy.ws }]))
    await begun(feed)
    await traffic.trade(1)
    await agrees(feed, from)
    const [row] = feed.rows()
    const push = (result: unknown) =>
      JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params: { subscription: '0x1', result } })
    for (const rubbish of [
      '{"jsonrpc"',
      '[]',
      '{"method":"eth_subscription"}',
      push({ parentHash: 'nonsense' }),
      push({ topics: [] }),
    ])
      proxy.say(rubbish)
    const log = {
      address: row?.key.slice(11),
      topics: [],
      data: '0x',
      blockNumber: '0x1',
      transactionHash: row?.transaction,
      blockHash: row?.block_hash,
      logIndex: '0x3',
      removed: true,
    }
    proxy.say(push(log))
    await traffic.trade(1)
    expect(await agrees(feed, from)).toBe(2)
    expect(feed.reasons()).toEqual(['not_json', 'malformed', 'malformed', 'head_fields', 'log_fields'])
    expect(feed.events().filter(({ event }) => event === 'lost')).toEqual([])
  })

  test('one head that is rubbish does not move the chain', async () => {
    const proxy = await proxyOf()
    const from = await traffic.start()
    const feed = follow(given([{ ws: proxy.ws }]))
    await begun(feed)
    const far = {
      number: '0xffffff',
      hash: `0x${'ab'.repeat(32)}`,
      parentHash: `0x${'cd'.repeat(32)}`,
      timestamp: '0x6b0a6adc',
      gasUsed: '0x0',
      gasLimit: '0x0',
    }
    proxy.say(
      JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params: { subscription: '0x1', result: far } }),
    )
    await pause(50 * ms)
    for (let n = 0; n < 3; n++) await traffic.trade(1)
    expect(await agrees(feed, from)).toBe(3)
    expect(feed.gaps()).toHaveLength(1)
  })

  // ---- what nodes cannot give ---------------------------------------------------------------------------

  test('an outage of more blocks than are fetched is a gap, and the chain is followed from its head', async () => {
    const proxy = await proxyOf()
    await traffic.start()
    const feed = follow(given([{ ws: proxy.ws }], { backfill: 3 }))
    await begun(feed)
    await traffic.trade(1)
    await feed.until(() => feed.rows().length === 1)
    const since = feed.rows()[0]?.at
    proxy.doors = 'shut'
    proxy.cut()
    for (let n = 0; n < 6; n++) await traffic.trade(1)
    proxy.doors = 'open'
    await feed.until(() => feed.rows().length === 2)
    await traffic.trade(1)
    await feed.until(() => feed.rows().length === 3)
    expect(feed.gaps().slice(1)).toMatchObject([{ reason: 'disconnected', since, missing: 0 }])
    expect(feed.events().find(({ event }) => event === 'unfilled')?.detail).toBe('5 blocks are missing')
  })

  test('blocks that no node has any more are a gap', async () => {
    const proxy = await proxyOf()
    await traffic.start()
    const feed = follow(given([{ ws: proxy.ws }]))
    await begun(feed)
    proxy.doors = 'shut'
    proxy.cut()
    for (let n = 0; n < 4; n++) await traffic.trade(1)
    const pruned = Number(await traffic.height()) - 2
    proxy.meets = (_method, [what]) =>
      what === `0x${pruned.toString(16)}` ? { type: 'result', result: null } : undefined
    proxy.doors = 'open'
    await feed.until(() => feed.rows().length === 1)
    await traffic.trade(1)
    await feed.until(() => feed.rows().length === 2)
    expect(feed.gaps().map(({ reason }) => reason)).toEqual(['connected', 'disconnected'])
    expect(feed.events().map(({ event }) => event)).toContain('unfilled')
  })

  test('a long history is fetched in ranges, and ranges a node refuses are halved', async () => {
    const proxy = await proxyOf()
    const from = await traffic.start()
    for (let n = 0; n < 20; n++) await traffic.trade(1)
    await traffic.anvil.rpc('anvil_mine', '0x190')
    proxy.meets = (method, [filter]) => {
      const { fromBlock, toBlock } = (filter ?? {}) as { fromBlock?: string; toBlock?: string }
      const wide = method === 'eth_getLogs' && Number(toBlock) - Number(fromBlock) >= 50
      return wide ? { type: 'error', code: -32602, message: 'block range is too wide' } : undefined
    }
    const feed = follow(given([{ http: proxy.http }], { from_block: from, backfill: 1 }))
    expect(await agrees(feed, from)).toBe(20)
    await traffic.trade(1)
    expect(await agrees(feed, from)).toBe(21)
    expect(feed.gaps()).toHaveLength(1)
    expect(proxy.asked.get('eth_getLogs')).toBeLessThan(150)
  })

  test('a range that a node answers with nothing, though it does not have its blocks yet, is not believed', async () => {
    const proxy = await proxyOf()
    const from = await traffic.start()
    for (let n = 0; n < 5; n++) await traffic.trade(1)
    await traffic.anvil.rpc('anvil_mine', '0x50')
    proxy.meets = (method, [filter]) =>
      method === 'eth_getLogs' && Object.hasOwn(filter as object, 'fromBlock')
        ? { type: 'result', result: [] }
        : undefined
    const feed = follow(given([{ http: proxy.http }], { from_block: from, backfill: 1 }))
    expect(await agrees(feed, from)).toBe(5)
    expect(proxy.asked.get('eth_getLogs')).toBeLessThan(60)
  })

  test('a node that pushes heads and refuses to push logs is followed, and asked for heads once', async () => {
    const proxy = await proxyOf()
    const from = await traffic.start()
    proxy.meets = (method, [what]) =>
      method === 'eth_subscribe' && what === 'logs'
        ? { type: 'error', code: -32602, message: 'logs are not pushed' }
        : undefined
    const feed = follow(given([{ ws: proxy.ws }]))
    await begun(feed)
    for (let n = 0; n < 3; n++) await traffic.trade(1)
    expect(await agrees(feed, from)).toBe(3)
    expect(proxy.asked.get('eth_subscribe')).toBe(2)
  })

  test('after a restart nothing is told again: the head, with a gap', async () => {
    const from = await traffic.start()
    await traffic.trade(1)
    const head = await traffic.start()
    const feed = follow(given([{ http: traffic.anvil.http }], { from_block: from }), { position: 1 })
    await begun(feed)
    await traffic.trade(1)
    await feed.until(() => feed.rows().length === 1)
    expect(feed.rows()[0]?.block).toBe(head + 1)
    expect(feed.gaps().map(({ reason }) => reason)).toEqual(['resumed'])
  })

  // ---- addresses ----------------------------------------------------------------------------------------

  test('an endpoint of another chain is left alone; where all are, it is an error', async () => {
    const [foreign, ours] = [await proxyOf(), await proxyOf()]
    foreign.meets = (method) => (method === 'eth_chainId' ? { type: 'result', result: '0x89' } : undefined)
    const from = await traffic.start()
    const feed = follow(given([{ ws: foreign.ws, http: foreign.http }, { ws: ours.ws }]))
    await begun(feed)
    await traffic.trade(1)
    await agrees(feed, from)
    const asked = [...foreign.asked.keys()]
    expect(asked).toEqual(['eth_chainId'])
    const alone = follow(given([{ http: foreign.http }]))
    await alone.until(() => alone.errors.length === 1)
    expect(isTidegateError(alone.errors[0]) && alone.errors[0].code).toBe('SOURCE_FAILED')
    expect(String(alone.errors[0])).toContain('it serves chain 137, expected 31337')
  })

  test('endpoints of which none can be reached are an error that says why of each', async () => {
    const proxy = await proxyOf()
    proxy.doors = 'shut'
    proxy.meets = () => ({ type: 'status', status: 403 })
    const gone = await startRpcProxy({ http: traffic.anvil.http })
    await gone.close()
    const feed = follow(given([{ ws: proxy.ws }, { http: proxy.http }, { http: gone.http }]))
    await feed.until(() => feed.errors.length === 1)
    expect(String(feed.errors[0])).toMatch(/failed.*; .*HTTP 403; .*ECONNREFUSED/)
  })

  test('names stand for addresses, and no address with its key is ever said', async () => {
    const proxy = await proxyOf()
    const secret = '/v3/5f3e0c1d'
    await traffic.start()
    const names = { mainnet: `${proxy.ws}${secret}`, $TIDEGATE_SPARE: `http://127.0.0.1:9${secret}` }
    const feed = follow(given([{ ws: 'mainnet' }, { http: '$TIDEGATE_SPARE' }, { ws: `ws://127.0.0.1:9${secret}` }]), {
      names,
    })
    await begun(feed)
    proxy.cut()
    await traffic.trade(1)
    await feed.until(() => feed.rows().length === 1)
    const missing = follow(given([{ ws: 'nowhere' }]))
    const wrong = follow(given([{ http: '$TIDEGATE_WRONG' }]), { names: { $TIDEGATE_WRONG: `wss://host${secret}` } })
    await Promise.all([missing, wrong].map((one) => one.until(() => one.errors.length === 1)))
    expect(String(missing.errors[0])).toContain('endpoint nowhere has no address; give --endpoint nowhere=ws')
    const said = JSON.stringify([feed.items, feed.notices, wrong.errors.map(String), wrong.errors])
    expect(said).not.toContain('5f3e0c1d')
    expect(said).toContain('mainnet')
  })

  test('an address where no pool is, is an error that names it', async () => {
    await traffic.start()
    const address = `0x${'12'.repeat(20)}`
    const feed = follow(given([{ http: traffic.anvil.http }], { pools: [{ protocol: 'uniswap_v2', address }] }))
    await feed.until(() => feed.errors.length === 1)
    expect(String(feed.errors[0])).toContain(`uniswap_v2:${address}`)
  })

  test('unsubscribing closes the connections and says nothing more', async () => {
    const proxy = await proxyOf()
    await traffic.start()
    const feed = follow(given([{ ws: proxy.ws, http: proxy.http }]))
    await begun(feed)
    feed.stop()
    const before = feed.items.length
    await traffic.trade(1)
    await pause(50 * ms)
    expect(feed.items).toHaveLength(before)
    expect(proxy.clients()).toBe(0)
  })
})

test.each([
  [{ endpoints: [] }],
  [{ endpoints: [{}] }],
  [{ endpoints: [{ ws: 'http://a' }] }],
  [{ chain_id: 0 }],
  [{ pools: [] }],
  [{ pools: [{ protocol: 'uniswap_v4', address: `0x${'1'.repeat(40)}` }] }],
  [{ pools: [{ protocol: 'uniswap_v2', address: `0x${'1'.repeat(40)}`, pool_id: `0x${'1'.repeat(64)}` }] }],
  [{ pools: Array(2).fill({ protocol: 'uniswap_v2', address: `0x${'1'.repeat(40)}` }) }],
  [{ surprise: 1 }],
])('refuses the params %j', (part) => {
  const example = evmSwaps.definition.example.params as Given
  expect(z.safeParse(evmSwaps.definition.params, example).success).toBe(true)
  expect(z.safeParse(evmSwaps.definition.params, { ...example, ...part }).success).toBe(false)
})
