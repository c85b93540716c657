import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Trade } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { startVenue } from '../../testing/venue_server.ts'
import { frameTime, tradeFrame, tradeFrames } from '../binance/frames.ts'
import { type BinanceTradesParams, binanceTrades, tradesChannel } from '../binance/trades.ts'
import { openFeed } from './feed.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const FIRST = 12_345
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

/** Trades 20 to 24 are missing on the stream; REST gives them, some with other fields. */
async function follow(frames: readonly string[], fieldsOf: (n: number) => object = () => ({})) {
  const oldTrade = (n: number) => ({
    ...{ id: FIRST + n, price: '0.00100000', qty: '100', time: frameTime + n, isBuyerMaker: true },
    ...fieldsOf(n),
  })
  const rest = ({ pathname }: URL) => ({
    body: pathname.endsWith('historicalTrades')
      ? [20, 21, 22, 23, 24].map(oldTrade)
      : { symbols: [{ symbol: 'BTCUSDT' }] },
  })
  const venue = await startVenue({ frames, faults: [{ type: 'skip', after: 20, frames: 5 }], rest })
  closing.push(venue.close)
  const given = { symbols: ['BTCUSDT'], heartbeat_every: '1h', stall_after: '1h', fill_within: '60s' }
  const params = z.parse(binanceTrades.definition.params, given) as BinanceTradesParams
  const endpoints = { binance_trades: venue.url, 'binance_trades.rest': venue.restUrl }
  const feed = followFeed((context) => openFeed(tradesChannel(params), params, context), endpoints)
  closing.push(feed.stop)
  const ids = () => feed.of('row').map(({ value }) => (value as Trade).id - FIRST)
  const reasons = () => feed.of('invalid').map(({ value }) => value.reason)
  return { ...feed, ids, reasons, gaps: () => feed.of('gap') }
}

test.each([
  ['a price spike', { price: '0.00900000' }, 'price_spike'],
  ['a time that runs back', { time: frameTime - 3_600_000 }, 'time_backwards'],
  ['no time', { time: 0 }, 'time_backwards'],
  ['a time far ahead', { time: Date.now() + 9e6 }, 'time_ahead'],
] as const)(
  '%s of REST is kept out as one of the stream is, and its number is not missing',
  async (_what, bad, reason) => {
    const feed = await follow(tradeFrames(30), (n) => (n === 22 ? bad : {}))
    await feed.until(() => feed.ids().includes(29))
    expect(feed.ids()).toEqual(upTo(30).filter((n) => n !== 22))
    expect(feed.reasons()).toEqual([reason])
    expect(feed.gaps()).toHaveLength(1)
    const times = feed.of('row').map(({ at }) => at)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  },
)

test('rows of REST are judged by what was told before them, however long ago', async () => {
  const later = (n: number) => ({ T: frameTime + n + (n < 20 ? 0 : 600_000) })
  const frames = Array.from({ length: 30 }, (_, n) => tradeFrame(n, later(n)))
  const feed = await follow(frames)
  await feed.until(() => feed.ids().includes(29))
  expect(feed.ids()).toEqual(upTo(30))
  expect(feed.reasons()).toEqual([])
})

test('rows of REST without a time are not believed, however many they are', async () => {
  const feed = await follow(tradeFrames(30), () => ({ time: 0 }))
  await feed.until(() => feed.ids().includes(29))
  expect(feed.ids()).toEqual(upTo(30).filter((n) => n < 20 || n > 24))
  expect(feed.reasons()).toEqual(Array(5).fill('time_backwards'))
})
