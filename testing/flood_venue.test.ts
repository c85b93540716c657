import { afterEach, expect, test } from 'vitest'
import WebSocket from 'ws'
import { FloodVenue } from './flood_venue.ts'
import { FIRST_ID, textsOf, tradeOf } from './trade_maker.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
async function venueOf(settings: { symbols: number; window?: number; patience?: number }) {
  const venue = new FloodVenue(settings)
  const url = await venue.listen()
  closing.push(() => venue.close())
  return { venue, url }
}
async function reader(url: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/stream?streams=t000usdt@trade`)
  closing.push(() => socket.terminate())
  const texts: string[] = []
  socket.on('message', (data) => texts.push(String(data)))
  await new Promise((resolve) => socket.once('open', resolve))
  return { socket, texts }
}
const until = async (done: () => boolean) => {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 2))
}
const turns = (symbols: number) => {
  let n = 0
  return () => n++ % symbols
}

test('prints trades in the form of Binance, each symbol numbered without holes', async () => {
  const { venue, url } = await venueOf({ symbols: 3 })
  const { texts } = await reader(url)
  venue.print(7, 1_700_000_000_123, turns(3))
  await until(() => texts.length === 7)
  const { price, size, sold } = textsOf(1, FIRST_ID + 1)
  expect(JSON.parse(texts[4]!)).toEqual({
    stream: 't001usdt@trade',
    data: {
      e: 'trade',
      E: 1_700_000_000_123,
      s: 'T001USDT',
      t: FIRST_ID + 1,
      p: price,
      q: size,
      T: 1_700_000_000_123,
      m: sold,
      M: true,
    },
  })
  expect(texts.map((text) => JSON.parse(text).data.t - FIRST_ID)).toEqual([0, 0, 0, 1, 1, 1, 2])
  for (const { s, t, p, q, m } of texts.map((text) => JSON.parse(text).data))
    expect({ price: Number(p), size: Number(q), side: m ? -1 : 1, id: t }).toEqual(tradeOf(Number(s.slice(1, 4)), t))
})

test('gives the trades of its window over REST, as they were printed', async () => {
  const { venue, url } = await venueOf({ symbols: 2, window: 100 })
  venue.print(600, 1_700_000_000_000, turns(2))
  const get = async (query: string) => {
    const answer = await fetch(`${url}/api/v3/historicalTrades?${query}`)
    return { status: answer.status, body: (await answer.json()) as { id: number; price: string }[] }
  }
  const { body } = await get(`symbol=T001USDT&fromId=${FIRST_ID + 250}&limit=20`)
  expect(body.map(({ id }) => id - FIRST_ID)).toEqual(Array.from({ length: 20 }, (_, n) => 250 + n))
  expect(body[3]).toMatchObject({ price: textsOf(1, FIRST_ID + 253).price, time: 1_700_000_000_000 })
  const old = await get(`symbol=T001USDT&fromId=${FIRST_ID}&limit=1000`)
  expect([old.body[0]?.id, old.body.at(-1)?.id]).toEqual([FIRST_ID + 200, FIRST_ID + 299])
  expect(await get('symbol=NOPE')).toMatchObject({ status: 400, body: { code: -1121 } })
  expect(venue.asked).toBe(3)
})

test('cuts off who reads too slowly', async () => {
  const { venue, url } = await venueOf({ symbols: 1, patience: 1000 })
  const { socket } = await reader(url)
  let closed = false
  socket.once('close', () => {
    closed = true
  })
  for (let n = 0; n < 50; n++) venue.print(20_000, 1_700_000_000_000, () => 0)
  await until(() => closed)
  expect(venue.slow).toBe(1)
  expect(venue.connected).toBe(0)
})
