import { afterEach, expect, test } from 'vitest'
import WebSocket from 'ws'
import { wallClock } from '../runtime/clock.ts'
import { startFaultProxy } from './fault_proxy.ts'
import { type Answer, type Fault, rubbish, strikes } from './faults.ts'
import { FloodVenue } from './flood_venue.ts'
import { selfSigned } from './self_signed.ts'
import { FIRST_ID } from './trade_maker.ts'

const ms = 1e3
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const pause = (micros: number) => new Promise<void>((resolve) => wallClock.after(micros, resolve))
const until = async (done: () => boolean) => {
  while (!done()) await pause(2 * ms)
}

/** A venue, a proxy before it, and readers of one symbol. */
async function proxied(tls?: { key: string; cert: string }) {
  const venue = new FloodVenue({ symbols: 1 })
  const target = await venue.listen()
  closing.push(() => venue.close())
  const proxy = await startFaultProxy({ target, ...(tls === undefined ? {} : { tls }) })
  closing.push(proxy.close)
  const print = (count: number) => venue.print(count, 1_700_000_000_000, () => 0)
  const reader = () => {
    const socket = new WebSocket(`${proxy.url}/stream?streams=t000usdt@trade`, tls ? { ca: tls.cert } : {})
    closing.push(() => socket.terminate())
    const ids: number[] = []
    const said: string[] = []
    socket.on('message', (data) => {
      const text = String(data)
      if (text.startsWith('{"stream":"t000')) ids.push(JSON.parse(text).data.t - FIRST_ID)
      else said.push(text.slice(0, 20))
    })
    socket.on('pong', () => said.push('pong'))
    socket.on('error', (error: Error & { code?: string }) => said.push(`error ${error.code ?? error.message}`))
    socket.on('close', (code) => said.push(`close ${code}`))
    return { socket, ids, said, opened: new Promise((resolve) => socket.once('open', resolve)) }
  }
  return { venue, proxy, print, reader }
}
async function opened(tls?: { key: string; cert: string }) {
  const around = await proxied(tls)
  const one = around.reader()
  await one.opened
  return { ...around, ...one }
}
const span = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n)

test('without a fault every message passes as it is', async () => {
  const { print, ids, proxy } = await opened()
  for (let n = 0; n < 10; n++) print(2000)
  await until(() => ids.length === 20_000)
  expect(ids).toEqual(span(0, 20_000))
  expect(proxy.struck()).toEqual({})
})

test.each([
  ['loses', { type: 'lose', messages: 3 }, [...span(0, 5), ...span(8, 20)]],
  ['doubles', { type: 'duplicate', messages: 3 }, [...span(0, 8), ...span(5, 20)]],
  ['reorders', { type: 'reorder', messages: 3 }, [...span(0, 5), 7, 6, 5, ...span(8, 20)]],
] as const)('%s messages', async (_what, fault: Fault, expected) => {
  const { print, ids, proxy, said } = await opened()
  print(5)
  await until(() => ids.length === 5)
  proxy.strike(fault)
  print(15)
  await until(() => ids.length === expected.length)
  expect(ids).toEqual(expected)
  expect([said, proxy.struck()]).toEqual([[], { [fault.type]: 1 }])
})

test.each([
  ['answers pings', false, 'tell', ['pong'], span(0, 20)],
  ['is deaf', true, 'tell', [], span(0, 20)],
  ['forgets what was said', false, 'lose', ['pong'], [...span(0, 5), ...span(15, 20)]],
] as const)('a stall that %s', async (_what, deaf, outcome, heard, expected) => {
  const { print, ids, proxy, said, socket } = await opened()
  print(5)
  await until(() => ids.length === 5)
  proxy.strike({ type: 'stall', micros: 800 * ms, deaf, outcome })
  print(10)
  socket.ping()
  await pause(400 * ms)
  expect([ids.length, said]).toEqual([5, heard])
  await pause(600 * ms)
  print(5)
  await until(() => ids.length === expected.length)
  expect(ids).toEqual(expected)
})

test('a cut ends the connection without a farewell, and the next one is sound', async () => {
  const { proxy, said, print, reader } = await opened()
  proxy.strike({ type: 'cut' })
  await until(() => said.length === 1)
  expect([said, proxy.links()]).toEqual([['close 1006'], 0])
  const again = reader()
  await again.opened
  print(3)
  await until(() => again.ids.length === 3)
})

test('a fault that was meant for one connection leaves the others alone', async () => {
  const { proxy, said, print, ids, reader } = await opened()
  const other = reader()
  await other.opened
  proxy.strike({ type: 'cut' }, 1)
  await until(() => other.said.length === 1)
  print(3)
  await until(() => ids.length === 3)
  expect([said, other.said, proxy.struck()]).toEqual([[], ['close 1006'], { cut: 1 }])
})

