import { afterAll, beforeAll } from 'vitest'
import { type Link, openLink } from '../runtime/log/jetstream/link.ts'
import { NatsServer } from '../testing/nats_server.ts'

/** A server for the tests of a file, and a link to it; `set` is given both. */
export function natsLink(binary: string | undefined, set: (link: Link, server: NatsServer) => void): void {
  let server: NatsServer | undefined
  let link: Link | undefined
  beforeAll(async () => {
    server = await NatsServer.start({ binary: binary as string })
    link = await openLink({ servers: server.url, name: 'test' })
    set(link, server)
  })
  afterAll(async () => {
    await link?.close()
    await server?.stop()
  })
}
