import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Swap } from '../../schemas/chain.ts'
import type { Bar } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { type RestAnswer, startVenue } from '../../testing/venue_server.ts'
import { friendlyAddress } from './address.ts'
import { openPoolBars, tonPoolBars } from './pool_bars.ts'
import { openPoolTrades, tonPoolTrades } from './pool_trades.ts'
import { unitsOf } from './stonfi.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const pool = `0:${'a'.repeat(64)}`
const other = `0:${'b'.repeat(64)}`
const trader = `0:${'c'.repeat(64)}`
const jetton = `0:${'d'.repeat(64)}`
const began = 1_790_000_000

/** STON.fi: blocks of one second, with the swaps that were put into them. */
class Stonfi {
  latest = 100
  faults: RestAnswer[] = []
  readonly asked: string[] = []
  private readonly events: { block: { blockNumber: number }; [field: string]: unknown }[] = []

  swap(amount0: string, amount1: string, pair = pool): void {
    this.latest++
    const sold = !amount0.startsWith('-')
    const amounts = sold
      ? { amount0In: amount0, amount1Out: amount1 }
      : { amount0Out: amount0.slice(1), amount1In: amount1 }
    this.events.push({
      ...{ eventType: 'swap', txnId: `tx${this.latest}`, txnIndex: 3, eventIndex: 2, priceNative: '1' },
      ...{ pairId: friendlyAddress(pair), maker: friendlyAddress(trader), ...amounts },
      block: this.block(this.latest),
    })
  }
  answer({ pathname, searchParams }: URL): RestAnswer {
    this.asked.push(`${pathname}?${searchParams}`)
    const fault = this.faults.shift()
    if (fault !== undefined) return { headers: { connection: 'close' }, ...fault }
    const [from, to] = [Number(searchParams.get('fromBlock')), Number(searchParams.get('toBlock'))]
    const within = this.events.filter(({ block }) => block.blockNumber >= from && block.blockNumber <= to)
    const joins = [{ eventType: 'join', block: this.block(from) }]
    const body = pathname.endsWith('/latest-block')
      ? { block: this.block(this.latest) }
      : { events: [...joins, ...within] }
    return { body, headers: { connection: 'close' } }
  }
  private block(blockNumber: number) {
    return { blockNumber, blockTimestamp: began + blockNumber }
  }
}
/** DeDust: trades behind a logical time, the newest first. */
class Dedust {
  faults: RestAnswer[] = []
  readonly trades: { readonly lt: string; readonly [field: string]: unknown }[] = []
  readonly asked: string[] = []
  trade(amountIn: string, amountOut: string, sold = true): void {
    const lt = 1000 + this.trades.length
    const [native, token] = [{ type: 'native' }, { type: 'jetton', address: friendlyAddress(jetton) }]
    const assets = sold ? { assetIn: native, assetOut: token } : { assetIn: token, assetOut: native }
    const createdAt = new Date((began + lt) * 1000).toISOString()
    this.trades.push({ sender: trader, ...assets, ...{ amountIn, amountOut, lt: String(lt), createdAt } })
  }
  answer({ pathname, searchParams }: URL): RestAnswer {
    this.asked.push(`${pathname}?${searchParams}`)
    const fault = this.faults.shift()
    if (fault !== undefined) return { headers: { connection: 'close' }, ...fault }
    const after = Number(searchParams.get('after_lt') ?? 0)
    const all = this.trades.filter(({ lt }) => Number(lt) > after).toReversed()
    return { body: all.slice(0, Number(searchParams.get('page_size'))), headers: { connection: 'close' } }
  }
}

