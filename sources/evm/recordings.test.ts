import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { PoolState, Swap } from '../../schemas/chain.ts'
import { followSource } from '../../testing/follow_source.ts'
import { startRpcProxy } from '../../testing/rpc_proxy.ts'
import { toWord } from './abi.ts'
import { nodeLimits } from './params.ts'
import { type EvmPoolStatesParams, evmPoolStates, openPoolStates } from './pool_states.ts'
import { type EvmSwapsParams, evmSwaps, openSwaps } from './swaps.ts'

const data = join(process.env['TIDEGATE_DATA'] ?? './data', 'dex')
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface RecordedLog {
  readonly log_index: number
  readonly transaction_hash: string
  readonly address: string
  readonly data: string
  readonly topics: readonly string[]
  readonly block_number: number
  readonly block_timestamp: number
  readonly block_hash: string
}
interface Decoded {
  readonly event: 'UniswapV2Swap' | 'UniswapV2Sync' | 'UniswapV3Swap'
  readonly log_index: number
  readonly transaction_hash: string
  readonly address: string
  readonly [field: string]: unknown
}
const linesOf = <T>(path: string): readonly T[] => {
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T)
}

interface Placed {
  readonly number: number
  readonly hash: string
  readonly parent: string
  readonly seconds: number
}
const quantity = (n: number) => `0x${n.toString(16)}`

/** A node that knows a few blocks, the newest last, and answers as the recording says. */
async function nodeOf(logs: readonly RecordedLog[], blocks: Placed[], calls: Readonly<Record<string, string>> = {}) {
  const headOf = ({ number, hash, parent, seconds }: Placed) => ({
    number: quantity(number),
    hash,
    parentHash: parent,
    timestamp: quantity(seconds),
    gasUsed: '0x0',
    gasLimit: '0x0',
    transactions: [],
  })
  const node = await startRpcProxy({
    answer: (method, [first]) => {
      if (method === 'eth_chainId') return '0x1'
      if (method === 'eth_getBlockByNumber') return headOf(blocks.at(-1) as Placed)
      if (method === 'eth_call') return calls[(first as { data: string }).data.slice(0, 10)] ?? '0x'
      if (method !== 'eth_getLogs') return null
      const filter = first as { address: readonly string[]; topics: readonly [readonly string[]]; blockHash: string }
      const asked = (log: RecordedLog) =>
        log.block_hash === filter.blockHash &&
        filter.address.includes(log.address) &&
        filter.topics[0].includes(log.topics[0] ?? '')
      return logs.filter(asked).map((log) => ({
        address: log.address,
        topics: log.topics,
        data: log.data,
        blockNumber: quantity(log.block_number),
        blockHash: log.block_hash,
        transactionHash: log.transaction_hash,
        logIndex: quantity(log.log_index),
      }))
    },
  })
  closing.push(node.close)
  return node
}
const before = `0x${'1'.repeat(64)}`
const placeOf = ({ block_number: number, block_hash: hash, block_timestamp: seconds }: RecordedLog): Placed => ({
  number,
  hash,
  parent: before,
  seconds,
})

const whole = { decimals0: 0, decimals1: 0 }
const block = 'block_17173049'
const recorded = join(data, 'ethereum-logs', `${block}_logs.jsonl.gz`)

test.skipIf(!existsSync(recorded))(`gives the swaps of ${block} as they were decoded independently`, async () => {
  const logs = linesOf<RecordedLog>(recorded)
  const decoded = linesOf<Decoded>(join(data, 'ethereum-logs', `${block}_decoded.jsonl`)).filter(({ event }) =>
    event.endsWith('Swap'),
  )
  const node = await nodeOf(logs, [placeOf(logs[0] as RecordedLog)])
  const protocols = new Map(
    decoded.map(({ address, event }) => [address, event === 'UniswapV2Swap' ? 'uniswap_v2' : 'uniswap_v3'] as const),
  )
  const given: Parameters<typeof evmSwaps>[0] = {
    chain_id: 1,
    endpoints: [{ http: node.http }],
    pools: [...protocols].map(([address, protocol]) => ({ protocol, address, ...whole, fee: 0.003 })),
  }
  const params = z.parse(evmSwaps.definition.params, given) as EvmSwapsParams
  const feed = followSource<Swap>((context) => openSwaps(params, context, nodeLimits))
  closing.push(feed.stop)
  await feed.until(() => feed.rows().length === decoded.length)
  const amount = (swap: Decoded, n: 0 | 1) =>
    swap.event === 'UniswapV3Swap'
      ? String(swap[`amount${n}`])
      : (BigInt(swap[`amount${n}In`] as string) - BigInt(swap[`amount${n}Out`] as string)).toString()
  const expected = decoded.map((swap) => ({
    key: `${protocols.get(swap.address)}:${swap.address}`,
    index: swap.log_index,
    transaction: swap.transaction_hash,
    amount0: amount(swap, 0),
    amount1: amount(swap, 1),
    trader: swap['to'] ?? swap['recipient'],
    block: 17_173_049,
    at: 1_683_029_999e6,
  }))
  expect(expected).toHaveLength(32)
  expect(feed.rows()).toMatchObject(expected)
  expect(feed.reasons()).toEqual([])
})

