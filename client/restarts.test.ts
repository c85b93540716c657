import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { takeWhile } from 'rxjs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NatsServer, natsServerBinary } from '../testing/nats_server.ts'
import { signals } from './mod.ts'

const binary = natsServerBinary()
if (binary === undefined && process.env['CI']) throw new Error('no nats-server: apt-get install nats-server')

const COUNT = 4000
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const message = (n: number) =>
  JSON.stringify({
    schema: 'tidegate/signal/v1',
    id: `momentum/above/a:A/${n}/0`,
    pipeline: 'momentum',
    node: 'above',
    key: 'a:A',
    time: '1970-01-01T00:00:00.000Z',
    at: n,
    kind: 'signal',
    value: { direction: -1, strength: 0, price: 1 },
    plan: '0123456789abcdef',
  })

describe.skipIf(binary === undefined)('kill -9 of a nats-server (apt-get install nats-server)', () => {
  let server: NatsServer
  let publisher: NatsConnection
  let reader: NatsConnection
  beforeAll(async () => {
    server = await NatsServer.start({ binary: binary as string })
    const options = { servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50, reconnectJitter: 10 }
    publisher = await connect(options)
    reader = await connect(options)
  })
  afterAll(async () => {
    await Promise.all([publisher?.close(), reader?.close()])
    await server?.stop()
  })

  const streamOf = async (pipeline: string) => {
    const jsm = await jetstreamManager(publisher)
    await jsm.streams.add({ name: `paper-sig-${pipeline}`, subjects: [`paper.sig.${pipeline}.>`] })
    return jsm
  }
  /** Publishes until the server has it; ids keep a second attempt from being a second message. */
  async function publish(pipeline: string, n: number, symbol: string): Promise<number> {
    const js = (await jetstreamManager(publisher, { checkAPI: false })).jetstream()
    for (;;) {
      try {
        return (
          await js.publish(`paper.sig.${pipeline}.above.a.${symbol}`, message(n), { msgID: `${n}`, timeout: 1000 })
        ).seq
      } catch {
        await pause(20)
      }
    }
  }
  const kills = async (times: number) => {
    for (let n = 0; n < times; n++) {
      await pause(400)
      await server.kill()
      await pause(200)
      await server.restart()
    }
  }

  test('every signal comes once and in order, to loops, Observables and those of one instrument', async () => {
    const jsm = await streamOf('momentum')
    const loop: [number, number][] = []
    const pushed: [number, number][] = []
    const ofOne: [number, number][] = []
    const looping = (async () => {
      for await (const { seq, at } of signals(reader, 'momentum', { from: 'new' }))
        if (loop.push([seq, at]) === COUNT) break
    })()
    const observing = new Promise<void>((complete, error) => {
      signals(reader, 'momentum', { from: 1 })
        .pipe(takeWhile(({ seq }) => seq < COUNT, true))
        .subscribe({ next: ({ seq, at }) => pushed.push([seq, at]), complete, error })
    })
    const filtering = (async () => {
      for await (const { seq, at } of signals(reader, 'momentum', { from: 'all', instrument: 'a:B' }))
        if (ofOne.push([seq, at]) === COUNT / 4) break
    })()
    while ((await jsm.streams.info('paper-sig-momentum')).state.consumer_count < 3) await pause(10)

    const stored: [number, number][] = []
    const killing = kills(4)
    for (let n = 0; n < COUNT; n += 20) {
      const batch = Array.from({ length: 20 }, (_, i) => n + i)
      const seqs = await Promise.all(batch.map((at) => publish('momentum', at, at % 4 === 0 ? 'B' : 'A')))
      stored.push(...seqs.map((seq, i): [number, number] => [seq, n + i]))
      await pause(10)
    }
    await killing
    await Promise.all([looping, observing, filtering])
    stored.sort(([a], [b]) => a - b)
    expect(stored.map(([seq]) => seq)).toEqual(Array.from({ length: COUNT }, (_, n) => n + 1))
    expect(loop).toEqual(stored)
    expect(pushed).toEqual(stored)
    expect(ofOne).toEqual(stored.filter(([, at]) => at % 4 === 0))
  })

  test('a reader of what is new that has heard nothing yet does not begin anew after a restart', async () => {
    await streamOf('quiet')
    for (let n = 0; n < 3; n++) await publish('quiet', n, 'A')
    const reading = signals(reader, 'quiet')[Symbol.asyncIterator]()
    const next = reading.next()
    await pause(300)
    await kills(1)
    expect(await publish('quiet', 3, 'A')).toBe(4)
    expect((await next).value).toMatchObject({ seq: 4, at: 3 })
    await reading.return?.()
  })

  test('a connection that drops while the server and its consumer live on loses nothing that was on the way', async () => {
    await streamOf('dropped')
    const own = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 10 })
    const found: number[] = []
    const reading = (async () => {
      for await (const { at } of signals(own, 'dropped', { from: 'all' })) if (found.push(at) === 3000) break
    })()
    const wanted: number[] = []
    for (let n = 0; n < 3000; n += 100) {
      const batch = Array.from({ length: 100 }, (_, i) => n + i)
      const seqs = await Promise.all(batch.map((at) => publish('dropped', at, 'A')))
      for (const [i, seq] of seqs.entries()) wanted[seq - 1] = n + i
      await own.reconnect()
    }
    await reading
    expect(found).toEqual(wanted)
    await own.close()
  })

  test('a reader that begins while the server is away reads when it is back', async () => {
    await streamOf('early')
    await publish('early', 0, 'A')
    await server.kill()
    const reading = signals(reader, 'early', { from: 'all' })[Symbol.asyncIterator]()
    const next = reading.next()
    await pause(300)
    await server.restart()
    expect((await next).value).toMatchObject({ seq: 1 })
    await reading.return?.()
  })

  test('a connection that gave up is an error', async () => {
    await streamOf('given_up')
    const own = await connect({ servers: server.url, maxReconnectAttempts: 1, reconnectTimeWait: 20 })
    const next = signals(own, 'given_up')[Symbol.asyncIterator]().next()
    const failed = expect(next).rejects.toMatchObject({ code: 'NATS_UNREACHABLE' })
    await pause(200)
    await server.kill()
    await failed
    await server.restart()
  })
})
