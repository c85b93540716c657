import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { wallClock } from '../../runtime/clock.ts'
import { isTidegateError } from '../../schemas/errors.ts'
import { type RunningVenue, startVenue, type Venue } from '../../testing/venue_server.ts'
import { connect, type SocketEvent, type SocketLimits, socketLimits } from './socket.ts'

const ms = 1e3
/** Patience stays as long as it is: a test that is about it says how long. */
const quick: SocketLimits = {
  ...socketLimits,
  pingAfter: 15 * ms,
  backoff: 4 * ms,
  backoffCap: 20 * ms,
  stableAfter: 150 * ms,
}

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
async function venueOf(venue: Venue): Promise<RunningVenue> {
  const running = await startVenue(venue)
  closing.push(running.close)
  return running
}

/** Connects, gathers what is told, and waits for it. */
function listen(url: string, limits: Partial<SocketLimits> = {}, random = () => 0.5) {
  const events: SocketEvent<string>[] = []
  const texts: string[] = []
  const errors: unknown[] = []
  let look = () => {}
  const settings = {
    name: 'test_feed',
    url,
    limits: { ...quick, ...limits },
    read: (bytes: Buffer) => {
      const text = bytes.toString()
      if (text === 'poison') throw new TypeError('planted')
      return text
    },
    unread: 'unread',
    isData: (message: string) => message !== 'pong',
  }
  const subscription = connect(settings, { clock: wallClock, random }).subscribe({
    next: (event) => {
      events.push(event)
      if (event.type === 'message') texts.push(event.message)
      look()
    },
    error: (error) => {
      errors.push(error)
      look()
    },
  })
  closing.push(() => subscription.unsubscribe())
  const until = (done: () => boolean) =>
    new Promise<void>((resolve) => {
      look = () => done() && resolve()
      look()
    })
  const losses = () => events.flatMap((event) => (event.type === 'lost' ? [event.loss] : []))
  const waits = () => events.flatMap((event) => (event.type === 'retrying' ? [event.after] : []))
  const opens = () => events.filter(({ type }) => type === 'opened').length
  return { events, errors, until, texts, losses, waits, opens, subscription }
}

const numbered = (count: number) => Array.from({ length: count }, (_, n) => `m${n}`)
const pause = (micros: number) => new Promise<void>((resolve) => wallClock.after(micros, resolve))

test('gives every message in order, and says first that it is open', async () => {
  const frames = numbered(5000)
  const venue = await venueOf({ frames })
  const { events, texts, until } = listen(venue.url)
  await until(() => texts.length === frames.length)
  expect(events[0]).toMatchObject({ type: 'opened' })
  expect(texts).toEqual(frames)
})

test.each([
  ['drops', { type: 'drop', after: 3 }],
  ['closes with a code', { type: 'close', after: 3, code: 1012, reason: 'restart' }],
] as const)('connects again where the server %s', async (_what, fault) => {
  const venue = await venueOf({ frames: numbered(6), faults: [fault] })
  const { texts, losses, events, until } = listen(venue.url)
  await until(() => texts.length === 6)
  expect(texts).toEqual(numbered(6))
  expect(losses()).toEqual(['closed'])
  if (fault.type === 'close')
    expect(events.find(({ type }) => type === 'lost')).toMatchObject({ detail: 'code 1012: restart' })
})

test('waits longer from failure to failure, up to the cap, by a random part of the bound', async () => {
  const upgrades = ['accept', ...Array(6).fill('unanswered')] as const
  const venue = await venueOf({ frames: [], upgrades, faults: [{ type: 'drop', after: 0 }] })
  const { waits, opens, until } = listen(venue.url, { openWithin: 5 * ms }, () => 0.5)
  await until(() => opens() === 2)
  expect(waits()).toEqual([2, 4, 8, 10, 10, 10, 10].map((wait) => wait * ms))
  expect(venue.attempts()).toBe(8)
})

test('starts the backoff afresh after a connection that held', async () => {
  const frames = numbered(4)
  const faults = [
    { type: 'drop', after: 1 },
    { type: 'drop', after: 2 },
    { type: 'stall', after: 3, micros: 200 * ms },
    { type: 'drop', after: 3 },
  ] as const
  const venue = await venueOf({ frames, faults })
  const { waits, texts, until } = listen(venue.url)
  await until(() => texts.length === 4)
  expect(waits()).toEqual([2 * ms, 4 * ms, 2 * ms])
})

