import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { z } from 'zod'
import type { SourceContext } from '../../runtime/define.ts'
import { isTidegateError } from '../../schemas/errors.ts'
import type { Trade } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { type RestAnswer, startVenue } from '../../testing/venue_server.ts'
import { ccxtPackage } from './exchange.ts'
import { ccxtTrades } from './trades.ts'

const installed = await ccxtPackage().then(
  () => true,
  () => false,
)
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const withCcxt = test.skipIf(!installed)

// Answers after docs.kraken.com, Spot REST API: "Get Tradable Asset Pairs", "Get Asset Info", "Get Recent Trades" (2026-11).
const asset = (altname: string) => ({
  aclass: 'currency',
  altname,
  decimals: 10,
  display_decimals: 5,
  status: 'enabled',
})
const pair = (base: string, quote: string, name: string) => ({
  ...{ altname: name.replace('/', ''), wsname: name, aclass_base: 'currency', base, aclass_quote: 'currency', quote },
  ...{ lot: 'unit', pair_decimals: 1, lot_decimals: 8, lot_multiplier: 1, status: 'online', ordermin: '0.0001' },
  ...{ leverage_buy: [], leverage_sell: [], fees: [[0, 0.26]], fees_maker: [[0, 0.16]], fee_volume_currency: 'ZUSD' },
})
const pairs = { XXBTZUSD: pair('XXBT', 'ZUSD', 'XBT/USD'), XETHZUSD: pair('XETH', 'ZUSD', 'ETH/USD') }
const assets = { XXBT: asset('XBT'), XETH: asset('ETH'), ZUSD: asset('USD') }
const result = (body: unknown): RestAnswer => ({ body: { error: [], result: body } })
const SECONDS = 1_700_000_000
/** `[price, volume, time, buy or sell, market or limit, miscellaneous, trade_id]` */
const printed = (n: number, id = 1000 + n) => [
  `${30_000 + n}.1`,
  '0.25000000',
  SECONDS + n / 10,
  n % 2 ? 's' : 'b',
  'l',
  '',
  id,
]

type Answers = (attempt: number, since: number) => RestAnswer | undefined
const kraken = (trades: Answers) => {
  let asked = 0
  return (url: URL): RestAnswer | undefined => {
    if (url.pathname.endsWith('/AssetPairs')) return result(pairs)
    if (url.pathname.endsWith('/Assets')) return result(assets)
    if (url.pathname.endsWith('/Trades')) return trades(++asked, Number(url.searchParams.get('since')))
    return undefined
  }
}
const page = (from: number, to: number): RestAnswer =>
  result({ XXBTZUSD: Array.from({ length: to - from }, (_, n) => printed(from + n)), last: `${SECONDS + to}000000000` })

function followAt(
  endpoints: Readonly<Record<string, string>>,
  given: Record<string, unknown> = {},
  context: Partial<SourceContext> = {},
) {
  const { definition } = ccxtTrades
  const params = z.parse(definition.params, {
    exchange: 'kraken',
    symbols: ['BTC/USD'],
    poll_every: '20ms',
    rate_limit: '1ms',
    ...given,
  })
  const feed = followFeed(
    (around) => (definition.open as unknown as (p: unknown, c: SourceContext) => never)(params, around),
    endpoints,
    {
      random: () => 0.02,
      ...context,
    },
  )
  closing.push(feed.stop)
  const prices = () => feed.of('row').map(({ value }) => (value as Trade).price - 30_000.1)
  return {
    ...feed,
    prices: () => prices().map(Math.round),
    gaps: () => feed.of('gap').map(({ value }) => value.reason),
  }
}
async function follow(trades: Answers, given: Record<string, unknown> = {}) {
  const venue = await startVenue({ frames: [], rest: kraken(trades) })
  closing.push(venue.close)
  return { ...followAt({ 'ccxt_trades.rest': venue.restUrl }, given), venue }
}

