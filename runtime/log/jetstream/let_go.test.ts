import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { NatsServer, natsServerBinary } from '../../../testing/nats_server.ts'
import { streamOf } from '../layout.ts'
import { keepLettingGo } from './let_go.ts'
import { type Link, openLink } from './link.ts'
import { openJetStreamLog } from './log.ts'

const namespace = 'long'
const name = 'run.p'
const large = (n: number) => new Uint8Array(2 ** 20).fill(n)
const bodies = async (link: Link) => (await link.jsm.streams.info(`${namespace}-records`)).state.messages / 2

const binary = natsServerBinary()
describe.skipIf(binary === undefined)('large records of a long run (apt-get install nats-server)', () => {
  /** `append` puts a record that does not fit a message, and takes those before it away. */
  async function run(denied: readonly string[], work: (link: Link, append: () => Promise<unknown>) => Promise<void>) {
    const folder = mkdtempSync(join(tmpdir(), 'tidegate-long-'))
    const config = join(folder, 'nats.conf')
    const permissions = `permissions: { publish: { deny: ${JSON.stringify(denied)} } }`
    writeFileSync(config, `no_auth_user: run, authorization { users: [{ user: run, password: none, ${permissions} }] }`)
    const server = await NatsServer.start({ binary: binary as string, config })
    const link = await openLink({ servers: server.url, name: 'run' })
    const log = await openJetStreamLog(link, { namespace })
    let last = 0
    try {
      await work(link, async () => {
        const stream = await log.stream(name)
        last = await stream.append(large(last + 1), last)
        // up to the first of all is all
        if (last > 1) await link.jsm.streams.purge(streamOf(namespace, name), { seq: last })
        expect((await stream.last())?.data[0]).toBe(last)
      })
    } finally {
      await log.close()
      await link.close()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
  async function lettingGo(link: Link) {
    const [stop, kept]: [AbortController, string[]] = [new AbortController(), []]
    const log = await openJetStreamLog(link, { namespace })
    const options = { every: 50, signal: stop.signal, kept: (reason: string) => kept.push(reason) }
    await keepLettingGo({ link, log, namespace, replicas: 1 }, [name], options)
    return { stop, kept }
  }

  test('go as it goes on when their records are gone', () =>
    run([], async (link, append) => {
      // no stream of records is there, and none of bodies
      const { stop, kept } = await lettingGo(link)
      for (let n = 0; n < 6; n++) await append()
      await expect.poll(() => bodies(link)).toBe(1)
      stop.abort()
      await append()
      expect(kept).toEqual([])
    }))

  test('stay where the role may not purge, which is said', () =>
    run([`$JS.API.STREAM.PURGE.${namespace}-records`], async (link, append) => {
      await append()
      await append()
      const { kept } = await lettingGo(link)
      expect(kept).toEqual([expect.stringContaining('our role may not publish')])
      await append()
      expect(await bodies(link)).toBe(3)
    }))
})