test.skipIf(!existsSync(recorded))(`the reserves of the pools of ${block} are those of their last Sync`, async () => {
  const logs = linesOf<RecordedLog>(recorded)
  const syncs = linesOf<Decoded>(join(data, 'ethereum-logs', `${block}_decoded.jsonl`)).filter(
    ({ event }) => event === 'UniswapV2Sync',
  )
  const place = placeOf(logs[0] as RecordedLog)
  const blocks = [{ number: place.number - 1, hash: before, parent: before, seconds: place.seconds - 12 }]
  const node = await nodeOf(logs, blocks, { '0x0902f1ac': `0x${toWord(5n)}${toWord(7n)}${toWord(0n)}` })
  const addresses = [...new Set(syncs.map(({ address }) => address))]
  const given: Parameters<typeof evmPoolStates>[0] = {
    chain_id: 1,
    endpoints: [{ http: node.http }],
    poll_every: '10ms',
    pools: addresses.map((address) => ({ protocol: 'uniswap_v2', address, ...whole })),
  }
  const params = z.parse(evmPoolStates.definition.params, given) as EvmPoolStatesParams
  const feed = followSource<PoolState>((context) => openPoolStates(params, context, nodeLimits))
  closing.push(feed.stop)
  await feed.until(() => feed.rows().length === addresses.length)
  blocks.push(place)
  await feed.until(() => feed.rows().length === 2 * addresses.length)
  const states = new Map(
    feed
      .rows()
      .slice(addresses.length)
      .map((row) => [row.key, row]),
  )
  expect(syncs).toHaveLength(27)
  for (const address of addresses) {
    const last = syncs.findLast((sync) => sync.address === address)
    expect(states.get(`uniswap_v2:${address}`)).toMatchObject({
      reserve0: last?.['reserve0'],
      reserve1: last?.['reserve1'],
    })
  }
})
// ---- what deployed contracts quoted, from the state the source tells -----------------------------------

/** JSON with whole numbers of any size. */
const exact = (path: string): unknown =>
  JSON.parse(readFileSync(path, 'utf8').replace(/(?<=[:[\s])-?\d{16,}(?=[,\s\]}])/g, '"$&"'))
interface Quotes {
  readonly entries: Readonly<Record<string, { readonly value: string | number }>>
}
/** The state of one pool whose contract answers these words, as the source tells it. */
async function stateOf(
  pool: EvmPoolStatesParams['pools'][number],
  calls: Readonly<Record<string, string>>,
): Promise<PoolState> {
  const node = await nodeOf([], [{ number: 1, hash: before, parent: before, seconds: 1_700_000_000 }], calls)
  const given = { chain_id: 1, endpoints: [{ http: node.http }], pools: [pool] }
  const params = z.parse(evmPoolStates.definition.params, given) as EvmPoolStatesParams
  const feed = followSource<PoolState>((context) => openPoolStates(params, context, nodeLimits))
  closing.push(feed.stop)
  await feed.until(() => feed.rows().length === 1)
  return feed.rows()[0] as PoolState
}
const word = (value: bigint | number | string) => toWord(BigInt(value))

