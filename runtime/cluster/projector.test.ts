import { describe, expect, test } from 'vitest'
import { operators } from '../../operators/catalogue.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { natsLink } from '../../test/nats_link.ts'
import { natsServerBinary } from '../../testing/nats_server.ts'
import { wallClock } from '../clock.ts'
import type { Link } from '../log/jetstream/link.ts'
import { openJetStreamLog } from '../log/jetstream/log.ts'
import { layout, streamOf } from '../log/layout.ts'
import { type Plan, type PlannedSource, plan } from '../plan.ts'
import { DeadLetters } from './dead_letters.ts'
import { Pointer } from './definitions.ts'
import { Events } from './events.ts'
import { runFeed } from './feed.ts'
import { tickStreams } from './feed_name.ts'
import { project } from './projector.ts'
import { runStage } from './stage_task.ts'

const namespace = 'projected'
const range = { part: 0, of: 1 }
const definition = {
  pipeline: 'p',
  nodes: {
    trades: { source: 'synthetic_market', params: { minutes: 600, seed: 7 } },
    bars: { op: 'time_bars', from: 'trades', params: { every: '10s' } },
    trend: { op: 'ema', from: 'bars', params: { span: 5 } },
    above: { op: 'cross', from: 'bars', latest: { trend: 'trend' } },
    publish: { sink: 'signals', from: 'above' },
  },
}
const planned = plan(definition, { operators, sources, sinks }, 'paper')
const { publish: _, ...unheard } = definition.nodes
/** It commits as the other does, and says nothing. */
const silent = plan({ pipeline: 'silent', nodes: unheard }, { operators, sources, sinks }, 'paper')

let link: Link
/** Commits what the feed gave, with the eyes of a process that has just begun. */
async function commitAll(planned: Plan, behind?: Uint8Array) {
  const log = await openJetStreamLog(link, { namespace })
  const { signal } = new AbortController()
  const source = planned.sources[0] as PlannedSource
  const world = { clock: wallClock, random: Math.random, notice() {} }
  await runFeed({ link, log, namespace, replicas: 1, ranges: 1, source, ...world }, signal)
  const until: Record<string, number> = {}
  for (const { name } of tickStreams(planned, range)) {
    const stream = await log.stream(name)
    if (behind !== undefined) await stream.append(behind, (await stream.state()).last)
    until[name] = (await stream.state()).last
  }
  const none = { previous: null, shadow: null, keep: [], ranges: 1, start: {} }
  const pointer = Pointer.parse({
    pipeline: planned.pipeline,
    state: 'draining',
    version: 1,
    candidate: 1,
    until,
    ...none,
  })
  await runStage({ plan: planned, pointer, range, log, owner: 'test', upgrade: async () => planned }, signal)
  return log
}

const binary = natsServerBinary()
describe.skipIf(binary === undefined)('signals on a nats-server (apt-get install nats-server)', () => {
  natsLink(binary, (opened) => {
    link = opened
  })

  const told = () => Events.open(link, namespace, 'test', 1)

  test('signals do not go on in commits that were made anew, where other signals stand at their place', async () => {
    const stop = new AbortController()
    const named = { link, namespace, replicas: 1, pipeline: 'p', ranges: 1, events: await told() }
    const own = { ...named, planOf: async () => planned, missing() {} }
    const first = await commitAll(planned)
    const projecting = project({ ...own, log: first }, stop.signal)
    const published = async () => (await link.jsm.streams.info(streamOf(namespace, layout.signals('p')))).state.last_seq
    await expect.poll(published).toBeGreaterThan(10)
    stop.abort()
    await projecting
    await first.close()
    await link.jsm.streams.delete(streamOf(namespace, layout.stage('p')))
    const again = await commitAll(planned)
    const before = await published()
    const ended = project({ ...own, log: again }, AbortSignal.timeout(60_000))
    await expect(ended).rejects.toMatchObject({ code: 'LOG_LOST' })
    expect(await published()).toBe(before)
    await again.close()
  })

  test('commits that said nothing are not read again, and nothing is missing when they are let go', async () => {
    const log = await commitAll(silent)
    const stage = await log.stream(layout.stage('silent'))
    const { last, bytes } = await stage.state()
    const gone: unknown[] = []
    const begin = async () => {
      const stop = new AbortController()
      const before = link.nc.stats().inBytes
      const own = { link, log, namespace, replicas: 1, pipeline: 'silent', ranges: 1, events: await told() }
      const projecting = project(
        { ...own, planOf: async () => silent, missing: (some) => gone.push(some) },
        stop.signal,
      )
      await new Promise((resolve) => setTimeout(resolve, 1000))
      stop.abort()
      await projecting
      return link.nc.stats().inBytes - before
    }
    expect(await begin()).toBeGreaterThan(bytes / 2)
    expect(await begin()).toBeLessThan(bytes / 2)
    await link.jsm.streams.purge(streamOf(namespace, stage.name), { seq: last })
    await begin()
    expect(gone).toEqual([])
    await log.close()
  })

  test('a damaged record that is too large for its letter holds up nothing', async () => {
    const log = await commitAll({ ...silent, pipeline: 'large' }, new Uint8Array(1_000_000))
    const stop = new AbortController()
    const own = { link, log, namespace, replicas: 1, pipeline: 'large', ranges: 1, events: await told() }
    const projecting = project({ ...own, planOf: async () => silent, missing() {} }, stop.signal)
    const waiting = async () => (await DeadLetters.open(own)).waiting('large')
    await expect.poll(waiting).toMatchObject([{ code: 'FRAME_CORRUPT', record: null }])
    stop.abort()
    await projecting
    await log.close()
  })

  test('a record that is damaged where another was, of a feed that was made anew, has a letter of its own', async () => {
    const pipeline = 'anew'
    const own = { link, namespace, replicas: 1, pipeline, ranges: 1, events: await told() }
    const waiting = async () => (await DeadLetters.open(own)).waiting(pipeline)
    const streams = [tickStreams(silent, range)[0]?.name as string, layout.stage(pipeline), layout.signals(pipeline)]
    for (const made of [1, 2]) {
      await link.jsm.streams.delete(streamOf(namespace, streams[0] as string))
      const log = await commitAll({ ...silent, pipeline }, new Uint8Array(8).fill(made))
      // who reads the commit once more does not put it twice
      for (let again = 0; again < 2; again++) {
        const stop = new AbortController()
        const events = await Events.open(link, `${namespace}${made}${again}`, 'test', 1)
        const projecting = project({ ...own, events, log, planOf: async () => silent, missing() {} }, stop.signal)
        await expect.poll(async () => (await waiting()).length).toBe(made)
        await new Promise((resolve) => setTimeout(resolve, 300))
        expect((await waiting()).map(({ record }) => Buffer.from(record as string, 'base64')[0])).toEqual(
          made === 1 ? [1] : [1, 2],
        )
        stop.abort()
        await projecting
      }
      await log.close()
      for (const name of streams.slice(1)) await link.jsm.streams.delete(streamOf(namespace, name))
    }
  })
})
