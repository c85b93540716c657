import { describe, expect, test } from 'vitest'
import { natsLink } from '../../test/nats_link.ts'
import { natsServerBinary } from '../../testing/nats_server.ts'
import { type Link, openLink } from '../log/jetstream/link.ts'
import { openJetStreamLog } from '../log/jetstream/log.ts'
import { streamOf } from '../log/layout.ts'
import { DeadLetters, type Letter, letterSubject } from './dead_letters.ts'
import { provideDeadLetters } from './provide.ts'

const name = 'tick.f'
const binary = natsServerBinary()
describe.skipIf(binary === undefined)('dead letters on a nats-server (apt-get install nats-server)', () => {
  let link: Link
  let url: string
  natsLink(binary, (opened, server) => {
    link = opened
    url = server.url
  })

  /** A tick stream of one record, and what a pipeline could not read of it. */
  async function leftOut(namespace: string, count: number) {
    const log = await openJetStreamLog(link, { namespace })
    const stream = await log.stream(name)
    if ((await stream.state()).last === 0) await stream.append(new Uint8Array(8), 0)
    await log.close()
    await provideDeadLetters(link, namespace, 1)
    for (let seq = 1; seq <= count; seq++) {
      const said = { pipeline: 'p', stage: 'stage.p', stream: name, seq, code: 'FRAME_CORRUPT', reason: '' }
      const record = Buffer.from(`record ${seq}`).toString('base64')
      const data = new TextEncoder().encode(JSON.stringify({ ...said, record }))
      await link.exchange.insist(letterSubject(namespace, 'p', said), data, {})
    }
  }
  const ended = async (namespace: string) => (await link.jsm.streams.info(streamOf(namespace, name))).state.last_seq

  test('redrives at the same time, at any distance, put a record once and all say where', async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => openLink({ servers: url, name: 'other' })))
    try {
      for (let round = 0; round < 20; round++) {
        const namespace = `together${round}`
        await leftOut(namespace, 1)
        const [letter] = (await DeadLetters.open({ link, namespace, replicas: 1 })).waiting()
        const said = await Promise.all(
          others.map(async (own, i) => {
            await new Promise((resolve) => setTimeout(resolve, i * round * 0.5))
            const known = await DeadLetters.open({ link: own, namespace, replicas: 1 })
            return known.redrive(letter as Letter)
          }),
        )
        expect(said, `round ${round}`).toEqual([2, 2, 2, 2])
        expect(await ended(namespace), `round ${round}`).toBe(2)
      }
    } finally {
      for (const own of others) await own.close()
    }
  })

  test('who knows only what stood before another redrove it does not put it again', async () => {
    const namespace = 'late'
    await leftOut(namespace, 2)
    const [first, second] = await Promise.all(['a', 'b'].map(() => DeadLetters.open({ link, namespace, replicas: 1 })))
    const [one, two] = first?.waiting() ?? []
    expect(await first?.redrive(one as Letter)).toBe(2)
    expect(await second?.redrive(one as Letter)).toBe(2)
    expect(await second?.redrive(two as Letter)).toBe(3)
    expect(await first?.redrive(two as Letter)).toBe(3)
    expect(await ended(namespace)).toBe(3)
  })

  test('a redrive that was killed before it put a record leaves its place to whoever came', async () => {
    const namespace = 'killed'
    await leftOut(namespace, 1)
    const on = { link, namespace, replicas: 1 }
    const [letter] = (await DeadLetters.open(on)).waiting()
    const mark = new TextEncoder().encode(JSON.stringify({ redriving: 2 }))
    await link.exchange.insist(letterSubject(namespace, 'p', letter as Letter), mark, {})
    const log = await openJetStreamLog(link, { namespace })
    await (await log.stream(name)).append(new Uint8Array(8), 1)
    await log.close()
    for (let again = 0; again < 2; again++) expect(await (await DeadLetters.open(on)).redrive(letter as Letter)).toBe(3)
    expect(await ended(namespace)).toBe(3)
  })

  test('letters that somebody deleted hide none of the others', async () => {
    const namespace = 'deleted'
    await leftOut(namespace, 6)
    for (const seq of [3, 4, 6]) await link.jsm.streams.deleteMessage(`${namespace}-dlq`, seq)
    const on = { link, namespace, replicas: 1 }
    const known = await DeadLetters.open(on)
    expect(known.waiting().map(({ seq }) => seq)).toEqual([1, 2, 5])
    for (const [n, letter] of known.waiting().entries()) expect(await known.redrive(letter)).toBe(2 + n)
    expect((await DeadLetters.open(on)).waiting()).toEqual([])
  })

  test('what redriving costs grows as the letters do', async () => {
    const heard = async (count: number) => {
      const namespace = `many${count}`
      await leftOut(namespace, count)
      const on = { link, namespace, replicas: 1 }
      const before = link.nc.stats().inMsgs
      const known = await DeadLetters.open(on)
      for (const letter of known.waiting()) await known.redrive(letter)
      expect((await DeadLetters.open(on)).waiting()).toEqual([])
      return (link.nc.stats().inMsgs - before) / count
    }
    const few = await heard(20)
    expect(await heard(200)).toBeLessThan(2 * few)
  })
})