test('gives a silent feed up though the server answers every ping', async () => {
  const venue = await venueOf({ frames: numbered(2), faults: [{ type: 'stall', after: 1, micros: 10_000 * ms }] })
  const { events, losses, texts, until } = listen(venue.url, { stallAfter: 100 * ms })
  await until(() => losses().length === 1)
  expect(losses()).toEqual(['stalled'])
  expect(events.filter(({ type }) => type === 'alive').length).toBeGreaterThan(2)
  await until(() => texts.length === 2)
})

test('a process that was busy does not take its own sleep for silence of the server', async () => {
  const venue = await venueOf({ frames: numbered(20), rate: 100 })
  const { losses, texts, until } = listen(venue.url, { openWithin: 40 * ms, silentFor: 80 * ms, stallAfter: 80 * ms })
  const busy = (micros: number) => {
    for (const end = wallClock.now() + micros; wallClock.now() < end; );
  }
  busy(150 * ms)
  await until(() => texts.length === 5)
  busy(300 * ms)
  await until(() => texts.length === 20)
  expect(losses()).toEqual([])
})

test('answers that are no data do not keep a silent feed alive', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  closing.push(() => server.close())
  await once(server, 'listening')
  server.on('connection', (client) => {
    const stop = { cancel: () => {} }
    const say = () => {
      client.send('pong')
      stop.cancel = wallClock.after(10 * ms, say)
    }
    say()
    client.on('close', () => stop.cancel())
  })
  const { port } = server.address() as { port: number }
  const { losses, until } = listen(`ws://127.0.0.1:${port}`, { stallAfter: 60 * ms })
  await until(() => losses().length === 1)
  expect(losses()).toEqual(['stalled'])
})

test('gives a connection up that shows no sign of life', async () => {
  const faults = [{ type: 'stall', after: 1, micros: 10_000 * ms, deaf: true }] as const
  const venue = await venueOf({ frames: numbered(2), faults })
  const { losses, texts, until } = listen(venue.url, { silentFor: 60 * ms })
  await until(() => texts.length === 2)
  expect(losses()).toEqual(['silent'])
})

test('loses the connection to a message above the bound, and goes on', async () => {
  const faults = [{ type: 'stall', after: 2, micros: 30 * ms }] as const
  const venue = await venueOf({ frames: ['small', 'x'.repeat(2000), 'last'], faults })
  const { losses, texts, until } = listen(venue.url, { maxBytes: 1000, backoff: 100 * ms, backoffCap: 100 * ms })
  await until(() => texts.length === 2)
  expect(losses()).toEqual(['oversized'])
  expect(texts).toEqual(['small', 'last'])
})

test('sends what the opener asks', async () => {
  const venue = await venueOf({ frames: ['m0'] })
  const { events, texts, until } = listen(venue.url)
  await until(() => texts.length === 1)
  for (const event of events) if (event.type === 'opened') event.send('{"method":"SUBSCRIBE"}')
  await vi.waitFor(() => expect(venue.connections[0]?.received).toEqual(['{"method":"SUBSCRIBE"}']), 60_000)
})

test.each([401, 403, 404])('a refusal with HTTP %i at the start is an error for people, at once', async (refuse) => {
  const venue = await venueOf({ frames: [], upgrades: [{ refuse }] })
  const { errors, until } = listen(venue.url)
  await until(() => errors.length === 1)
  const [error] = errors
  expect(isTidegateError(error) && error.code).toBe('SOURCE_FAILED')
  expect(String(error)).toMatch(/test_feed: could not connect to ws:.*: refused \(HTTP 40\d\)/)
  expect(venue.attempts()).toBe(1)
})

test('a server that is busy at the start is tried a few times', async () => {
  const venue = await venueOf({ frames: numbered(1), upgrades: [{ refuse: 429 }, { refuse: 503 }, 'accept'] })
  const { losses, texts, until } = listen(venue.url)
  await until(() => texts.length === 1)
  expect(losses()).toEqual(['refused', 'refused'])
  const busy = await venueOf({ frames: [], upgrades: Array(9).fill({ refuse: 503 }) })
  const { errors, until: untilBusy } = listen(busy.url, { startAttempts: 3 })
  await untilBusy(() => errors.length === 1)
  expect(String(errors[0])).toContain('refused (HTTP 503)')
  expect(busy.attempts()).toBe(3)
})

