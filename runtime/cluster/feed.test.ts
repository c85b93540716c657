import { DiscardPolicy } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { Observable } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { operators } from '../../operators/catalogue.ts'
import { decodeFrame } from '../../schemas/frame.ts'
import { Gap, Heartbeat, Trade } from '../../schemas/market.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { natsLink } from '../../test/nats_link.ts'
import { natsServerBinary } from '../../testing/nats_server.ts'
import { wallClock } from '../clock.ts'
import type { SourceItem } from '../connect.ts'
import { encodeItems, type Recording } from '../feed.ts'
import type { Link } from '../log/jetstream/link.ts'
import { openJetStreamLog } from '../log/jetstream/log.ts'
import { layout, streamOf, subjectOfLog } from '../log/layout.ts'
import { type PlannedSource, plan } from '../plan.ts'
import { DeadLetters, type Letter, letterSubject } from './dead_letters.ts'
import { type FeedOptions, runFeed } from './feed.ts'
import { feedName, rangesOf } from './feed_name.ts'
import { provideDeadLetters } from './provide.ts'
import { recordingItems } from './recording_items.ts'

const ROWS = 5000
const definition = {
  pipeline: 'p',
  nodes: {
    trades: { source: 'synthetic_market', params: { minutes: 1, seed: 7 } },
    bars: { op: 'time_bars', from: 'trades', params: { every: '10s' } },
  },
}
const planned = plan(definition, { operators, sources, sinks }, 'paper')
const source = planned.sources[0] as PlannedSource
const row = (i: number, key = `v:${'ABCDEFGH'[i % 8]}`): SourceItem => ({
  type: 'row',
  at: i,
  key,
  value: { price: 1, size: 1, side: 0, id: i },
})
/** All in one batch, from a row on: many frames, and a crash may come between any two of them. */
async function* batch(from: number): AsyncGenerator<readonly SourceItem[]> {
  const rows = Array.from({ length: ROWS - from }, (_, i) => row(from + i))
  yield [...rows, { type: 'end', at: ROWS } as SourceItem]
}

/** With the eyes of a command that has just begun. */
const waiting = async (on: Parameters<typeof DeadLetters.open>[0]) => (await DeadLetters.open(on)).waiting()
const redrive = async (on: Parameters<typeof DeadLetters.open>[0], letter: Letter) =>
  (await DeadLetters.open(on)).redrive(letter)

