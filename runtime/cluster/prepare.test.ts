import { describe, expect, test } from 'vitest'
import { natsLink } from '../../test/nats_link.ts'
import { natsServerBinary } from '../../testing/nats_server.ts'
import type { Link } from '../log/jetstream/link.ts'
import { openJetStreamLog } from '../log/jetstream/log.ts'
import { layout, streamOf } from '../log/layout.ts'
import type { LogStream } from '../log/log.ts'
import { prepare } from './prepare.ts'

const namespace = 'prepared'
const large = (n: number) => new Uint8Array(2 ** 20 + 2 ** 18).fill(n)

const binary = natsServerBinary()
describe.skipIf(binary === undefined)('deploying on a nats-server (apt-get install nats-server)', () => {
  let link: Link
  natsLink(binary, (opened) => {
    link = opened
  })

  /** How many bodies of each stream are kept: of the first pieces. */
  async function bodies(): Promise<Readonly<Record<string, number>>> {
    const { state } = await link.jsm.streams.info(`${namespace}-records`, { subjects_filter: '>' })
    const count: Record<string, number> = {}
    for (const subject of Object.keys(state.subjects ?? {})) {
      const of = /stage\.(?:p\.\dof2|p|pq)(?=\.)/.exec(subject)?.[0]
      if (of !== undefined && subject.endsWith('.0')) count[of] = (count[of] ?? 0) + 1
    }
    return count
  }
  async function fill(stream: LogStream, count: number) {
    for (let n = 0; n < count; n++) await stream.append(large(n), n)
  }

  test('bodies of commits that were purged go, and none that a commit names', async () => {
    const log = await openJetStreamLog(link, { namespace })
    const stage = await log.stream(layout.stage('p'))
    const others = [layout.stage('p', { part: 0, of: 2 }), layout.stage('pq')]
    for (const name of others) await fill(await log.stream(name), 2)
    await fill(stage, 5)
    // a writer that was displaced has stored a body that nothing names
    await expect(stage.append(large(9), 1)).rejects.toMatchObject({ code: 'LOG_CONFLICT' })
    const place = { link, log, namespace, replicas: 1 }
    await prepare(place, 'p', 1)
    expect(await bodies()).toEqual({ 'stage.p': 6, 'stage.p.0of2': 2, 'stage.pq': 2 })
    await link.jsm.streams.purge(streamOf(namespace, stage.name), { seq: 4 })
    await prepare(place, 'p', 1)
    expect(await bodies()).toEqual({ 'stage.p': 2, 'stage.p.0of2': 2, 'stage.pq': 2 })
    const left: number[] = []
    for await (const { seq, data } of stage.read(4)) {
      expect(Buffer.compare(data, large(seq - 1))).toBe(0)
      left.push(seq)
    }
    expect(left).toEqual([4, 5])
    await prepare(place, 'p', 1)
    expect(await bodies()).toMatchObject({ 'stage.p': 2 })
    await log.close()
  })
})
