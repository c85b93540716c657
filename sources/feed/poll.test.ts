import { afterEach, expect, test } from 'vitest'
import { followFeed } from '../../testing/follow_feed.ts'
import { type RestAnswer, startVenue } from '../../testing/venue_server.ts'
import { type Polled, poll, Unreadable } from './poll.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Asks a server that answers with numbers for the next one. */
async function follow(
  answer: (attempt: number) => RestAnswer | undefined,
  { continuous = true, staleAfter = 3600e6, rate = 1000, questions = 1, position = 0 } = {},
) {
  const times: number[] = []
  const server = await startVenue({
    frames: [],
    rest: (_url, attempt) => {
      times.push(performance.now())
      const found = answer(attempt)
      return found && { ...found, headers: { connection: 'close', ...found.headers } }
    },
  })
  closing.push(server.close)
  const ask = async (rest: { get: (path: string) => Promise<unknown> }): Promise<Polled> => {
    const found = await rest.get('/number')
    if (found === 'poison') throw new TypeError('planted')
    if (typeof found !== 'number') throw new Unreadable('number_fields', found)
    return { rows: [{ at: 1e15 + found, key: 'x:Y', value: found }], continuous, mark: String(found) }
  }
  const one = { name: 'a number', keys: ['x:Y'], every: 1000, ask }
  const settings = { name: 'numbers', base: 'http://127.0.0.1:1', rate, staleAfter, backoff: 2000, backoffCap: 8000 }
  const feed = followFeed(
    (context) => poll([{ ...settings, questions: Array(questions).fill(one) }], context),
    { numbers: server.restUrl },
    { position },
  )
  closing.push(feed.stop)
  return {
    ...feed,
    ...{ server, times },
    values: () => feed.of('row').map(({ value }) => value),
    gaps: () => feed.of('gap').map(({ value }) => value),
    events: () => feed.of('event').map(({ value }) => value.event),
  }
}

test('asks again and again, the first answer behind a gap', async () => {
  const feed = await follow((n) => ({ body: n }))
  await feed.until(() => feed.values().length >= 3)
  expect(feed.values().slice(0, 3)).toEqual([1, 2, 3])
  expect(feed.gaps()).toEqual([{ reason: 'connected', missing: 0, since: 0 }])
  expect(feed.events()).toEqual(['connected'])
})

test('a restart of ours is a gap of its own kind', async () => {
  const feed = await follow((n) => ({ body: n }), { position: 5 })
  await feed.until(() => feed.values().length > 0)
  expect(feed.gaps()[0]?.reason).toBe('resumed')
})

test.each([
  ['HTTP 500', { status: 500, body: '' }, []],
  ['HTTP 429', { status: 429, body: 'slow down' }, []],
  ['HTTP 404', { status: 404, body: '' }, []],
  ['a page of HTML', { body: '<html>' }, ['not_json']],
  ['fields nobody documented', { body: { number: 1 } }, ['number_fields']],
] as const)('%s is told, asked for again, and no gap where the next answer goes on', async (_what, bad, invalid) => {
  const feed = await follow((n) => (n === 2 || n === 3 ? bad : { body: n }))
  await feed.until(() => feed.values().length >= 3)
  expect(feed.values().slice(0, 3)).toEqual([1, 4, 5])
  expect(feed.events().slice(0, 5)).toEqual(['connected', 'lost', 'retrying', 'retrying', 'connected'])
  expect(
    feed
      .of('event')
      .filter(({ value }) => value.event === 'retrying')
      .map(({ value }) => value.count),
  ).toEqual([1, 2])
  expect([...new Set(feed.of('invalid').map(({ value }) => value.reason))]).toEqual(invalid)
  expect(feed.gaps()).toHaveLength(1)
})

test('where the next answer does not go on, what lies between is a gap since the newest row', async () => {
  const feed = await follow((n) => (n === 2 ? { status: 500, body: '' } : { body: n }), { continuous: false })
  await feed.until(() => feed.values().length >= 2)
  expect(feed.gaps().slice(0, 2)).toEqual([
    { reason: 'connected', missing: 0, since: 0 },
    { reason: 'disconnected', missing: 0, since: 1e15 + 1 },
  ])
})

test('waits no less than `Retry-After` says', async () => {
  const feed = await follow((n) => (n === 2 ? { status: 429, body: '', headers: { 'retry-after': '1' } } : { body: n }))
  await feed.until(() => feed.values().length >= 2)
  expect((feed.times[2] ?? 0) - (feed.times[1] ?? 0)).toBeGreaterThan(950)
})

test('an interface that never says anything new is stalled, told once, until it does', async () => {
  let number = 1
  const feed = await follow(() => ({ body: number }), { staleAfter: 50e3 })
  await feed.until(() => feed.gaps().some(({ reason }) => reason === 'stalled'))
  number = 2
  await feed.until(() => feed.events().filter((event) => event === 'connected').length === 2)
  expect(feed.gaps().map(({ reason }) => reason)).toEqual(['connected', 'stalled'])
  expect(feed.of('event').find(({ value }) => value.event === 'lost')?.value.detail).toContain('stalled')
})

test('several questions share one rate', async () => {
  const feed = await follow((n) => ({ body: n }), { rate: 50, questions: 5 })
  await feed.until(() => feed.values().length >= 12)
  const [first = 0] = feed.times
  const last = feed.times[11] ?? 0
  expect(last - first).toBeGreaterThan(11 * 20 * 0.8)
})

test('what is unsubscribed asks nothing any more, and one that never answers is told', async () => {
  const feed = await follow(() => ({ status: 503, body: '' }))
  await feed.until(() => feed.events().length >= 3)
  feed.stop()
  const asked = feed.server.asked.length
  await new Promise((resolve) => setTimeout(resolve, 40))
  expect(feed.server.asked.length).toBeLessThanOrEqual(asked + 1)
  expect(feed.events()).toEqual(Array(feed.events().length).fill('retrying'))
  expect(feed.values()).toEqual([])
})

test('an answer its reader fails on is kept out, asked for again, and ends nothing', async () => {
  const feed = await follow((n) => ({ body: n === 2 ? '"poison"' : n }))
  await feed.until(() => feed.values().length >= 2)
  expect(feed.values().slice(0, 2)).toEqual([1, 3])
  expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['reader_failed'])
})