type Stored = NonNullable<Awaited<ReturnType<Link['jsm']['streams']['getMessage']>>>
const binary = natsServerBinary()
describe.skipIf(binary === undefined)('feeds on a nats-server (apt-get install nats-server)', () => {
  let link: Link
  natsLink(binary, (opened) => {
    link = opened
  })

  /** The first messages of one stream of a feed, as a crash leaves them. */
  async function store(namespace: string, name: string, stored: readonly Stored[]) {
    const log = await openJetStreamLog(link, { namespace })
    await log.stream(name)
    for (const { data, header } of stored) {
      const same = headers()
      for (const field of header.keys()) if (field.startsWith('Tg-')) same.set(field, header.get(field))
      await link.js.publish(subjectOfLog(namespace, name), data, { headers: same })
    }
    await log.close()
  }
  const names = (ranges: number) => rangesOf(ranges).map((range) => layout.tick(feedName(source), range))
  async function run(namespace: string, ranges: number, items: FeedOptions['items'] = batch) {
    const log = await openJetStreamLog(link, { namespace })
    const own = { link, log, namespace, replicas: 1, source, ranges, clock: wallClock, random: Math.random }
    const ended = await runFeed({ ...own, notice() {}, items }, new AbortController().signal)
    await log.close()
    return ended
  }
  async function messages(namespace: string, name: string) {
    const stream = streamOf(namespace, name)
    const { state } = await link.jsm.streams.info(stream)
    const all: Stored[] = []
    for (let seq = 1; seq <= state.last_seq; seq++) {
      const message = await link.jsm.streams.getMessage(stream, { seq })
      if (message !== null) all.push(message)
    }
    return all
  }
  /** The streams of a feed that crashed: so many messages of each. */
  async function keep(namespace: string, stored: readonly Stored[][], count: (part: number) => number) {
    for (const [part, name] of names(stored.length).entries())
      await store(namespace, name, stored[part]?.slice(0, count(part)) ?? [])
  }
  async function ids(namespace: string, ranges: number): Promise<readonly number[]> {
    const found: number[] = []
    for (const name of names(ranges))
      for (const { data } of await messages(namespace, name)) {
        const frame = decodeFrame(data, { trade: Trade, heartbeat: Heartbeat })
        if (frame.kind === Trade.kind) found.push(...frame.at)
      }
    return found.sort((a, b) => a - b)
  }

  test.each([1, 2])(
    'a crash between two messages of a batch loses and doubles no row, over %i ranges',
    async (ranges) => {
      const whole = `whole${ranges}`
      expect(await run(whole, ranges)).toEqual({ rows: ROWS, ended: true })
      const expected = await ids(whole, ranges)
      expect(expected).toEqual(Array.from({ length: ROWS }, (_, i) => i))
      const stored = await Promise.all(names(ranges).map((name) => messages(whole, name)))
      expect(stored[0]?.length).toBeGreaterThan(2)
      for (let kept = 0; kept <= (stored[0] ?? []).length; kept++) {
        const namespace = `cut${ranges}of${kept}`
        // one range may be further than the other
        await keep(namespace, stored, (part) => Math.max(0, kept - part))
        expect((await run(namespace, ranges)).ended).toBe(true)
        expect(await ids(namespace, ranges), `${kept} messages were stored`).toEqual(expected)
      }
    },
  )

  test.each([1, 2])('nor is what is said between rows lost or doubled, over %i ranges', async (ranges) => {
    const gap = (at: number, key: string): SourceItem => ({
      type: 'gap',
      at,
      key,
      value: { reason: 'resumed', missing: 1, since: at },
    })
    const all: SourceItem[] = Array.from({ length: 600 }, (_, i): SourceItem[] => [
      row(i),
      ...(i % 100 === 50 ? [gap(i, 'v:A'), gap(i, '*'), gap(i, 'v:B')] : []),
    ]).flat()
    all.push({ type: 'end', at: ROWS })
    async function* from(position: number) {
      let rows = 0
      const begin = all.findIndex((item) => item.type === 'row' && rows++ === position)
      // what was said behind the last row that is there is said again
      const after = position === 0 ? 0 : all.findLastIndex(({ type }, i) => type === 'row' && i < begin) + 1
      yield all.slice(begin < 0 ? all.findLastIndex(({ type }) => type === 'row') + 1 : after)
    }
    const told = async (namespace: string) =>
      Promise.all(
        names(ranges).map(async (name) =>
          (await messages(namespace, name)).flatMap(({ data }) => {
            const { kind, at, key, keys } = decodeFrame(data, { trade: Trade, heartbeat: Heartbeat, gap: Gap })
            return [...at].map((time, i) => `${kind} ${time} ${keys[key[i] as number]}`)
          }),
        ),
      )
    const whole = `gaps${ranges}`
    await run(whole, ranges, from)
    const expected = await told(whole)
    const stored = await Promise.all(names(ranges).map((name) => messages(whole, name)))
    for (let kept = 0; kept <= (stored[0] ?? []).length; kept++)
      for (const behind of ranges === 1 ? [0] : [0, 1, 7]) {
        const namespace = `gaps${ranges}of${kept}by${behind}`
        await keep(namespace, stored, (part) => Math.max(0, kept - part * behind))
        await run(namespace, ranges, from)
        expect(await told(namespace), `${kept} messages were stored, ${behind} less of the other`).toEqual(expected)
      }
  })

  test('a live feed that begins again over ranges leaves out no row, and says that it goes on', async () => {
    const namespace = 'live'
    const positions: number[] = []
    // each start gives rows of its own; one key of the ranges is rare
    const open =
      (from: number, to: number) =>
      (_params: unknown, { position }: { readonly position: number }) =>
        new Observable<readonly SourceItem[]>((subscriber) => {
          positions.push(position)
          const rows = Array.from({ length: to - from }, (_, i) => row(from + i))
          subscriber.next(rows.filter(({ at }) => at === 0 || at % 8 !== 0))
          subscriber.complete()
        })
    for (const [from, to] of [
      [0, 1000],
      [1000, 2000],
    ] as const) {
      const log = await openJetStreamLog(link, { namespace })
      const component = { ...source.component, generate: undefined, open: open(from, to) } as never
      const own = { link, log, namespace, replicas: 1, ranges: 16, clock: wallClock, random: Math.random }
      await runFeed({ ...own, source: { ...source, component }, notice() {} }, new AbortController().signal)
      await log.close()
    }
    expect(positions[0]).toBe(0)
    expect(positions[1]).toBeGreaterThan(0)
    expect(await ids(namespace, 16)).toEqual(
      Array.from({ length: 2000 }, (_, i) => i).filter((i) => i === 0 || i % 8 !== 0),
    )
  })

  test('a recording that goes on after a crash gives each row once, whatever else is between them', async () => {
    const total = 4000
    const mixed = Array.from({ length: total }, (_, i): readonly SourceItem[] =>
      i % 10 === 0 ? [{ type: 'heartbeat', at: i, key: 'v:A' }, row(i)] : [row(i)],
    ).flat()
    const recording: Recording = { frames: () => encodeItems(source, mixed) }
    const pace = { clock: wallClock, speed: Number.POSITIVE_INFINITY, signal: new AbortController().signal }
    const items = (position: number) =>
      recordingItems(planned, source, { type: 'recording', recording }, position, pace)
    const play = async (namespace: string) => {
      const log = await openJetStreamLog(link, { namespace })
      const own = { link, log, namespace, replicas: 1, source, ranges: 1, clock: wallClock, random: Math.random }
      const { ended } = await runFeed({ ...own, notice() {}, items }, new AbortController().signal)
      await log.close()
      expect(ended).toBe(true)
    }
    await play('recorded')
    const expected = await ids('recorded', 1)
    expect(expected).toEqual(Array.from({ length: total }, (_, i) => i))
    const [name = ''] = names(1)
    const stored = await messages('recorded', name)
    for (const kept of [1, 2, 101, 400, stored.length - 1, stored.length]) {
      const namespace = `recorded${kept}`
      await store(namespace, name, stored.slice(0, kept))
      await play(namespace)
      expect(await ids(namespace, 1), `${kept} messages were stored`).toEqual(expected)
    }
  })

  test.each([5000, 100])('a record that is redriven after %i rows does not make the feed begin again', async (rows) => {
    const namespace = `redriven${rows}`
    const [name = ''] = names(1)
    expect(await run('undriven', 1)).toEqual({ rows: ROWS, ended: true })
    const stored = await messages('undriven', name)
    await store(namespace, name, rows === ROWS ? stored : stored.slice(0, 1))
    const log = await openJetStreamLog(link, { namespace })
    const [record] = encodeItems(source, [row(9999)])
    const letter = {
      pipeline: 'p',
      stage: 'stage.p',
      stream: name,
      seq: 1,
      code: 'FRAME_CORRUPT',
      reason: '',
      letter: 1,
    }
    await provideDeadLetters(link, namespace, 1)
    const before = (await (await log.stream(name)).state()).last
    expect(
      await (await DeadLetters.open({ link, namespace, replicas: 1 })).redrive({ ...letter, record: null }, record),
    ).toBe(before + 1)
    await log.close()
    expect(await run(namespace, 1)).toEqual({ rows: ROWS, ended: true })
    expect(await ids(namespace, 1)).toEqual([...(await ids('undriven', 1)), 9999])
  })

  test('a record that two pipelines left out is put into their feed once', async () => {
    const namespace = 'twice'
    const [name = ''] = names(1)
    const on = { link, namespace, replicas: 1 }
    await store(namespace, name, [])
    await provideDeadLetters(link, namespace, 1)
    const [record] = encodeItems(source, [row(1)])
    const text = Buffer.from(record as Uint8Array).toString('base64')
    for (const pipeline of ['p', 'q']) {
      const letter = { pipeline, stage: `stage.${pipeline}`, stream: name, seq: 1, code: 'FRAME_CORRUPT', reason: '' }
      const data = new TextEncoder().encode(JSON.stringify({ ...letter, record: text }))
      await link.exchange.insist(letterSubject(namespace, pipeline, letter), data, {})
    }
    const both = await waiting(on)
    expect(both).toHaveLength(2)
    for (const letter of both) expect(await redrive(on, letter)).toBe(1)
    expect(await waiting(on)).toEqual([])
    expect(await ids(namespace, 1)).toEqual([1])
  })

  test('a pipeline that meets a record only after another had it redriven does not have it put there again', async () => {
    const namespace = 'behind'
    const [name = ''] = names(1)
    const on = { link, namespace, replicas: 1 }
    await store(namespace, name, [])
    await provideDeadLetters(link, namespace, 1)
    const text = Buffer.from(encodeItems(source, [row(1)])[0] as Uint8Array).toString('base64')
    const leftOut = async (pipeline: string) => {
      const letter = { pipeline, stage: `stage.${pipeline}`, stream: name, seq: 1, code: 'FRAME_CORRUPT', reason: '' }
      const data = new TextEncoder().encode(JSON.stringify({ ...letter, record: text }))
      await link.exchange.insist(letterSubject(namespace, pipeline, letter), data, {})
      return { ...letter, record: text, letter: 1 }
    }
    expect(await redrive(on, await leftOut('ahead'))).toBe(1)
    const late = await leftOut('late')
    expect(await waiting(on)).toEqual([])
    expect(await redrive(on, late)).toBe(1)
    expect(await ids(namespace, 1)).toEqual([1])
  })

  test('a record of a feed that was made anew is another one than that which stood there before', async () => {
    const namespace = 'anew'
    const [name = ''] = names(1)
    const on = { link, namespace, replicas: 1 }
    await provideDeadLetters(link, namespace, 1)
    const leaveOut = async (pipeline: string, id: number) => {
      const record = Buffer.from(encodeItems(source, [row(id)])[0] as Uint8Array).toString('base64')
      const said = { pipeline, stage: `stage.${pipeline}`, stream: name, seq: 1, code: 'FRAME_CORRUPT', reason: '' }
      const data = new TextEncoder().encode(JSON.stringify({ ...said, record }))
      await link.exchange.insist(letterSubject(namespace, pipeline, said), data, {})
    }
    for (const [pipeline, id] of [
      ['first', 1],
      ['second', 2],
    ] as const) {
      await store(namespace, name, [])
      await leaveOut(pipeline, id)
      const left = await waiting(on)
      expect(left.map((letter) => letter.pipeline)).toEqual([pipeline])
      expect(await redrive(on, left[0] as Letter)).toBe(1)
      expect(await ids(namespace, 1)).toEqual([id])
      await link.jsm.streams.delete(streamOf(namespace, name))
    }
  })

  test('a redrive that ended before it was marked is not made twice', async () => {
    const namespace = 'unmarked'
    const [name = ''] = names(1)
    const on = { link, namespace, replicas: 1 }
    await store(namespace, name, [])
    const stream = await provideDeadLetters(link, namespace, 1)
    const record = Buffer.from(encodeItems(source, [row(1)])[0] as Uint8Array).toString('base64')
    const said = { pipeline: 'p', stage: 'stage.p', stream: name, seq: 1, code: 'FRAME_CORRUPT', reason: '', record }
    const letter = { ...said, letter: 1 }
    await link.exchange.insist(
      letterSubject(namespace, 'p', letter),
      new TextEncoder().encode(JSON.stringify(said)),
      {},
    )
    // there is room to say what is about to be done, and none to say that it was done
    await link.jsm.streams.update(stream, { max_msgs: 2, discard: DiscardPolicy.New })
    await expect(redrive(on, letter)).rejects.toMatchObject({ code: 'LOG_REFUSED' })
    expect(await ids(namespace, 1)).toEqual([1])
    expect(await waiting(on)).toHaveLength(1)
    await link.jsm.streams.update(stream, { max_msgs: -1 })
    expect(await redrive(on, letter)).toBe(1)
    expect(await waiting(on)).toEqual([])
    expect(await ids(namespace, 1)).toEqual([1])
  })

  test('what a source gave before it failed is stored, and the failure is told', async () => {
    const namespace = 'failed'
    const log = await openJetStreamLog(link, { namespace })
    const open = () =>
      new Observable<readonly SourceItem[]>((subscriber) => {
        subscriber.next(Array.from({ length: ROWS }, (_, i) => row(i)))
        subscriber.error(new Error('the venue went mad'))
      })
    const component = { ...source.component, generate: undefined, open } as never
    const own = { link, log, namespace, replicas: 1, ranges: 1, clock: wallClock, random: Math.random, notice() {} }
    const fed = runFeed({ ...own, source: { ...source, component } }, new AbortController().signal)
    await expect(fed).rejects.toThrow('the venue went mad')
    await log.close()
    expect(await ids(namespace, 1)).toHaveLength(ROWS)
  })
})