const v2Quotes = join(data, 'amm-quotes', 'test_pancakeswap_v2_router_get_amounts_out.json')
test.skipIf(!existsSync(v2Quotes))(
  `the state of a V2 pool gives the amounts of ${'test_pancakeswap_v2_router_get_amounts_out'}`,
  async () => {
    const pool = exact(join(data, 'amm-quotes', 'pancakeswap_v2_weth_usdbc_block_46875151.json')) as {
      pool: string
      reserves_token0: string
      reserves_token1: string
    }
    const fork = { protocol: 'uniswap_v2', venue: 'pancakeswap_v2', address: pool.pool, fee: 0.0025 } as const
    const state = await stateOf(
      { ...fork, decimals0: undefined, decimals1: undefined, pool_id: undefined },
      {
        '0x0902f1ac': `0x${word(pool.reserves_token0)}${word(pool.reserves_token1)}${word(0)}`,
        '0x0dfe1681': `0x${word(6)}`,
        '0xd21220a7': `0x${word(7)}`,
        '0x313ce567': `0x${word(18)}`,
      },
    )
    const { entries } = exact(v2Quotes) as Quotes
    const parts = BigInt(Math.round(1e4 * (1 - state.fee)))
    const [weth, usd] = [BigInt(state.reserve0), BigInt(state.reserve1)]
    const out = (amount: bigint, from: bigint, to: bigint) => (amount * parts * to) / (from * 10_000n + amount * parts)
    for (const [what, { value }] of Object.entries(entries)) {
      const [, , way, amount = ''] = what.split('|')
      const quoted = way === 'WETH->USDbC' ? out(BigInt(amount), weth, usd) : out(BigInt(amount), usd, weth)
      expect(quoted, what).toBe(BigInt(value))
    }
    expect(Object.keys(entries)).toHaveLength(24)
  },
)

const v3Quotes = join(data, 'amm-quotes', 'test_cached_calculations_v3_wbtc_weth.json')
test.skipIf(!existsSync(v3Quotes))(
  `the state of a V3 pool gives the amounts of ${'test_cached_calculations_v3_wbtc_weth'} that cross no tick`,
  async () => {
    const pool = exact(join(data, 'amm-quotes', 'uniswap_v3_wbtc_weth_block_24407242.json')) as {
      pool: string
      scalars: { fee: number; sqrt_price_x96: string; tick: number; liquidity: string }
      tick_data: Readonly<Record<string, unknown>>
    }
    const { fee, sqrt_price_x96, tick, liquidity } = pool.scalars
    const state = await stateOf(
      {
        protocol: 'uniswap_v3',
        venue: undefined,
        address: pool.pool,
        pool_id: undefined,
        fee: undefined,
        decimals0: 8,
        decimals1: 18,
      },
      {
        '0x3850c7bd': `0x${word(sqrt_price_x96)}${word(tick)}${Array(5).fill(word(0)).join('')}`,
        '0x1a686502': `0x${word(liquidity)}`,
        '0xddca3f43': `0x${word(fee)}`,
      },
    )
    expect(state).toMatchObject({ sqrt_price_x96, liquidity, tick, fee: 0.003 })
    const raw = state.price / 10 ** (state.decimals0 - state.decimals1)
    expect(raw).toBeGreaterThanOrEqual(1.0001 ** tick)
    expect(raw).toBeLessThan(1.0001 ** (tick + 1))
    const [price, deep] = [BigInt(state.sqrt_price_x96), BigInt(state.liquidity)]
    const initialised = Object.keys(pool.tick_data).map(Number)
    const below = Math.max(...initialised.filter((t) => t <= state.tick))
    const above = Math.min(...initialised.filter((t) => t > state.tick))
    const q96 = 2n ** 96n
    const up = (a: bigint, b: bigint) => (a + b - 1n) / b
    // v3-core: SqrtPriceMath, exact input, within one range of liquidity.
    const zeroForOne = (amount: bigint): readonly [bigint, bigint] => {
      const next = up(deep * q96 * price, deep * q96 + amount * price)
      return [next, (deep * (price - next)) / q96]
    }
    const oneForZero = (amount: bigint): readonly [bigint, bigint] => {
      const next = price + (amount * q96) / deep
      return [next, (deep * q96 * (next - price)) / next / price]
    }
    let within = 0
    for (const [what, { value }] of Object.entries((exact(v3Quotes) as Quotes).entries)) {
      const [, method, way, amount = ''] = what.split('|')
      if (method !== 'quoteExactInputSingle') continue
      const less = (BigInt(amount) * BigInt(1e6 - Math.round(state.fee * 1e6))) / 1_000_000n
      const [next, out] = way === 'WBTC->WETH' ? zeroForOne(less) : oneForZero(less)
      const reached = (Number(next) / 2 ** 96) ** 2
      if (reached < 1.0001 ** below * (1 + 1e-9) || reached > 1.0001 ** above * (1 - 1e-9)) continue
      within++
      expect(out, what).toBe(BigInt(value))
    }
    expect(within).toBeGreaterThanOrEqual(15)
  },
)
