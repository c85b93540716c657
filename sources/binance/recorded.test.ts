import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Book, Quote, Trade } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { linesOf, saidIn } from '../../testing/recorded.ts'
import { startVenue } from '../../testing/venue_server.ts'
import { openFeed } from '../feed/feed.ts'
import { LocalBook } from '../feed/local_book.ts'
import type { Channel, Word } from '../feed/venue.ts'
import { aggTradesChannel, readAggTradeFrame } from './agg_trades.ts'
import { barReaderOf, barsChannel } from './bars.ts'
import { binanceBook, bookChannel } from './book.ts'
import { quotesChannel, readQuoteFrame } from './quotes.ts'

const data = process.env['TIDEGATE_DATA'] ?? './data'
const folder = join(data, 'ticks/binance-raw-frames')
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Facts {
  readonly events: Readonly<Record<string, number>>
  readonly updates_applied: number
  readonly top_of_book_vs_bookTicker_same_u: { readonly compared: number; readonly equal: number }
}
const recordings = ['spot_btcusdt', 'spot_ethusdt', 'usdm_btcusdt', 'usdm_ethusdt', 'cm_btcusd_perp', 'cm_ethusd_perp']
const marketOf = (name: string) => (name.startsWith('spot') ? 'spot' : name.startsWith('usdm') ? 'usdm' : 'coinm')
const symbolOf = (name: string) => name.slice(name.indexOf('_') + 1).toUpperCase()
const given = (name: string) =>
  ({
    symbols: [symbolOf(name)],
    market: marketOf(name),
    ...{ lateness: 0, stall_after: 60e6, heartbeat_every: 3600e6, heartbeat_lag: 0 },
    ...{ connections: 1, max_jump: 0.5, fill: true, fill_within: 10e6 },
  }) as const

/** Plays frames to a channel until a number of rows were told. */
async function play<T>(
  channel: Channel<T>,
  { frames, rest, given: params }: { frames: readonly string[]; rest?: unknown; given: ReturnType<typeof given> },
) {
  const venue = await startVenue({
    frames,
    rest: (url) => (url.pathname.endsWith('/depth') ? { body: rest } : undefined),
  })
  closing.push(venue.close)
  const endpoints = {
    [channel.name]: venue.url,
    ...(rest !== undefined && { [`${channel.name}.rest`]: venue.restUrl }),
  }
  const feed = followFeed((context) => openFeed(channel, params, context), endpoints)
  closing.push(feed.stop)
  return { ...feed, venue }
}

describe.each(recordings)('%s_20240808', (name) => {
  const path = join(folder, `${name}_20240808.jsonl.txt.gz`)
  const absent = !existsSync(path)
  const read = () => {
    const texts = linesOf(path)
    const frames = texts.map((line) => line.slice(line.indexOf(' ') + 1))
    const all = JSON.parse(readFileSync(join(folder, 'facts.json'), 'utf8')) as Record<string, Facts>
    const facts = all[`binance-raw-frames/${name}_20240808.jsonl.txt.gz`] as Facts
    const of = (stream: string) => frames.filter((frame) => frame.includes(`@${stream}`))
    return { frames, of, facts }
  }

  test.skipIf(absent)('the book told is the bookTicker of the exchange at every number both have', async () => {
    const { frames, of, facts } = read()
    const depth = of('depth')
    const whole = JSON.parse(frames.find((frame) => frame.startsWith('{"lastUpdateId"')) as string) as {
      lastUpdateId: number
    }
    const channel = bookChannel({ ...given(name), levels: 1000 })
    const feed = await play(channel, { frames: depth, rest: whole, given: given(name) })
    const last = JSON.parse(depth.at(-1) as string).data.u as number
    const tops = new Map<number, readonly (readonly [number, number] | undefined)[]>()
    const book = new LocalBook()
    let seen = 0
    await feed.until(() => {
      for (; seen < feed.items.length; seen++) {
        const item = feed.items[seen]
        if (item?.type !== 'row') continue
        const { side, price, size, last: done, id } = item.value as Book
        const levels = [[price, size] as const]
        const message = {
          symbol: '',
          at: 0,
          id,
          snapshot: false,
          bids: side === 1 ? levels : [],
          asks: side === 1 ? [] : levels,
        }
        book.apply(message)
        if (!done) continue
        expect(book.crossed).toBe(false)
        tops.set(
          id,
          [book.bids[0], book.asks[0]].map((level) => level && ([level[0], level[1]] as const)),
        )
      }
      return tops.has(last)
    })
    let compared = 0
    for (const frame of of('bookTicker')) {
      const { u, b, B, a, A } = JSON.parse(frame).data
      const top = tops.get(u)
      if (top === undefined) continue
      compared++
      expect(top).toEqual([
        [Number(b), Number(B)],
        [Number(a), Number(A)],
      ])
    }
    expect(compared).toBe(facts.top_of_book_vs_bookTicker_same_u.compared)
    expect(feed.of('gap').map(({ value }) => value.reason)).toEqual(['connected'])
    // a change whose last number is that of the whole book says nothing that is not in it
    const { lastUpdateId } = whole
    const held = depth.filter((frame) => JSON.parse(frame).data.u === lastUpdateId && marketOf(name) !== 'spot').length
    expect(tops.size).toBe(facts.updates_applied + 1 - held)
  })

  test.skipIf(absent)('every quote is told once, with the values of its frame', async () => {
    const { of } = read()
    const frames = of('bookTicker')
    const feed = await play(quotesChannel(given(name)), { frames, given: given(name) })
    await feed.until(() => feed.of('row').length + feed.of('invalid').length === frames.length)
    const quotes = feed.of('row').map(({ value }) => value as Quote)
    const wanted = frames.map((frame) => JSON.parse(frame).data)
    expect(quotes).toEqual(
      wanted.map(({ b, B, a, A }) => ({ bid: Number(b), ask: Number(a), bid_size: Number(B), ask_size: Number(A) })),
    )
    if (marketOf(name) !== 'spot') expect(feed.of('row').map(({ at }) => at)).toEqual(wanted.map(({ T }) => T * 1000))
  })
})

