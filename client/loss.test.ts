import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NatsServer, natsServerBinary } from '../testing/nats_server.ts'
import { type SignalsOptions, signals } from './mod.ts'

const binary = natsServerBinary()
if (binary === undefined && process.env['CI']) throw new Error('no nats-server: apt-get install nats-server')

const message = {
  schema: 'tidegate/signal/v1',
  id: 'momentum/above/a:A/1/0',
  pipeline: 'momentum',
  node: 'above',
  key: 'a:A',
  time: '1970-01-01T00:00:00.000001Z',
  at: 1,
  kind: 'signal',
  value: { direction: 1, strength: 0.5, price: 100 },
  plan: '0123456789abcdef',
}

describe.skipIf(binary === undefined)('what is lost or wrong is an error (apt-get install nats-server)', () => {
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

  async function pipelineOf(count: number) {
    const pipeline = `lossy_${++pipelines}`
    const stream = `paper-sig-${pipeline}`
    const make = () => jsm.streams.add({ name: stream, subjects: [`paper.sig.${pipeline}.>`] })
    const say = async (symbol: string, said: unknown = message) =>
      jsm.jetstream().publish(`paper.sig.${pipeline}.above.a.${symbol}`, said === '' ? '' : JSON.stringify(said))
    await make()
    for (let n = 0; n < count; n++) await say('A')
    const read = (options: SignalsOptions) => signals(connection, pipeline, options)
    const reading = (options: SignalsOptions) => read(options)[Symbol.asyncIterator]()
    return { pipeline, stream, make, say, read, reading }
  }
  const LOST = { code: 'LOG_LOST' }

  test('a message that is no signal is named by subject and sequence, and can be passed by', async () => {
    const { say, read, reading, pipeline } = await pipelineOf(1)
    await say('A', { ...message, value: { direction: 2, strength: 0, price: 1 }, at: 'noon' })
    await say('A')
    await say('B', '')
    const seqs: number[] = []
    const subscribed = new Promise((_, error) =>
      read({ from: 'all' }).subscribe({ next: ({ seq }) => seqs.push(seq), error }),
    )
    const subject = `paper.sig.${pipeline}.above.a.A`
    await expect(subscribed).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringMatching(/above\.a\.A, sequence 2: at: .*; value\.direction: /),
      info: { subject, seq: 2 },
    })
    expect(seqs).toEqual([1])
    const after = reading({ from: 3 })
    expect((await after.next()).value?.seq).toBe(3)
    await expect(after.next()).rejects.toMatchObject({ code: 'INPUT_INVALID', info: { seq: 4 } })
    expect(await after.next()).toEqual({ done: true, value: undefined })
  })

  test('a stream made anew under a reader', async () => {
    const { reading, stream, make, say } = await pipelineOf(2)
    const it = reading({ from: 'all' })
    for (const seq of [1, 2]) expect((await it.next()).value?.seq).toBe(seq)
    const next = it.next()
    const failed = expect(next).rejects.toMatchObject({ ...LOST, message: expect.stringContaining('made anew') })
    await jsm.streams.delete(stream)
    await make()
    for (let n = 0; n < 4; n++) await say('A')
    await failed
  })

  test('a stream made anew while nobody read is known by its creation, or by a sequence it does not have', async () => {
    const { reading, stream, make, say } = await pipelineOf(2)
    const { created } = await jsm.streams.info(stream)
    await jsm.streams.delete(stream)
    await make()
    await expect(reading({ from: 3 }).next()).rejects.toMatchObject({ ...LOST, info: { stream, due: 3, next: 1 } })
    for (let n = 0; n < 4; n++) await say('A')
    await expect(reading({ from: 3, created }).next()).rejects.toMatchObject(LOST)
  })

  test('a stream that is gone for good', async () => {
    const { reading, stream } = await pipelineOf(1)
    const it = reading({ from: 2 })
    const next = it.next()
    await until(async () => (await jsm.streams.info(stream)).state.consumer_count > 0)
    const failed = expect(next).rejects.toMatchObject({ ...LOST, message: expect.stringContaining('not there') })
    await jsm.streams.delete(stream)
    await failed
  })

  test('a stream that comes a moment later is waited for', async () => {
    const { reading, stream, make, say } = await pipelineOf(0)
    await jsm.streams.delete(stream)
    const next = reading({ from: 'all' }).next()
    await new Promise((resolve) => setTimeout(resolve, 300))
    await make()
    await say('A')
    expect((await next).value?.seq).toBe(1)
  })

  test('limits that let go what is due, at the start and under a slow reader', async () => {
    const { reading, stream, say } = await pipelineOf(3)
    await jsm.streams.purge(stream, { seq: 3 })
    const found = reading({ from: 2 }).next()
    await expect(found).rejects.toMatchObject({ ...LOST, info: { due: 2, next: 3 } })
    const all = reading({ from: 'all' })
    expect((await all.next()).value?.seq).toBe(3)

    for (let n = 0; n < 1500; n++) await say('A')
    const slow = reading({ from: 3 })
    expect((await slow.next()).value?.seq).toBe(3)
    await jsm.streams.purge(stream, { seq: 1400 })
    const drain = async () => {
      for (let seq = 4; ; seq++) expect((await slow.next()).value?.seq).toBe(seq)
    }
    await expect(drain()).rejects.toMatchObject({ ...LOST, info: { next: 1400 } })
    await all.return?.()
  })

  test('a signal that was deleted from the middle', async () => {
    const { reading, stream } = await pipelineOf(4)
    await jsm.streams.deleteMessage(stream, 2)
    const it = reading({ from: 'all' })
    expect((await it.next()).value?.seq).toBe(1)
    await expect(it.next()).rejects.toMatchObject({ ...LOST, info: { due: 2, next: 3 } })
  })

  test('of one instrument: what others lost is no loss of its own', async () => {
    const { pipeline, stream, say, reading } = await pipelineOf(1)
    const own = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 })
    const it = signals(own, pipeline, { from: 'all', instrument: 'a:A' })[Symbol.asyncIterator]()
    expect((await it.next()).value?.seq).toBe(1)
    const next = it.next()
    for (let n = 0; n < 20; n++) await say('B')
    const before = (await jsm.consumers.list(stream).next())[0]?.name
    await own.reconnect()
    await until(async () => {
      const [consumer] = await jsm.consumers.list(stream).next()
      return consumer !== undefined && consumer.name !== before
    })
    await jsm.streams.purge(stream, { seq: 22 })
    await say('A')
    expect((await next).value?.seq).toBe(22)

    // here two of its own may be among what the limits let go while it read nothing
    const waiting = it.next()
    await say('B')
    await own.reconnect()
    await say('A')
    expect((await waiting).value?.seq).toBe(24)
    for (const symbol of ['A', 'A', 'B', 'A']) await say(symbol)
    await jsm.streams.purge(stream, { seq: 28 })
    await it.return?.()
    const late = reading({ from: 25, instrument: 'a:A' }).next()
    await expect(late).rejects.toMatchObject({ ...LOST, info: { due: 25, next: 28 } })
    await own.close()
  })

  test('limits that overtake a slow reader of one instrument', async () => {
    const { reading, stream, say } = await pipelineOf(0)
    for (let n = 0; n < 1000; n++) for (const symbol of ['A', 'B']) await say(symbol)
    const slow = reading({ from: 'all', instrument: 'a:B' })
    expect((await slow.next()).value?.seq).toBe(2)
    await jsm.streams.purge(stream, { seq: 1900 })
    const drain = async () => {
      for (let seq = 4; ; seq += 2) expect((await slow.next()).value?.seq).toBe(seq)
    }
    await expect(drain()).rejects.toMatchObject({ ...LOST, info: { next: 1900 } })
  })

  test('a server without JetStream, and a role that may not read', async () => {
    const bare = await NatsServer.start({ binary: binary as string, jetstream: false })
    const toBare = await connect({ servers: bare.url })
    const off = signals(toBare, 'momentum')[Symbol.asyncIterator]().next()
    await expect(off).rejects.toMatchObject({ code: 'JETSTREAM_OFF' })

    const config = join(bare.store, 'roles.conf')
    const allowed = ['$JS.API.STREAM.INFO.>', '$JS.API.CONSUMER.CREATE.>', '$JS.API.CONSUMER.DELETE.>']
    writeFileSync(
      config,
      `authorization { users = [
        { user: desk, password: x },
        { user: half, password: x, permissions: { publish: ${JSON.stringify(allowed)} } },
        { user: none, password: x, permissions: { publish: ["nothing"] } } ] }`,
    )
    const guarded = await NatsServer.start({ binary: binary as string, config })
    const as = (user: string) => connect({ servers: guarded.url, user, pass: 'x' })
    const [desk, half, none] = [await as('desk'), await as('half'), await as('none')]
    await (await jetstreamManager(desk)).streams.add({ name: 'paper-sig-momentum', subjects: ['paper.sig.momentum.>'] })
    for (const role of [half, none]) {
      const next = signals(role, 'momentum')[Symbol.asyncIterator]().next()
      await expect(next).rejects.toMatchObject({ code: 'NATS_REFUSED' })
    }
    await Promise.all([toBare, desk, half, none].map((c) => c.close()))
    await Promise.all([bare.stop(), guarded.stop()])
  })
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const began = performance.now(); !(await holds()); ) {
    if (performance.now() - began > 60_000) throw new Error('it did not come to hold in a minute')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