test('a refusal after the feed once ran is only a reason to try again', async () => {
  const upgrades = ['accept', { refuse: 503 }, { refuse: 429 }, 'accept'] as const
  const venue = await venueOf({ frames: numbered(2), upgrades, faults: [{ type: 'drop', after: 1 }] })
  const { errors, losses, texts, until } = listen(venue.url)
  await until(() => texts.length === 2)
  expect(losses()).toEqual(['closed', 'refused', 'refused'])
  expect(errors).toEqual([])
})

test('a server that never answers is tried a few times, then it is an error', async () => {
  const venue = await venueOf({ frames: [], upgrades: Array(9).fill('unanswered') })
  const { errors, losses, until } = listen(venue.url, { openWithin: 20 * ms, startAttempts: 3 })
  await until(() => errors.length === 1)
  expect(losses()).toEqual(['unanswered', 'unanswered'])
  expect(String(errors[0])).toContain('unanswered (no answer within 20ms)')
  expect(venue.attempts()).toBe(3)
})

test('a server that is not there is tried a few times, then it is an error', async () => {
  const { url, close } = await startVenue({ frames: [] })
  await close()
  const { errors, losses, until } = listen(url, { startAttempts: 2 })
  await until(() => errors.length === 1)
  expect(losses()).toEqual(['failed'])
  expect(String(errors[0])).toContain('ECONNREFUSED')
})

test('a server that speaks no WebSocket is an error', async () => {
  const server = createServer((socket) => socket.end('220 mail.example ESMTP\r\n'))
  closing.push(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const { errors, until } = listen(`ws://127.0.0.1:${port}`, { startAttempts: 2 })
  await until(() => errors.length === 1)
  expect(isTidegateError(errors[0])).toBe(true)
})

test('a text that is no address is an error at once', () => {
  const { errors } = listen('nonsense')
  expect(String(errors[0])).toContain('no address of a WebSocket server')
})

test('unsubscribing leaves no socket and no timer, whatever the state', async () => {
  const timers = new Set<object>()
  const clock = {
    now: wallClock.now,
    after: (micros: number, call: () => void) => {
      const timer = {}
      timers.add(timer)
      const cancel = wallClock.after(micros, () => {
        timers.delete(timer)
        call()
      })
      return () => {
        timers.delete(timer)
        cancel()
      }
    },
  }
  const follow = async (venue: RunningVenue, last: RegExp) => {
    const settings = { name: 'test_feed', url: venue.url, limits: quick, read: String, unread: '', isData: () => true }
    const told: string[] = []
    const subscription = connect(settings, { clock, random: () => 1 }).subscribe(({ type }) => told.push(type))
    await vi.waitFor(() => expect(told.at(-1) ?? '').toMatch(last), 60_000)
    await pause(15 * ms)
    subscription.unsubscribe()
    expect(timers.size).toBe(0)
    const before = told.length
    await pause(30 * ms)
    expect(told).toHaveLength(before)
  }
  const open = await venueOf({ frames: numbered(9), rate: 1000 })
  await follow(open, /message|alive/)
  expect(open.connections).toMatchObject([{ state: 'closed' }])
  const connecting = await venueOf({ frames: [], upgrades: ['unanswered'] })
  await follow(connecting, /^$/)
  const waiting = await venueOf({
    frames: [],
    faults: [{ type: 'drop', after: 0 }],
    upgrades: ['accept', 'unanswered'],
  })
  await follow(waiting, /retrying/)
  expect(waiting.connections).toHaveLength(1)
})

test('a listener that leaves at the loss is not connected again', async () => {
  const venue = await venueOf({ frames: numbered(1), faults: [{ type: 'drop', after: 1 }] })
  const settings = { name: 'test_feed', url: venue.url, limits: quick, read: String, unread: '', isData: () => true }
  await new Promise<void>((resolve) => {
    const subscription = connect(settings, { clock: wallClock, random: () => 0 }).subscribe(({ type }) => {
      if (type !== 'lost') return
      subscription.unsubscribe()
      resolve()
    })
  })
  await pause(40 * ms)
  expect(venue.attempts()).toBe(1)
})

test('a message its reader fails on is told as unread, and the connection lives on', async () => {
  const venue = await venueOf({ frames: ['m0', 'poison', 'm1'] })
  const { texts, until, opens } = listen(venue.url)
  await until(() => texts.length === 3)
  expect(texts).toEqual(['m0', 'unread', 'm1'])
  expect(opens()).toBe(1)
})