// ---- other sessions ---------------------------------------------------------------------------------

for (const venue of ['BINANCE', 'BINANCE_DELIVERY']) {
  const path = join(data, `ws-frames/cryptofeed/${venue}/${venue}.ws.1.0.jsonl.gz`)
  test.skipIf(!existsSync(path))(
    `cryptofeed/${venue}: each frame is read by the reader of its stream, and by no other`,
    () => {
      const frames = saidIn(path)
      const readers: Readonly<Record<string, (bytes: Buffer) => Word<unknown>>> = {
        aggTrade: readAggTradeFrame,
        bookTicker: readQuoteFrame,
        kline: barReaderOf('1m'),
      }
      for (const [stream, reader] of Object.entries(readers)) {
        const words = frames.map((frame) => ({ frame, word: reader(Buffer.from(frame)) }))
        const ours = words.filter(({ frame }) => frame.includes(`@${stream}`))
        expect(ours.length).toBeGreaterThan(0)
        for (const { frame, word } of words) if (!frame.includes(`@${stream}`)) expect(word.type).toBe('other')
        for (const { frame, word } of ours) {
          const fields = JSON.parse(frame).data
          if (stream === 'kline' && fields.k.x !== true) expect(word).toEqual({ type: 'rows', rows: [] })
          else expect(word.type).toBe('row')
          if (word.type !== 'row') continue
          expect(word.row.symbol).toBe(fields.s)
          if (stream === 'aggTrade') {
            const trade = word.row.value as Trade
            expect([trade.price, trade.size, trade.id, trade.side]).toEqual([
              Number(fields.p),
              Number(fields.q),
              fields.a,
              fields.m ? -1 : 1,
            ])
            expect(word.row.at).toBe(fields.T * 1000)
          }
        }
      }
    },
  )
}

test('names, addresses and greetings of the channels are those of their component', () => {
  const all = [aggTradesChannel, quotesChannel].map((make) => make(given('usdm_btcusdt')))
  const bars = barsChannel({ ...given('usdm_btcusdt'), interval: '1m' })
  expect([...all, bars].map((channel) => channel.url(undefined))).toEqual([
    'wss://fstream.binance.com/market/stream?streams=btcusdt@aggTrade',
    'wss://fstream.binance.com/public/stream?streams=btcusdt@bookTicker',
    'wss://fstream.binance.com/market/stream?streams=btcusdt@kline_1m',
  ])
  expect(binanceBook.definition.name).toBe(bookChannel({ ...given('spot_btcusdt'), levels: 1000 }).name)
})