async function serve(dex: Stonfi | Dedust) {
  const server = await startVenue({ frames: [], rest: (url) => dex.answer(url) })
  closing.push(server.close)
  return server.restUrl
}
async function follow(dex: Stonfi | Dedust, given: object = {}) {
  const url = await serve(dex)
  const pools = [{ dex: dex instanceof Stonfi ? 'stonfi_v1' : 'dedust', address: pool, decimals0: 9, decimals1: 6 }]
  const params = z.parse(tonPoolTrades.definition.params, {
    pools,
    poll_every: '5ms',
    requests_per_second: 1000,
    ...given,
  })
  const feed = followFeed((context) => openPoolTrades(params as Parameters<typeof openPoolTrades>[0], context), {
    'ton_pool_trades.stonfi': url,
    'ton_pool_trades.dedust': url,
  })
  closing.push(feed.stop)
  const swaps = () => feed.of('row').map((row) => ({ ...row, value: row.value as Swap }))
  // the first answer says where the feed begins
  await feed.until(() => feed.of('event').some(({ value }) => value.event === 'connected'))
  return { ...feed, swaps, amounts: () => swaps().map(({ value }) => BigInt(value.amount0)) }
}

describe('STON.fi, by a server that answers as its export feed is documented', () => {
  test('a swap, exact to the last unit, with its block and transaction; other pools and other events are not ours', async () => {
    const dex = new Stonfi()
    dex.swap('7', '7')
    const feed = await follow(dex)
    dex.swap('2.000000001', '3.5')
    dex.swap('1', '1', other)
    dex.swap('-0.5', '0.75')
    await feed.until(() => feed.swaps().length === 2)
    const [first, second] = feed.swaps()
    expect(first).toEqual({
      ...{ type: 'row', key: `stonfi_v1:${pool}`, at: (began + 102) * 1e6 },
      value: {
        ...{ amount0: '2000000001', amount1: '-3500000', price: 3.5 / 2.000000001, size: 2.000000001, side: -1 },
        ...{
          block: 102,
          block_time: (began + 102) * 1e6,
          index: 2,
          block_hash: '',
          transaction: 'tx102',
          trader,
          removed: false,
        },
      },
    })
    expect(second?.value).toMatchObject({ amount0: '-500000000', amount1: '750000', side: 1, price: 1.5 })
    expect(feed.of('gap').map(({ value }) => value.reason)).toEqual(['connected'])
  })

  test('whatever fails on the way, ranges follow each other: every swap once, and no gap', async () => {
    const dex = new Stonfi()
    const feed = await follow(dex, { pools: [{ dex: 'stonfi_v2', address: pool, decimals0: 0, decimals1: 0 }] })
    const bad = [{ status: 500, body: '' }, { body: '<html>' }, { body: { events: 1 } }]
    for (let n = 1; n <= 60; n++) {
      dex.swap(String(n), '5')
      const fault = n % 20 === 0 ? bad[n / 20 - 1] : undefined
      if (fault !== undefined) dex.faults.push(fault)
      if (n % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await feed.until(() => feed.swaps().length >= 60)
    expect(feed.amounts()).toEqual(Array.from({ length: 60 }, (_, n) => BigInt(n + 1)))
    expect(feed.of('gap')).toHaveLength(1)
    const ranges = dex.asked
      .filter((path) => path.includes('events'))
      .map((path) => path.match(/\d+/g)?.slice(1).map(Number))
    expect(Math.max(...ranges.map((range) => (range?.[1] ?? 0) - (range?.[0] ?? 0)))).toBeLessThan(20)
  })

  test('an amount with more digits than the token has is kept out', async () => {
    const dex = new Stonfi()
    const feed = await follow(dex)
    dex.swap('0.0000000001', '1')
    dex.swap('1', '1')
    await feed.until(() => feed.swaps().length === 1)
    expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['event_fields'])
  })

  test.each([
    ['1', 9, 1_000_000_000n],
    ['1.5', 1, 15n],
    ['0.10', 1, 1n],
    ['123456789012345678901234567890', 0, 123456789012345678901234567890n],
    ['1.25', 1, undefined],
    ['1e3', 9, undefined],
    ['-1', 9, undefined],
    ['', 9, undefined],
  ])('%s with %i decimals', (text, decimals, units) => {
    expect(unitsOf(text, decimals)).toBe(units)
  })
})

describe('DeDust, by a server that answers as its documentation says', () => {
  test('trades behind the last logical time, oldest first, each once; those before the feed are not told', async () => {
    const dex = new Dedust()
    dex.trade('7', '7')
    const feed = await follow(dex)
    dex.trade('2000000000', '3000000')
    dex.trade('1500000', '1000000000', false)
    await feed.until(() => feed.swaps().length === 2)
    const [first, second] = feed.swaps()
    expect(first).toMatchObject({ key: `dedust:${pool}`, at: (began + 1001) * 1e6 })
    expect(first?.value).toMatchObject({ amount0: '2000000000', amount1: '-3000000', price: 1.5, side: -1, trader })
    expect(second?.value).toMatchObject({ amount0: '-1000000000', amount1: '1500000', price: 1.5, side: 1 })
    expect(dex.asked[0]).toBe(`/v2/pools/${pool}/trades?page_size=1`)
    expect(dex.asked[1]).toBe(`/v2/pools/${pool}/trades?page_size=200&after_lt=1000`)
  })

  test('failures leave no gap, a full page does: nobody says which end it holds', async () => {
    const dex = new Dedust()
    dex.trade('1', '1')
    const feed = await follow(dex, { pools: [{ dex: 'dedust', address: pool, decimals0: 0, decimals1: 0 }] })
    dex.faults.push({ status: 503, body: '' }, { body: 'oops' })
    dex.trade('2', '1')
    await feed.until(() => feed.swaps().length === 1)
    expect(feed.of('gap')).toHaveLength(1)
    for (let n = 0; n < 250; n++) dex.trade('3', '1')
    await feed.until(() => feed.of('gap').length === 2)
    expect(feed.of('gap')[1]?.value.reason).toBe('sequence')
  })

  test('a pool that was declared with another asset tells nothing, and says why', async () => {
    const dex = new Dedust()
    const feed = await follow(dex, {
      pools: [{ dex: 'dedust', address: pool, token0: other, decimals0: 9, decimals1: 9 }],
    })
    dex.trade('1', '1')
    await feed.until(() => feed.of('invalid').length > 0)
    expect(feed.of('invalid')[0]?.value.reason).toBe('trade_assets')
    expect(feed.swaps()).toEqual([])
  })
})

describe('bars of pools', () => {
  async function followBars(dex: Stonfi) {
    const url = await serve(dex)
    const pools = [{ dex: 'stonfi_v1', address: pool, decimals0: 0, decimals1: 0 }]
    const given = { pools, poll_every: '2ms', requests_per_second: 1000, every: '10s', close_after: '1s' }
    const params = z.parse(tonPoolBars.definition.params, given) as Parameters<typeof openPoolBars>[0]
    const feed = followFeed((context) => openPoolBars(params, context), { 'ton_pool_bars.stonfi': url })
    closing.push(feed.stop)
    await feed.until(() => feed.of('event').some(({ value }) => value.event === 'connected'))
    return { ...feed, bars: () => feed.of('row').map(({ at, value }) => ({ at, ...(value as Bar) })) }
  }

  test('open, high, low, close, volume and turnover of each window, once it is over; the first is not complete', async () => {
    const dex = new Stonfi()
    const feed = await followBars(dex)
    // blocks 101 to 109 and 110 to 119: one second each
    for (const price of ['4', '6', '2', '3']) dex.swap('2', String(Number(price) * 2))
    dex.latest = 109
    for (const price of ['5', '8', '7']) dex.swap('1', price)
    dex.latest = 121
    await feed.until(() => feed.bars().length === 2)
    expect(feed.bars()).toEqual([
      {
        ...{ at: (began + 110) * 1e6, open: 4, high: 6, low: 2, close: 3 },
        ...{ volume: 8, turnover: 30, count: 4, complete: false },
      },
      {
        ...{ at: (began + 120) * 1e6, open: 5, high: 8, low: 5, close: 7 },
        ...{ volume: 3, turnover: 20, count: 3, complete: true },
      },
    ])
  })

  test('a bar stays open while the interface has not told all of it', async () => {
    const dex = new Stonfi()
    const feed = await followBars(dex)
    dex.swap('1', '4')
    dex.latest = 110
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(feed.bars()).toEqual([])
    dex.latest = 111
    await feed.until(() => feed.bars().length === 1)
  })
})
