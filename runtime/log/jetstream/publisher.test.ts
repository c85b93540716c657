import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { natsLink } from '../../../test/nats_link.ts'
import { NatsServer, natsServerBinary } from '../../../testing/nats_server.ts'
import { type Link, openLink } from './link.ts'
import { openJetStreamLog } from './log.ts'
import { provision } from './provision.ts'
import { Publisher } from './publisher.ts'

const binary = natsServerBinary()
describe.skipIf(binary === undefined)('the windowed publisher (apt-get install nats-server)', () => {
  let server: NatsServer
  let link: Link
  let n = 0
  natsLink(binary, (opened, started) => {
    link = opened
    server = started
  })
  async function stream(): Promise<string> {
    const name = `s${n++}`
    await provision(link, {
      name,
      subjects: [`${name}.>`],
      retention: { age: 0, full: 'new' },
      replicas: 1,
      description: 'test',
    })
    return name
  }
  const start = async (name: string, on = link) => new Publisher(on, name, await Publisher.endOf(on, name))
  const message = (name: string, i: number, by = '') => ({
    subject: `${name}.x`,
    data: new TextEncoder().encode(`m${i}${by}`),
  })
  async function held(name: string): Promise<string[]> {
    const { state } = await link.jsm.streams.info(name)
    const all: string[] = []
    for (let seq = 1; seq <= state.last_seq; seq++)
      all.push((await link.jsm.streams.getMessage(name, { seq }))?.string() ?? '')
    return all
  }
  const wanted = (count: number) => Array.from({ length: count }, (_, i) => `m${i}`)

  test('everything is stored once and in order, over kills of the server', async () => {
    const name = await stream()
    const publisher = await start(name)
    for (let i = 0; i < 6000; i++) {
      if (i === 1500 || i === 4000) void server.kill().then(() => server.restart())
      await publisher.publish(message(name, i))
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await publisher.flush()
    publisher.close()
    expect(await held(name)).toEqual(wanted(6000))
  })

  test('messages that leave together are stored once and in order, over kills of the server', async () => {
    const name = await stream()
    const publisher = await start(name)
    let next = 0
    for (let burst = 0; burst < 60; burst++) {
      if (burst === 20 || burst === 40) void server.kill().then(() => server.restart())
      // single ones, bursts, and more than the window holds
      const count = [1, 7, 64, 300, 2500][burst % 5] as number
      await publisher.publish(Array.from({ length: count }, (_, i) => message(name, next + i)))
      next += count
      if (burst % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await publisher.flush()
    publisher.close()
    expect(await held(name)).toEqual(wanted(next))
  })

  test('a message that is refused in the middle of many is told, and nothing behind it is stored', async () => {
    const name = await stream()
    const publisher = await start(name)
    const many = Array.from({ length: 100 }, (_, i) => message(name, i))
    many[50] = { subject: `${name}.elsewhere.no.stream`, data: new Uint8Array(link.maxPayload) }
    await expect(publisher.publish(many).then(() => publisher.flush())).rejects.toMatchObject({
      code: 'LOG_REFUSED',
    })
    publisher.close()
    // the refusal is ours, and may be told before the server has stored what left before it
    await expect.poll(async () => (await held(name)).length).toBeGreaterThanOrEqual(50)
    await link.nc.flush()
    expect(await held(name)).toEqual(wanted(50))
  })

  test('a server that has no room left is told, once it has none, and loses nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidegate-full-'))
    const config = join(folder, 'small.conf')
    writeFileSync(config, 'jetstream { max_file_store: 4MB }')
    const small = await NatsServer.start({ binary: binary as string, config })
    const own = await openLink({ servers: small.url, name: 'full' })
    const name = 'full'
    await own.jsm.streams.add({ name, subjects: [`${name}.>`] })
    const publisher = await start(name, own)
    const data = new Uint8Array(1000)
    const many = Array.from({ length: 10_000 }, () => ({ subject: `${name}.x`, data }))
    await expect(publisher.publish(many).then(() => publisher.flush())).rejects.toMatchObject({
      code: 'LOG_REFUSED',
      message: expect.stringContaining('insufficient resources') as string,
    })
    publisher.close()
    const log = await openJetStreamLog(own, { namespace: 'full_log' })
    await expect((await log.stream('stage.a')).append(data, 0)).rejects.toMatchObject({ code: 'LOG_REFUSED' })
    const { state } = await own.jsm.streams.info(name)
    expect(state.messages).toBeGreaterThan(1000)
    await log.close()
    await own.close()
    await small.stop()
    rmSync(folder, { recursive: true })
  })

  test('more messages at once than a call takes arguments are stored', async () => {
    const name = await stream()
    const publisher = await start(name)
    await publisher.publish(Array.from({ length: 200_000 }, (_, i) => message(name, i)))
    await publisher.flush()
    publisher.close()
    const { state } = await link.jsm.streams.info(name)
    expect([state.messages, (await link.jsm.streams.getMessage(name, { seq: 200_000 }))?.string()]).toEqual([
      200_000,
      'm199999',
    ])
  })

  test('a publisher that starts after another goes on after its end', async () => {
    const name = await stream()
    for (let part = 0; part < 3; part++) {
      const publisher = await start(name)
      for (let i = part * 50; i < part * 50 + 50; i++) await publisher.publish(message(name, i))
      await publisher.flush()
      publisher.close()
    }
    expect(await held(name)).toEqual(wanted(150))
  })

  test('of two that publish the same messages one is refused, and each is stored once', async () => {
    const name = await stream()
    const other = await openLink({ servers: server.url, name: 'other' })
    const both = [await start(name), await start(name, other)]
    const ends = await Promise.allSettled(
      both.map(async (publisher) => {
        for (let i = 0; i < 500; i++) await publisher.publish(message(name, i))
        await publisher.flush()
      }),
    )
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await held(name)).toEqual(wanted(500))
    for (const publisher of both) publisher.close()
    await other.close()
  })

  test('one that was displaced stores nothing more and is told', async () => {
    const name = await stream()
    const old = await start(name)
    await old.publish(message(name, 0))
    await old.flush()
    const next = await start(name)
    await next.publish(message(name, 1, 'next'))
    await next.flush()
    const late = (async () => {
      for (let i = 1; i < 200; i++) await old.publish(message(name, i))
      await old.flush()
    })()
    await expect(late).rejects.toMatchObject({ code: 'LOG_CONFLICT' })
    expect(await held(name)).toEqual(['m0', 'm1next'])
    old.close()
    next.close()
  })

  test('who waits for what is on its way when the connection is closed is told', async () => {
    const name = await stream()
    const own = await NatsServer.start({ binary: binary as string })
    const other = await openLink({ servers: own.url, name: 'other' })
    try {
      await provision(other, {
        ...{ name, subjects: [`${name}.>`], retention: { age: 0, full: 'new' } },
        ...{ replicas: 1, description: 'test' },
      })
      const publisher = await start(name, other)
      await own.kill()
      await publisher.publish(message(name, 0))
      const flushed = publisher.flush()
      setTimeout(() => void other.close(), 300)
      await expect(flushed).rejects.toMatchObject({ code: 'NATS_UNREACHABLE' })
      await expect(publisher.publish(message(name, 1))).rejects.toMatchObject({ code: 'NATS_UNREACHABLE' })
      publisher.close()
    } finally {
      await other.close()
      await own.stop()
    }
  })

  test('who publishes to a stream that was deleted is told', async () => {
    const name = await stream()
    const publisher = await start(name)
    await publisher.publish(message(name, 0))
    await publisher.flush()
    await link.jsm.streams.delete(name)
    await publisher.publish(message(name, 1))
    await expect(publisher.flush()).rejects.toMatchObject({ code: 'LOG_LOST' })
    publisher.close()
  })
})
