import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NatsCluster, natsClusterBinary } from '../../../testing/nats_cluster.ts'
import { NatsServer, natsServerBinary, natsServerVersion } from '../../../testing/nats_server.ts'
import { Leases } from '../../cluster/leases.ts'
import { bytesOf, collect, textOf } from '../contract.ts'
import { atLeast } from './capabilities.ts'
import { type Link, openLink } from './link.ts'
import { openJetStreamLog } from './log.ts'
import { provision } from './provision.ts'
import { Publisher } from './publisher.ts'

const old = natsServerBinary()
const tooOld = old !== undefined && !atLeast(natsServerVersion(old), '2.10.27')
test.skipIf(!tooOld)('a server below 2.10.27 is refused for replicas: compare-and-set is broken there', async () => {
  const server = await NatsServer.start({ binary: old as string })
  const link = await openLink({ servers: server.url, name: 'test' })
  const log = await openJetStreamLog(link, { namespace: 'paper', replicas: 3 })
  await expect(log.stream('stage.p')).rejects.toMatchObject({ code: 'SERVER_TOO_OLD' })
  await log.close()
  await link.close()
  await server.stop()
})

const binary = natsClusterBinary()
describe.skipIf(binary === undefined)('three replicas (nats-server 2.10.27 or newer: NATS_SERVER_NEW_BIN)', () => {
  let cluster: NatsCluster
  let link: Link
  beforeAll(async () => {
    cluster = await NatsCluster.start(binary as string)
    link = await openLink({ servers: cluster.url, name: 'test' })
  })
  afterAll(async () => {
    await link?.close()
    await cluster?.stop()
  })
  async function killLeader(stream: string, ms: number): Promise<void> {
    const leader = (await link.jsm.streams.info(stream)).cluster?.leader ?? 'node0'
    const node = cluster.node(leader)
    await node.kill()
    await new Promise((resolve) => setTimeout(resolve, ms))
    await node.restart()
  }

  test('appends go on over two deaths of the leader, each record once and in order, and a tail sees them', async () => {
    const log = await openJetStreamLog(link, { namespace: 'r3', replicas: 3 })
    const stream = await log.stream('stage.p')
    const stop = new AbortController()
    const tail = collect(stream.tail(1, stop.signal), 300)
    const wanted: string[] = []
    let deaths: Promise<void> = Promise.resolve()
    for (let n = 0; n < 300; n++) {
      if (n === 100 || n === 200) deaths = deaths.then(() => killLeader('r3-stage-p', 1500)).catch(() => {})
      wanted.push(`record ${n}`)
      expect(await stream.append(bytesOf(`record ${n}`), n)).toBe(n + 1)
      if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await deaths
    expect((await collect(stream.read(1))).map(textOf)).toEqual(wanted)
    expect((await tail).map(textOf)).toEqual(wanted)
    stop.abort()
    await log.close()
  })

  test('of concurrent appends that expect the same last record one is taken, round after round', async () => {
    const logs = await Promise.all([0, 1, 2].map(() => openJetStreamLog(link, { namespace: 'cas', replicas: 3 })))
    const streams = await Promise.all(logs.map((log) => log.stream('stage.p')))
    for (let round = 0; round < 40; round++) {
      const all = await Promise.allSettled(streams.map((stream, i) => stream.append(bytesOf(`${round}.${i}`), round)))
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    }
    await Promise.all(logs.map((log) => log.close()))
  })

  test('the publisher stores each message once and in order over the death of the leader', async () => {
    await provision(link, {
      name: 'pub',
      subjects: ['pub.>'],
      retention: { age: 0, full: 'new' },
      replicas: 3,
      description: 'test',
    })
    const publisher = new Publisher(link, 'pub', await Publisher.endOf(link, 'pub'), 3)
    let death: Promise<void> | undefined
    for (let i = 0; i < 1500; i++) {
      if (i === 500) death = killLeader('pub', 1000)
      await publisher.publish({ subject: 'pub.x', data: bytesOf(`m${i}`) })
      if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await publisher.flush()
    await death
    const { state } = await link.jsm.streams.info('pub')
    expect(state.messages).toBe(1500)
    for (const seq of [1, 500, 501, 777, 1500])
      expect((await link.jsm.streams.getMessage('pub', { seq }))?.string()).toBe(`m${seq - 1}`)
    publisher.close()
  })

  test('of several that want a lease one has it, and it can be had again when it is given back', async () => {
    const all = await Promise.all(
      ['a', 'b', 'c'].map((worker) => Leases.open(link, 'r3', { worker, instance: worker }, 3)),
    )
    for (let round = 0; round < 20; round++) {
      const held = (await Promise.all(all.map((leases) => leases.acquire('task.x')))).filter((l) => l !== undefined)
      expect(held).toHaveLength(1)
      await held[0]?.release()
    }
  })
})