withCcxt(
  'pages of an exchange, answering as the documentation of Kraken says, become trades once, from the start on',
  async () => {
    const feed = await follow((attempt) => page(Math.max(0, attempt * 3 - 6), attempt * 3))
    await feed.until(() => feed.prices().length >= 9)
    expect(feed.prices().slice(0, 9)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect(feed.gaps()).toEqual(['connected'])
    expect(feed.of('row')[0]).toEqual({
      ...{ type: 'row', at: (SECONDS + 0.3) * 1e6, key: 'kraken:BTC/USD' },
      value: { price: 30_003.1, size: 0.25, side: -1, id: 1003 },
    })
    expect(feed.venue.asked.some((url) => url.includes('/Trades?pair=XXBTZUSD&since='))).toBe(true)
  },
)

withCcxt('a page that holds nothing told before is a gap', async () => {
  const feed = await follow((attempt) => (attempt < 3 ? page(0, 5) : page(50, 60)))
  await feed.until(() => feed.prices().length === 10)
  expect(feed.gaps()).toEqual(['connected', 'sequence'])
  expect(feed.items.findIndex(({ type }) => type === 'row')).toBe(
    feed.items.findIndex((i) => i.type === 'gap' && i.value.reason === 'sequence') + 1,
  )
})

withCcxt('an exchange that fails for a while is asked again, and nothing is missed where its pages go on', async () => {
  const feed = await follow((attempt) => {
    if (attempt === 3) return { status: 503, body: 'busy' }
    if (attempt === 4) return { status: 429, body: { error: ['EGeneral:Too many requests'] } }
    return page(0, attempt)
  })
  await feed.until(() => feed.prices().length >= 6)
  expect(feed.prices().slice(0, 6)).toEqual([1, 2, 3, 4, 5, 6].map((n) => n))
  expect(feed.gaps()).toEqual(['connected'])
  const events = feed.of('event').map(({ value }) => value.event)
  expect(events).toEqual(expect.arrayContaining(['lost', 'retrying', 'connected']))
})

withCcxt('time passes for a silent symbol, and no further than what the exchange was asked for', async () => {
  const now = () => Math.round(performance.timeOrigin + performance.now()) / 1000
  const live = (seconds: number, id: number) => ['30000.1', '1', seconds, 'b', 'l', '', id]
  const first = now()
  const feed = await follow(
    (attempt) => result({ XXBTZUSD: [live(first, 1), ...(attempt > 1 ? [live(first + 0.01, 2)] : [])], last: '1' }),
    { heartbeat_every: '50ms', heartbeat_lag: '10ms' },
  )
  await feed.until(() => feed.of('heartbeat').length > 3)
  const beats = feed.of('heartbeat').map(({ at }) => at)
  expect(beats).toEqual(beats.toSorted((a, b) => a - b))
  expect(beats.at(-1)).toBeLessThan(now() * 1e6)
  expect(beats.every((at) => at > (first + 0.01) * 1e6)).toBe(true)
})

withCcxt('near matches of an unknown exchange and an unknown symbol are named', async () => {
  const exchange = followAt({}, { exchange: 'krakn' })
  await exchange.until(() => exchange.errors.length > 0)
  expect(exchange.errors[0]).toMatchObject({
    code: 'SOURCE_FAILED',
    message: expect.stringContaining('did you mean "kraken"?'),
  })
  const symbol = await follow(() => undefined, { symbols: ['BTC/USDD'] })
  await symbol.until(() => symbol.errors.length > 0)
  expect(symbol.errors[0]).toMatchObject({
    code: 'SOURCE_FAILED',
    message: expect.stringContaining('did you mean "BTC/USD"?'),
  })
})

withCcxt('an exchange that refuses at first is a failure to start, with its words', async () => {
  const feed = await follow(() => ({ body: { error: ['EQuery:Unknown asset pair'] } }))
  await feed.until(() => feed.errors.length > 0)
  expect(isTidegateError(feed.errors[0])).toBe(true)
  expect((feed.errors[0] as Error).message).toContain('Unknown asset pair')
})

// Frames after docs.kraken.com, WebSocket API v2, "Trades" (2026-11).
withCcxt(
  'watched, trades of a WebSocket that speaks as the documentation of Kraken says are told, and each reconnection is a gap',
  async () => {
    const rest = await startVenue({ frames: [], rest: kraken(() => undefined) })
    closing.push(rest.close)
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const sockets = new WebSocketServer({ server })
    closing.push(() => {
      for (const client of sockets.clients) client.terminate()
      server.close()
    })
    let connections = 0
    const trade = (n: number) => ({
      ...{ symbol: 'BTC/USD', side: 'sell', price: 30_000.1 + n, qty: 0.5, ord_type: 'market', trade_id: 1000 + n },
      timestamp: new Date((SECONDS + n) * 1000).toISOString(),
    })
    sockets.on('connection', (client) => {
      const first = 10 * connections++
      const answer = async (data: unknown) => {
        const { method, req_id } = JSON.parse(String(data))
        if (method !== 'subscribe') return
        client.send(JSON.stringify({ method, req_id, result: { channel: 'trade', symbol: 'BTC/USD' }, success: true }))
        for (let n = first; n < first + 3; n++) {
          client.send(JSON.stringify({ channel: 'trade', type: 'update', data: [trade(n)] }))
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        if (connections < 3) client.close(1001)
      }
      client.on('message', (data) => void answer(data))
    })
    const ws = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
    const feed = followAt({ ccxt_trades: ws, 'ccxt_trades.rest': rest.restUrl }, { by: 'watch' })
    await feed.until(() => feed.prices().includes(22) || feed.errors.length > 0)
    expect(feed.errors).toEqual([])
    expect(feed.prices()).toEqual([0, 1, 2, 10, 11, 12, 20, 21, 22])
    expect(feed.gaps()).toEqual(['connected', 'disconnected', 'disconnected'])
    expect(feed.of('row')[0]?.value).toEqual({ price: 30_000.1, size: 0.5, side: -1, id: 1000 })
  },
)
