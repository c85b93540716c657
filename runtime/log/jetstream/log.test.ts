import { describe, expect, test } from 'vitest'
import { natsLink } from '../../../test/nats_link.ts'
import { NatsServer, natsServerBinary } from '../../../testing/nats_server.ts'
import { bytesOf, collect, fill, logContract, textOf } from '../contract.ts'
import type { Log } from '../log.ts'
import { type Link, openLink } from './link.ts'
import { openJetStreamLog } from './log.ts'

const binary = natsServerBinary()
if (binary === undefined && process.env['CI']) throw new Error('no nats-server: apt-get install nats-server')

describe.skipIf(binary === undefined)('the log on a nats-server (apt-get install nats-server)', () => {
  let server: NatsServer
  let link: Link
  let spaces = 0
  const space = () => `t${spaces++}`
  natsLink(binary, (opened, started) => {
    link = opened
    server = started
  })

  logContract('JetStream', async () => {
    const namespace = space()
    let log = await openJetStreamLog(link, { namespace })
    return {
      log,
      async reopen() {
        await log.close()
        log = await openJetStreamLog(link, { namespace })
        return log
      },
      dispose: () => log.close(),
    }
  })

  const open = async (): Promise<Log> => openJetStreamLog(link, { namespace: space() })

  test('a record larger than a message goes through the object store', async () => {
    const log = await open()
    const stream = await log.stream('stage.large')
    const large = new Uint8Array(3 * 2 ** 20).fill(7)
    expect(await stream.append(large, 0)).toBe(1)
    expect(Buffer.compare((await stream.last())?.data as Uint8Array, large)).toBe(0)
    await fill(stream, 'small')
    expect((await collect(stream.read(1))).map((r) => r.data.byteLength)).toEqual([large.byteLength, 5])
    await log.close()
  })

  test('kill -9 of the server between appends loses nothing, and a tail goes on', async () => {
    const log = await open()
    const stream = await log.stream('stage.killed')
    const stop = new AbortController()
    const tail = collect(stream.tail(1, stop.signal), 60)
    const wanted: string[] = []
    for (let n = 0; n < 60; n++) {
      if (n % 20 === 10) {
        const killed = server.kill()
        if (n === 30) await killed
        setTimeout(() => void killed.then(() => server.restart()), 100)
      }
      wanted.push(`record ${n}`)
      expect(await stream.append(bytesOf(`record ${n}`), n)).toBe(n + 1)
    }
    expect((await collect(stream.read(1))).map(textOf)).toEqual(wanted)
    expect((await tail).map(textOf)).toEqual(wanted)
    stop.abort()
    await log.close()
  })

  test('a stream that was deleted and made anew, or cut, is not read on', async () => {
    const namespace = space()
    const log = await openJetStreamLog(link, { namespace })
    const stream = await log.stream('stage.cut')
    await fill(stream, ...'abcde')
    await link.jsm.streams.purge(`${namespace}-stage-cut`, { seq: 4 })
    await expect(collect(stream.read(2))).rejects.toMatchObject({ code: 'LOG_LOST' })
    expect((await collect(stream.read(4))).map(textOf)).toEqual(['d', 'e'])
    const stop = new AbortController()
    const tail = collect(stream.tail(6, stop.signal))
    await link.jsm.streams.delete(`${namespace}-stage-cut`)
    await expect(tail).rejects.toMatchObject({ code: 'LOG_LOST' })
    await log.close()
  })

  test('a last record that was deleted by hand is told', async () => {
    const namespace = space()
    const log = await openJetStreamLog(link, { namespace })
    const stream = await log.stream('stage.torn')
    await fill(stream, ...'abc')
    await link.jsm.streams.deleteMessage(`${namespace}-stage-torn`, 3)
    await expect(stream.last()).rejects.toMatchObject({ code: 'LOG_LOST' })
    await log.close()
  })

  test('a read that the end of the log cuts short is an error, not an end', async () => {
    const log = await open()
    const stream = await log.stream('stage.long')
    await fill(stream, ...Array.from({ length: 1_200 }, () => 'a'))
    const seen: number[] = []
    const read = async () => {
      for await (const { seq } of stream.read(1)) {
        seen.push(seq)
        if (seq === 5) await log.close()
      }
    }
    await expect(read()).rejects.toMatchObject({ code: 'NATS_UNREACHABLE' })
    expect(seen.length).toBeLessThan(1_200)
  })

  test('a stream that is full says so, and holds what it held', async () => {
    const namespace = space()
    const log = await openJetStreamLog(link, { namespace })
    const stream = await log.stream('stage.full')
    await fill(stream, 'a', 'b')
    await link.jsm.streams.update(`${namespace}-stage-full`, { max_msgs: 2 })
    await expect(stream.append(bytesOf('c'), 2)).rejects.toMatchObject({
      code: 'LOG_REFUSED',
      message: expect.stringContaining('maximum messages exceeded') as string,
    })
    await link.jsm.streams.update(`${namespace}-stage-full`, { max_msgs: -1 })
    expect(await stream.append(bytesOf('c'), 2)).toBe(3)
    await log.close()
  })

  test('a large record that a full stream refuses again and again leaves one body behind', async () => {
    const namespace = space()
    const log = await openJetStreamLog(link, { namespace })
    await fill(await log.stream('stage.full'), 'a')
    await link.jsm.streams.update(`${namespace}-stage-full`, { max_msgs: 1 })
    const large = new Uint8Array(3 * 2 ** 20).fill(7)
    const append = async (data: Uint8Array) => (await log.stream('stage.full')).append(data, 1)
    for (let n = 0; n < 3; n++) await expect(append(large)).rejects.toMatchObject({ code: 'LOG_REFUSED' })
    expect((await link.jsm.streams.info(`${namespace}-records`)).state.bytes).toBeLessThan(2 * large.byteLength)
    await link.jsm.streams.update(`${namespace}-stage-full`, { max_msgs: -1 })
    large.fill(8)
    expect(await append(large)).toBe(2)
    expect((await (await log.stream('stage.full')).last())?.data[0]).toBe(8)
    await log.close()
  })

  test('streams of another namespace are not listed', async () => {
    const [one, two] = [await open(), await open()]
    await one.stream('stage.mine')
    expect(await two.streams()).toEqual([])
    expect(await one.streams()).toEqual(['stage.mine'])
  })
})

describe.skipIf(binary === undefined)('a server that cannot be used', () => {
  test('JetStream off is said', async () => {
    const server = await NatsServer.start({ binary: binary as string, jetstream: false })
    const link = await openLink({ servers: server.url, name: 'test' })
    await expect(openJetStreamLog(link, { namespace: 'paper' })).rejects.toMatchObject({ code: 'JETSTREAM_OFF' })
    await link.close()
    await server.stop()
  })
  test('no server is said', async () => {
    await expect(openLink({ servers: 'nats://127.0.0.1:9', name: 'test' })).rejects.toMatchObject({
      code: 'NATS_UNREACHABLE',
    })
  })
  test('wrong credentials are said', async () => {
    const server = await NatsServer.start({ binary: binary as string, arguments: ['--user', 'a', '--pass', 'b'] })
    await expect(openLink({ servers: server.url, name: 'test' })).rejects.toMatchObject({ code: 'NATS_REFUSED' })
    await server.stop()
  })
})
