import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NatsServer, natsServerBinary } from '../../../testing/nats_server.ts'
import { type Link, openLink } from './link.ts'
import { provision } from './provision.ts'
import { Publisher } from './publisher.ts'

const binary = natsServerBinary()
describe.skipIf(binary === undefined)('a publisher that cannot go on (apt-get install nats-server)', () => {
  let server: NatsServer
  let link: Link
  beforeAll(async () => {
    server = await NatsServer.start({ binary: binary as string })
    link = await openLink({ servers: server.url, name: 'test' })
  })
  afterAll(async () => {
    await link?.close()
    await server?.stop()
  })
  async function start(name: string, on: Link): Promise<Publisher> {
    await provision(link, {
      name,
      subjects: [`${name}.>`],
      retention: { age: 0, full: 'new' },
      replicas: 1,
      description: 'test',
    })
    return new Publisher(on, name, await Publisher.endOf(on, name))
  }
  const message = (name: string) => ({ subject: `${name}.x`, data: new Uint8Array(8) })

  test('a stream that was deleted is told', async () => {
    const publisher = await start('gone', link)
    await publisher.publish(message('gone'))
    await publisher.flush()
    await link.jsm.streams.delete('gone')
    await publisher.publish(message('gone'))
    await expect(publisher.flush()).rejects.toMatchObject({ code: 'LOG_LOST' })
    publisher.close()
  }, 20_000)

  test('a connection that was closed is told, also for messages that were on their way', async () => {
    const own = await openLink({ servers: server.url, name: 'own' })
    const publisher = await start('closed', own)
    await publisher.publish(message('closed'))
    const waits = expect(publisher.flush()).rejects.toMatchObject({ code: 'NATS_UNREACHABLE' })
    await own.close()
    await waits
    await expect(publisher.publish(message('closed'))).rejects.toMatchObject({ code: 'NATS_UNREACHABLE' })
    publisher.close()
  }, 10_000)
})
