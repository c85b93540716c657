import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import { firstValueFrom, take, toArray } from 'rxjs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenedSink, SinkContext } from '../runtime/define.ts'
import { signals as signalsSink } from '../sinks/signals.ts'
import { NatsServer, natsServerBinary } from '../testing/nats_server.ts'
import { type ReceivedSignal, type SignalsOptions, signals } from './mod.ts'

const binary = natsServerBinary()
if (binary === undefined && process.env['CI']) throw new Error('no nats-server: apt-get install nats-server')

describe.skipIf(binary === undefined)('signals from a nats-server (apt-get install nats-server)', () => {
  let server: NatsServer
  let connection: NatsConnection
  let jsm: JetStreamManager
  let pipelines = 0
  beforeAll(async () => {
    server = await NatsServer.start({ binary: binary as string })
    connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 })
    jsm = await jetstreamManager(connection)
  })
  afterAll(async () => {
    await connection?.close()
    await server?.stop()
  })

  /** A pipeline with a stream of its own, and what its sink publishes there. */
  async function pipelineWith(...keys: readonly string[]) {
    const pipeline = `momentum_${++pipelines}`
    const stream = `paper-sig-${pipeline}`
    await jsm.streams.add({ name: stream, subjects: [`paper.sig.${pipeline}.>`] })
    const js = jsm.jetstream()
    let at = 0
    const say = async (key: string, node = 'above') => {
      const published: (readonly [string, string])[] = []
      const open = signalsSink.definition.open as unknown as (params: object, context: SinkContext) => OpenedSink
      const sink = open(
        {},
        {
          pipeline,
          node,
          plan: '0123456789abcdef0123',
          ports: ['signal'],
          namespace: 'paper',
          publish: (subject, message) => published.push([subject, JSON.stringify({ ...message, venue_note: 'new' })]),
          file: () => undefined,
        },
      )
      const value = { direction: 1, strength: 0.5, price: 100 + ++at }
      const id = `${pipeline}/${node}/${key}/${at}/0`
      sink.write('signal', { id, edge: 'x', kind: 'signal', key, at, ordinal: 0, value, commit: at, order: 0 })
      sink.flush()
      for (const [subject, text] of published) {
        const head = headers()
        head.set('Tg-Id', id)
        await js.publish(subject, text, { headers: head })
      }
    }
    for (const key of keys) await say(key)
    const read = (options: SignalsOptions = { from: 'all' }) => signals(connection, pipeline, options)
    return { pipeline, stream, say, read }
  }
  const consumers = async (stream: string) => (await jsm.streams.info(stream)).state.consumer_count

  test('what the sink publishes comes out, with where it stands and with fields nobody knew', async () => {
    const { read, pipeline, stream } = await pipelineWith('binance:BTCUSDT', 'binance:ETHUSDT')
    const [first, second] = await collect(read(), 2)
    expect(first).toEqual({
      schema: 'tidegate/signal/v1',
      id: `${pipeline}/above/binance:BTCUSDT/1/0`,
      pipeline,
      node: 'above',
      key: 'binance:BTCUSDT',
      time: '1970-01-01T00:00:00.000001Z',
      at: 1,
      kind: 'signal',
      value: { direction: 1, strength: 0.5, price: 101 },
      plan: '0123456789abcdef',
      commit: 1,
      order: 0,
      venue_note: 'new',
      seq: 1,
      subject: `paper.sig.${pipeline}.above.binance.BTCUSDT`,
      created: (await jsm.streams.info(stream)).created,
    })
    expect(second).toMatchObject({ seq: 2, key: 'binance:ETHUSDT' })
  })

  test('unless told otherwise only what comes from now on', async () => {
    const { read, say, stream } = await pipelineWith('binance:BTCUSDT')
    const reading = read({})[Symbol.asyncIterator]()
    const next = reading.next()
    await until(async () => (await consumers(stream)) > 0)
    await say('binance:ETHUSDT')
    expect((await next).value).toMatchObject({ seq: 2, key: 'binance:ETHUSDT' })
    await reading.return?.()
  })

  test('goes on after the last signal by its sequence', async () => {
    const { read } = await pipelineWith('a:A', 'a:B', 'a:C')
    const [last] = await collect(read(), 1)
    const { seq = 0, created = '' } = last ?? {}
    expect((await collect(read({ from: seq + 1, created }), 2)).map((s) => s.key)).toEqual(['a:B', 'a:C'])
  })

  test('of one node, or of one instrument however it is spelt', async () => {
    const { read, say } = await pipelineWith('a:BTC/USDT', 'a:BTC.P', 'b:BTC.P', 'a:BTC.P')
    await say('a:BTC.P', 'below')
    expect((await collect(read({ from: 'all', instrument: 'a:BTC.P' }), 3)).map((s) => s.seq)).toEqual([2, 4, 5])
    expect((await collect(read({ from: 'all', node: 'below' }), 1)).map((s) => s.seq)).toEqual([5])
    expect((await collect(read({ from: 3, node: 'above', instrument: 'a:BTC.P' }), 1)).map((s) => s.seq)).toEqual([4])
    expect((await collect(read({ from: 'all', instrument: 'a:BTC/USDT' }), 1)).map((s) => s.seq)).toEqual([1])
  })

  test('as an Observable, each subscription from its own beginning', async () => {
    const { read } = await pipelineWith('a:A', 'a:B', 'a:C')
    const stream = read()
    const three = stream.pipe(take(3), toArray())
    expect((await firstValueFrom(three)).map((s) => s.key)).toEqual(['a:A', 'a:B', 'a:C'])
    expect((await firstValueFrom(three)).map((s) => s.seq)).toEqual([1, 2, 3])
  })

  test('unsubscribing and return() leave nothing on the connection but the connection', async () => {
    const { read, stream } = await pipelineWith('a:A')
    // the client library tells only its own insides what is open
    const { protocol } = connection as unknown as {
      readonly protocol: { readonly subscriptions: { size(): number }; readonly listeners: readonly unknown[] }
    }
    const open = () => ({ subscriptions: protocol.subscriptions.size(), listeners: protocol.listeners.length })
    const before = open()

    const heard: string[] = []
    const subscription = read().subscribe((s) => heard.push(s.key))
    await until(async () => heard.length === 1)
    subscription.unsubscribe()
    const waiting = read({ from: 'new' })[Symbol.asyncIterator]()
    const never = waiting.next()
    await until(async () => (await consumers(stream)) > 0)
    await waiting.return?.()
    expect(await never).toEqual({ done: true, value: undefined })
    for await (const signal of read()) {
      expect(signal.key).toBe('a:A')
      break
    }
    await until(async () => (await consumers(stream)) === 0)
    expect(open()).toEqual(before)
    expect(connection.isClosed()).toBe(false)
  })

  test('what is not read waits at the server', async () => {
    const { read, stream, pipeline } = await pipelineWith('a:A')
    const message = (await jsm.streams.getMessage(stream, { seq: 1 }))?.data
    const js = jsm.jetstream()
    for (let n = 0; n < 5000; n += 500)
      await Promise.all(Array.from({ length: 500 }, () => js.publish(`paper.sig.${pipeline}.above.a.A`, message)))
    const before = connection.stats().inMsgs
    const reading = read()[Symbol.asyncIterator]()
    expect((await reading.next()).value?.seq).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 3500))
    expect(connection.stats().inMsgs - before).toBeLessThan(1200)
    for (let seq = 2; seq <= 5001; seq++) expect((await reading.next()).value?.seq).toBe(seq)
    await reading.return?.()
  })

  test('ends when its connection is closed', async () => {
    const { pipeline } = await pipelineWith('a:A')
    const own = await connect({ servers: server.url })
    const seen: number[] = []
    const done = (async () => {
      for await (const { seq } of signals(own, pipeline, { from: 'all' })) seen.push(seq)
    })()
    await until(async () => seen.length === 1)
    await own.close()
    await done
    expect(seen).toEqual([1])
  })

  test('options that make no sense are refused at once', () => {
    const code = { code: 'PARAMS_INVALID' }
    expect(() => signals(connection, 'BTC momentum')).toThrow(expect.objectContaining(code))
    expect(() => signals(connection, 'momentum', { from: 0 })).toThrow(expect.objectContaining(code))
    expect(() => signals(connection, 'momentum', { instrument: 'BTCUSDT' })).toThrow(expect.objectContaining(code))
    expect(() => signals(connection, 'momentum', { nodes: 'x' } as SignalsOptions)).toThrow(/nodes/)
  })
})

async function collect(of: AsyncIterable<ReceivedSignal>, count: number): Promise<readonly ReceivedSignal[]> {
  const found: ReceivedSignal[] = []
  for await (const signal of of) if (found.push(signal) === count) break
  return found
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const began = performance.now(); !(await holds()); ) {
    if (performance.now() - began > 60_000) throw new Error('it did not come to hold in a minute')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
