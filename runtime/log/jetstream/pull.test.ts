import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AckPolicy } from '@nats-io/jetstream'
import { nkeys } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import { natsLink } from '../../../test/nats_link.ts'
import { NatsServer, natsServerBinary } from '../../../testing/nats_server.ts'
import { bytesOf } from '../contract.ts'
import { type Link, openLink } from './link.ts'
import { provision } from './provision.ts'
import { Pull } from './pull.ts'
import { createdMark, readFrom } from './reader.ts'

const binary = natsServerBinary()
describe.skipIf(binary === undefined)('messages of a consumer (apt-get install nats-server)', () => {
  let server: NatsServer
  let link: Link
  let n = 0
  natsLink(binary, (opened, started) => {
    link = opened
    server = started
  })
  async function stream(messages: number, bytes: number): Promise<string> {
    const name = `s${n++}`
    const retention = { age: 0, full: 'new' } as const
    await provision(link, { name, subjects: [name], retention, replicas: 1, description: 'test' })
    for (let i = 0; i < messages; i++) await link.js.publish(name, new Uint8Array(bytes).fill(i))
    return name
  }
  const own = (stream: string) => ({
    ...{ stream, consumer: 'own', from: 1, until: Number.POSITIVE_INFINITY, expires: 2_000, heartbeat: 500 },
  })
  async function pull(name: string, until = Number.POSITIVE_INFINITY): Promise<Pull> {
    await link.jsm.consumers.add(name, { name: 'own', ack_policy: AckPolicy.None })
    return new Pull(link, { ...own(name), until })
  }
  async function all(from: Pull, count: number): Promise<number[]> {
    const seqs: number[] = []
    while (seqs.length < count) {
      const batch = await from.take()
      if (batch === undefined) break
      seqs.push(...batch.map(({ seq }) => seq))
    }
    return seqs
  }
  const to = (last: number) => Array.from({ length: last }, (_, i) => i + 1)

  test('come in order, and no more are asked for than are wanted', async () => {
    const some = await pull(await stream(1_200, 10), 1_100)
    expect(await all(some, 1_100)).toEqual(to(1_100))
    expect((await link.jsm.consumers.info(`s${n - 1}`, 'own')).delivered.consumer_seq).toBe(1_100)
    some.stop()
  })
  test('of a reader that is slow no more wait than a few', async () => {
    const name = await stream(60, 2 ** 20 - 1_024)
    const before = link.nc.stats().inBytes
    const some = await pull(name)
    await expect.poll(() => link.nc.stats().inBytes - before).toBeGreaterThan(8 * 2 ** 20)
    const waiting = async () => {
      const { delivered } = await link.jsm.consumers.info(name, 'own')
      return delivered.consumer_seq
    }
    const first = await waiting()
    expect(first).toBeLessThanOrEqual(16)
    expect(await all(some, 60)).toEqual(to(60))
    some.stop()
  })
  test('go on after requests that nothing answered', async () => {
    const name = await stream(1, 1)
    await link.jsm.consumers.add(name, { name: 'own', ack_policy: AckPolicy.None })
    const some = new Pull(link, { ...own(name), until: 100, expires: 1_000 })
    expect(await all(some, 1)).toEqual([1])
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    await link.js.publish(name, bytesOf('late'))
    expect(await all(some, 1)).toEqual([2])
    some.stop()
  })
  test('end when the consumer was deleted, what came before it not', async () => {
    const name = await stream(3, 1)
    const some = await pull(name)
    expect(await all(some, 3)).toEqual([1, 2, 3])
    await link.jsm.consumers.delete(name, 'own')
    expect(await some.take()).toBeUndefined()
  })
  test('end when the server says nothing any more', async () => {
    const some = await pull(await stream(1, 1))
    expect(await all(some, 1)).toEqual([1])
    server.signal('SIGSTOP')
    try {
      expect(await some.take()).toBeUndefined()
    } finally {
      server.signal('SIGCONT')
    }
  })
  test('of messages that grow no more wait than a few', async () => {
    const name = await stream(1_400, 10)
    for (let i = 0; i < 60; i++) await link.js.publish(name, new Uint8Array(2 ** 20 - 1_024))
    const some = await pull(name)
    const before = link.nc.stats().inBytes
    expect((await all(some, 1_350)).slice(0, 1_350)).toEqual(to(1_350))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(link.nc.stats().inBytes - before).toBeLessThan(40 * 2 ** 20)
    some.stop()
  })
  test('that are larger than what a request may bring come too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidegate-pull-'))
    const config = join(folder, 'large.conf')
    writeFileSync(config, 'max_payload: 33554432')
    const roomy = await NatsServer.start({ binary: binary as string, config })
    const there = await openLink({ servers: roomy.url, name: 'test' })
    await there.jsm.streams.add({ name: 'large', subjects: ['large'] })
    for (const bytes of [1, 2 ** 25 - 1_024, 2 ** 23, 1]) await there.js.publish('large', new Uint8Array(bytes))
    const created = createdMark(await there.jsm.streams.info('large'))
    const lengths: number[] = []
    const { signal } = new AbortController()
    for await (const batch of readFrom(there, { stream: 'large', from: 1, until: 4, created, signal }))
      lengths.push(...batch.map(({ data }) => data.length))
    expect(lengths).toEqual([1, 2 ** 25 - 1_024, 2 ** 23, 1])
    await there.close()
    await roomy.stop()
    rmSync(folder, { recursive: true })
  })
  test('of a replica that was behind and begins earlier come from the one that is due', async () => {
    const name = await stream(9, 1)
    await link.jsm.consumers.add(name, { name: 'own', ack_policy: AckPolicy.None })
    const some = new Pull(link, { ...own(name), from: 4, until: 9 })
    expect(await all(some, 6)).toEqual([4, 5, 6, 7, 8, 9])
    some.stop()
  })
  test('a role that may not ask for them is told so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidegate-pull-'))
    const config = join(folder, 'users.conf')
    const credentials = join(folder, 'user.nk')
    const user = nkeys.createUser()
    writeFileSync(credentials, user.getSeed())
    const denied = 'permissions { publish { deny: "$JS.API.CONSUMER.MSG.NEXT.>" } }'
    const users = `[{ nkey: ${user.getPublicKey()}, ${denied} }]`
    writeFileSync(config, `accounts { A { jetstream: enabled, users: ${users} } }`)
    const strict = await NatsServer.start({ binary: binary as string, config })
    const deaf = await openLink({ servers: strict.url, name: 'test', credentials })
    await deaf.jsm.streams.add({ name: 's', subjects: ['s'] })
    const created = createdMark(await deaf.jsm.streams.info('s'))
    const { signal } = new AbortController()
    const first = readFrom(deaf, { stream: 's', from: 1, created, signal }).next()
    await expect(first).rejects.toMatchObject({ code: 'NATS_REFUSED' })
    await deaf.close()
    await strict.stop()
    rmSync(folder, { recursive: true })
  })

  describe('what is not there any more is an error after what stands before it', () => {
    async function reading(name: string, until: number | undefined, meanwhile = async (_: number) => {}) {
      const created = createdMark(await link.jsm.streams.info(name))
      const { signal } = new AbortController()
      const seqs: number[] = []
      const options = { stream: name, from: 2, created, signal, ...(until !== undefined && { until }) }
      const read = async () => {
        for await (const batch of readFrom(link, options)) {
          seqs.push(...batch.map(({ seq }) => seq))
          await meanwhile(seqs.length)
        }
      }
      await expect(read()).rejects.toMatchObject({ code: 'LOG_LOST' })
      return seqs
    }
    test.each([undefined, 9])('deleted in the middle, until %s', async (until) => {
      const name = await stream(9, 1)
      await link.jsm.streams.deleteMessage(name, 6)
      expect(await reading(name, until)).toEqual([2, 3, 4, 5])
    })
    test.each([undefined, 9])('deleted at the end, until %s', async (until) => {
      const name = await stream(9, 1)
      await link.jsm.streams.deleteMessage(name, 9)
      expect(await reading(name, until)).toEqual([2, 3, 4, 5, 6, 7, 8])
    })
    test.each([undefined, 4_000])('purged before it was asked for, until %s', async (until) => {
      const name = await stream(4_000, 1)
      let purged = false
      const seqs = await reading(name, until, async () => {
        if (!purged) await link.jsm.streams.purge(name)
        purged = true
      })
      expect(seqs).toEqual(to(seqs.length + 1).slice(1))
      expect(seqs.length).toBeLessThan(3_999)
    })
  })
  test('a connection that is closed for good is an error, and a read that it cuts short too', async () => {
    const name = await stream(40, 2 ** 20 - 1_024)
    const created = createdMark(await link.jsm.streams.info(name))
    for (const until of [undefined, 40]) {
      const short = await openLink({ servers: server.url, name: 'test' })
      const { signal } = new AbortController()
      const read = async () => {
        const options = { stream: name, from: 1, created, signal, ...(until !== undefined && { until }) }
        for await (const _ of readFrom(short, options)) await short.close()
      }
      await expect(read()).rejects.toMatchObject({ code: 'NATS_UNREACHABLE' })
    }
  })
})