test('a frame cut off is no message', async () => {
  const { proxy, said, print, ids } = await opened()
  proxy.strike({ type: 'truncate' })
  print(3)
  await until(() => said.length === 1)
  expect([ids, said]).toEqual([[], ['close 1006']])
})

test('dribbles byte after byte, and keeps nothing back', async () => {
  const { proxy, print, ids } = await opened()
  proxy.strike({ type: 'dribble', micros: 100 * ms })
  print(500)
  await pause(60 * ms)
  expect(ids.length).toBeLessThan(2)
  await until(() => ids.length === 500)
  expect(ids).toEqual(span(0, 500))
})

const breaches = Object.keys(rubbish).filter((what) =>
  /no_frame|reserved|opcode|masked|continuation|ping|endless|utf8/.test(what),
)
test.each(Object.keys(rubbish) as (keyof typeof rubbish)[])('says rubbish: %s', async (what) => {
  const { proxy, said, print, ids } = await opened()
  print(1)
  await until(() => ids.length === 1)
  proxy.strike({ type: 'rubbish', what })
  const breach = breaches.includes(what)
  await until(() => said.length === (breach ? 2 : 1))
  // what keeps the protocol is a message to the library, what breaks it the end of the connection
  if (breach) expect(said).toEqual([expect.stringMatching(/^error WS_ERR_/), 'close 1006'])
  else expect(said[0]).not.toMatch(/^error/)
  if (!breach) {
    print(1)
    await until(() => ids.length === 2)
  }
})

const answers: readonly Answer[] = [{ status: 429, retryAfter: 1 }, { status: 503 }, 'html', 'half']
test.each(answers)('refuses an upgrade with %j, and takes the next', async (answer) => {
  const { proxy, reader, print } = await proxied()
  proxy.strike({ type: 'refuse', answer, times: 1 })
  const refused = reader()
  await until(() => refused.said.some((word) => word.startsWith('close')))
  expect(refused.said[0]).toMatch(/^error /)
  const next = reader()
  await next.opened
  print(1)
  await until(() => next.ids.length === 1)
  expect(proxy.struck()).toEqual({ refuse: 1 })
})

test('answers REST as told, then passes on what the venue says', async () => {
  const { proxy, print } = await proxied()
  print(5)
  proxy.strike({ type: 'rest', answer: { status: 429, retryAfter: 1 }, times: 1 })
  proxy.strike({ type: 'rest', answer: 'html', times: 1 })
  proxy.strike({ type: 'rest', answer: 'half', times: 1 })
  const ask = () => fetch(`${proxy.rest}/api/v3/historicalTrades?symbol=T000USDT&fromId=${FIRST_ID}`)
  const limited = await ask()
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '1'])
  expect(await (await ask()).text()).toContain('<!DOCTYPE html>')
  await expect(ask().then((answer) => answer.text())).rejects.toThrow()
  expect(await (await ask()).json()).toHaveLength(5)
  expect(proxy.struck()).toEqual({ rest: 3 })
})

test('a TLS alert in a plain stream ends the connection', async () => {
  const { proxy, said } = await opened()
  proxy.strike({ type: 'tls_end', how: 'alert' })
  await until(() => said.length === 2)
  expect(said).toEqual(['error WS_ERR_UNEXPECTED_RSV_2_3', 'close 1006'])
})

const tls = selfSigned()
test.skipIf(tls === undefined).each(['close_notify', 'fin', 'alert'] as const)(
  'a TLS session that ends by %s ends the connection (needs openssl)',
  async (how) => {
    const { proxy, said, print, ids } = await opened(tls)
    print(100)
    await until(() => ids.length === 100)
    proxy.strike({ type: 'tls_end', how })
    await until(() => said.some((word) => word.startsWith('close')))
    expect(said.at(-1)).toBe('close 1006')
    // the proxy hears of the end a moment after the client
    await until(() => proxy.links() === 0)
  },
)

test('the same seed gives the same faults, and a few strikes every kind of them', () => {
  const some = (seed: number) => {
    const storm = strikes(seed, 5e6)
    return Array.from({ length: 140 }, () => storm.next().value)
  }
  expect(some(7)).toEqual(some(7))
  expect(some(7)).not.toEqual(some(8))
  const early = new Set(
    some(7)
      .slice(0, 14)
      .flatMap(({ faults }) => faults.map(({ type }) => type)),
  )
  expect(early.size).toBe(11)
  const mean = some(7).reduce((sum, { after }) => sum + after, 0) / 140
  expect(mean).toBeGreaterThan(4e6)
  expect(mean).toBeLessThan(6e6)
})
