import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { operators } from '../../operators/catalogue.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { natsLink } from '../../test/nats_link.ts'
import { NatsServer, natsServerBinary } from '../../testing/nats_server.ts'
import { wallClock } from '../clock.ts'
import type { Committed } from '../connect.ts'
import { backtest } from '../environment/backtest.ts'
import { encodeItems } from '../feed.ts'
import { type Link, openLink } from '../log/jetstream/link.ts'
import { openJetStreamLog } from '../log/jetstream/log.ts'
import { layout, streamOf } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import { committed } from '../outputs.ts'
import { type Plan, plan as planOf } from '../plan.ts'
import { replay } from '../replay.ts'
import { DeadLetters, type Letter } from './dead_letters.ts'
import { Definitions } from './definitions.ts'
import { type Deploying, deploy, promote, shadow } from './deploy.ts'
import { eventsOf } from './events.ts'
import { feedName, rangesOf } from './feed_name.ts'
import { Leases } from './leases.ts'
import { Plans } from './plans.ts'
import { inputsOf } from './stage_task.ts'
import type { Start } from './start.ts'
import { statusOf } from './status.ts'
import { newestHead } from './tasks.ts'
import { Worker } from './worker.ts'

const catalogue = { operators, sources, sinks }
const drawn = (name: string, span = 5, notional = 100) => ({
  pipeline: name,
  nodes: {
    trades: { source: 'synthetic_market', params: { minutes: 600, seed: 7 } },
    bars: { op: 'time_bars', from: 'trades', params: { every: '10s' } },
    trend: { op: 'ema', from: 'bars', params: { span } },
    above: { op: 'cross', from: 'bars', latest: { trend: 'trend' } },
    sized: { op: 'fixed_notional', from: 'above', params: { notional } },
    gate: {
      op: 'risk_gate',
      from: { intent: 'sized', fill: 'execute.fill', order: 'execute.order' },
      params: { max_notional: 5000 },
    },
    execute: { sink: 'simulated_venue', from: 'gate.approved' },
    publish: { sink: 'signals', from: 'above' },
  },
})
const planner = async (definition: unknown): Promise<Plan> => planOf(definition, catalogue, 'paper')
const binary = natsServerBinary()

describe.skipIf(binary === undefined)('workers on a nats-server (apt-get install nats-server)', () => {
  let link: Link
  let log: Log
  let on: Deploying
  let definitions: Definitions
  let namespace = ''
  let n = 0
  const stops: AbortController[] = []
  const runs: Promise<void>[] = []
  const said: string[] = []
  natsLink(binary, (opened) => {
    link = opened
  })
  beforeEach(async () => {
    namespace = `w${n++}`
    log = await openJetStreamLog(link, { namespace })
    definitions = await Definitions.open(link, namespace)
    on = { definitions, log, plans: new Plans(definitions, planner) }
    said.length = 0
  })
  afterEach(async () => {
    for (const stop of stops.splice(0)) stop.abort()
    await Promise.all(runs.splice(0))
    await log.close()
  })

  function work(name: string, audit = false, plans = planner): AbortController {
    const stop = new AbortController()
    stops.push(stop)
    const notice = (text: string) => said.push(`${name}: ${text}`)
    const own = { name, release: 'test', planner: plans, clock: wallClock, random: Math.random, audit, notice }
    runs.push(Worker.run({ link, log, namespace, ...own }, stop.signal))
    return stop
  }
  async function put(definition: ReturnType<typeof drawn>, ranges?: number) {
    const plan = await planner(definition)
    const meta = { release: 'test', by: 'test', at: 'now', ranges }
    const isNew = (await definitions.pointer(definition.pipeline)) === undefined
    return deploy(on, { definition, plan, ...meta, ...(isNew && { start: { type: 'all' } }) })
  }
  async function until<T>(what: () => Promise<T | undefined | false>, seconds = 120): Promise<T> {
    for (const began = performance.now(); performance.now() - began < seconds * 1000; ) {
      const found = await what()
      if (found) return found
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`waited ${seconds} s in vain; said:\n${said.join('\n')}`)
  }
  async function signals(pipeline: string): Promise<string[]> {
    const stream = `${namespace}-sig-${pipeline}`
    const { state } = await link.jsm.streams.info(stream)
    const all: string[] = []
    for (let seq = 1; seq <= state.last_seq; seq++)
      all.push(String((await link.jsm.streams.getMessage(stream, { seq }))?.json<{ id: string }>().id))
    return all
  }
  async function rows(plan: Plan): Promise<string[]> {
    const ids: string[] = []
    for await (const row of committed(plan, await log.stream(layout.stage(plan.pipeline)))) ids.push(row.id)
    return ids
  }
  async function backtested(plan: Plan): Promise<string[]> {
    const ids: string[] = []
    await backtest(plan, { bindings: new Map(), output: (row: Committed) => ids.push(row.id) })
    return ids
  }
  const done = (plan: Plan, ids: readonly string[]) => async () => (await rows(plan)).length >= ids.length

  test('what is deployed runs: commits and signals are those of a backtest, and parity holds', async () => {
    const definition = drawn('alone')
    const plan = await planner(definition)
    const expected = await backtested(plan)
    await put(definition)
    work('a')
    await until(done(plan, expected))
    expect(await rows(plan)).toEqual(expected)
    const wanted = expected.filter((id) => id.startsWith('alone/above/'))
    expect(await until(async () => (await signals('alone')).length >= wanted.length && signals('alone'))).toEqual(
      wanted,
    )
    const { pointer } = await on.definitions.require('alone')
    const inputs = await inputsOf(plan, pointer, { part: 0, of: 1 }, log)
    expect(await replay(plan, log, { inputs, name: layout.stage('alone'), committedBy: plan })).toMatchObject({
      equal: true,
      outputs: expected.length,
    })
  })

  test('a worker that goes gives its tasks to another, and nothing is lost or doubled', async () => {
    const definition = drawn('moved')
    const plan = await planner(definition)
    const expected = await backtested(plan)
    await put(definition)
    for (const name of ['a', 'b', 'c']) {
      const stop = work(name)
      await until(async () => said.includes(`${name}: took stage.moved`))
      await new Promise((resolve) => setTimeout(resolve, 300))
      if (name !== 'c') stop.abort()
    }
    await until(done(plan, expected))
    expect(await rows(plan)).toEqual(expected)
    const wanted = expected.filter((id) => id.startsWith('moved/above/'))
    expect(await until(async () => (await signals('moved')).length >= wanted.length && signals('moved'))).toEqual(
      wanted,
    )
  })

  test('a promoted version goes on with the state of the one before, and a rollback too', async () => {
    await put(drawn('changed'))
    work('a', true)
    const first = await planner(drawn('changed'))
    await until(async () => (await rows(first)).length > 10)
    const second = await put(drawn('changed', 9))
    expect(second).toMatchObject({ live: false, pointer: { version: 1, candidate: 2 } })
    expect(second.fates.find(({ node }) => node === 'trend')).toMatchObject({ fate: 'fresh' })
    await shadow(on, 'changed')
    await until(async () => said.some((line) => line.includes('took shadow.changed')))
    await promote(on, 'changed', {})
    await until(async () => said.filter((line) => line.includes('took stage.changed')).length >= 2)
    await promote(on, 'changed', { version: 1 })
    await until(async () => said.filter((line) => line.includes('took stage.changed')).length >= 3)
    await new Promise((resolve) => setTimeout(resolve, 500))
    const all = await rows(first)
    expect(new Set(all).size).toBe(all.length)
  })

  test('a change that would lose the state of orders and positions is refused, with every reason', async () => {
    await put(drawn('kept'))
    const changed = drawn('kept') as { nodes: Record<string, unknown> }
    changed.nodes['gate'] = { ...(changed.nodes['gate'] as object), params: { max_notional: 6 } }
    changed.nodes['sized'] = { op: 'fixed_notional', from: 'above', params: { notional: 1 } }
    await expect(put(changed as never, 4)).rejects.toMatchObject({
      code: 'DEPLOY_REFUSED',
      info: { reasons: { length: 2 } },
    })
  })

  test('ranges of keys live in several workers, and each instrument has what a backtest gives it', async () => {
    const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT', 'ADAUSDT']
    const definition = drawn('ranged')
    definition.nodes.trades.params = { minutes: 60, seed: 7, symbols } as never
    const plan = await planner(definition)
    const expected = await backtested(plan)
    await put(definition, 4)
    for (const name of ['a', 'b']) work(name)
    const found = async () => {
      const all: string[] = []
      for (const range of rangesOf(4))
        for await (const row of committed(plan, await log.stream(layout.stage('ranged', range)))) all.push(row.id)
      return all
    }
    const all = await until(async () => {
      const ids = await found()
      return ids.length >= expected.length && ids
    })
    expect(all.toSorted()).toEqual(expected.toSorted())
    const wanted = expected.filter((id) => id.startsWith('ranged/above/')).toSorted()
    await until(async () => (await signals('ranged')).length >= wanted.length)
    expect((await signals('ranged')).toSorted()).toEqual(wanted)
    expect(new Set(said.filter((line) => line.includes('took stage.ranged')).map((l) => l[0])).size).toBe(2)
  })

  test('a damaged record is left out, kept as a dead letter, and can be redriven', async () => {
    const definition = drawn('poisoned')
    definition.nodes.trades = { source: 'tape_trades' } as never
    const plan = await planner(definition)
    await put(definition)
    const first = work('a')
    const ticks = await log.stream(layout.tick(feedName(plan.sources[0] as never)))
    const trade = (n: number) => {
      const value = { price: 100 + (n % 5), size: 1, side: 0, id: n }
      return encodeItems(plan.sources[0] as never, [{ type: 'row', at: n * 10e6, key: 'v:A', value }])[0] as Uint8Array
    }
    const damaged = trade(3).slice()
    damaged[100] = (damaged[100] as number) ^ 0xff
    for (const data of [trade(1), trade(2), damaged]) await ticks.append(data, (await ticks.state()).last)
    const on = { link, log, namespace, replicas: 1 }
    const [letter] = await until(async () => {
      const all = (await DeadLetters.open(on)).waiting('poisoned')
      return all.length > 0 && all
    })
    expect(letter).toMatchObject({ seq: 3, code: 'FRAME_CORRUPT', record: Buffer.from(damaged).toString('base64') })
    // how far a pipeline is can be asked also where the newest record tells no time
    const from = { ...on, definitions, plans: new Plans(definitions, planner) }
    expect((await statusOf(from, 'poisoned')).pipelines[0]?.ranges[0]?.inputs[0]).toMatchObject({
      taken: 3,
      time: null,
    })
    await ticks.append(trade(4), 3)
    expect(await (await DeadLetters.open(on)).redrive(letter as Letter, trade(5))).toBe(5)
    expect((await DeadLetters.open(on)).waiting()).toEqual([])
    // who reads the commit once more does not bring it back
    first.abort()
    await until(async () => said.includes('a: worker a is down'))
    work('b')
    await until(async () => said.includes('b: took signals.poisoned'))
    const { pointer } = await definitions.require('poisoned')
    await until(async () => (await newestHead(log, layout.stage('poisoned')))?.inputs[0]?.to === 5)
    const inputs = await inputsOf(plan, pointer, { part: 0, of: 1 }, log)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect((await DeadLetters.open(on)).waiting()).toEqual([])
    expect(await replay(plan, log, { inputs, name: layout.stage('poisoned'), committedBy: plan })).toMatchObject({
      equal: true,
      records: 5,
    })
  })

  test('ticks that were let go before they were taken stop the pipeline, and that is told', async () => {
    const definition = drawn('eaten')
    definition.nodes.trades = { source: 'tape_trades' } as never
    const plan = await planner(definition)
    const name = layout.tick(feedName(plan.sources[0] as never))
    const ticks = await log.stream(name)
    const value = { price: 100, size: 1, side: 0, id: 1 }
    const [data] = encodeItems(plan.sources[0] as never, [{ type: 'row', at: 1e6, key: 'v:A', value }])
    await ticks.append(data as Uint8Array, 0)
    await put(definition)
    const first = work('a')
    await until(async () => (await newestHead(log, layout.stage('eaten')))?.inputs[0]?.to === 1)
    first.abort()
    await until(async () => said.includes('a: worker a is down'))
    for (let n = 1; n < 4; n++) await ticks.append(data as Uint8Array, n)
    await link.jsm.streams.purge(streamOf(namespace, name), { seq: 4 })
    work('b')
    await until(async () => said.some((line) => line.includes('stage.eaten: LOG_LOST')))
  })

  test('a pipeline that is to begin with all there is begins with what is left when a worker comes', async () => {
    const definition = drawn('late')
    definition.nodes.trades = { source: 'tape_trades' } as never
    const plan = await planner(definition)
    const name = layout.tick(feedName(plan.sources[0] as never))
    const ticks = await log.stream(name)
    for (let n = 0; n < 6; n++) {
      const value = { price: 100, size: 1, side: 0, id: n }
      const [data] = encodeItems(plan.sources[0] as never, [{ type: 'row', at: n * 1e6, key: 'v:A', value }])
      await ticks.append(data as Uint8Array, n)
    }
    await put(definition)
    await link.jsm.streams.purge(streamOf(namespace, name), { seq: 4 })
    const from = { link, log, namespace, replicas: 1, definitions, plans: new Plans(definitions, planner) }
    expect((await statusOf(from, 'late')).pipelines[0]?.ranges[0]?.inputs[0]).toMatchObject({ taken: 3, records: 3 })
    await promote(on, 'late', {
      version: (
        await put({ ...drawn('late', 9), nodes: { ...drawn('late', 9).nodes, trades: definition.nodes.trades } })
      ).deployed.version,
    })
    work('a')
    await until(async () => (await newestHead(log, layout.stage('late')))?.inputs[0]?.to === 6)
    const { pointer } = await definitions.require('late')
    const second = await on.plans.of('late', 2)
    const inputs = await inputsOf(second, pointer, { part: 0, of: 1 }, log)
    expect(await replay(second, log, { inputs, name: layout.stage('late') })).toMatchObject({ equal: true, records: 3 })
  })

  test('what is mended goes on at once, and is told as a problem no longer', async () => {
    const definition = (name: string) => {
      const all = drawn(name)
      all.nodes.trades = { source: 'tape_trades' } as never
      return all
    }
    const plan = await planner(definition('ailing'))
    const name = layout.tick(feedName(plan.sources[0] as never))
    const ticks = await log.stream(name)
    for (let n = 0; n < 5; n++) {
      const value = { price: 100, size: 1, side: 0, id: n }
      const [data] = encodeItems(plan.sources[0] as never, [{ type: 'row', at: n * 1e6, key: 'v:A', value }])
      await ticks.append(data as Uint8Array, n)
    }
    const begin = async (pipeline: string, start: Start) => {
      const meta = { release: 'test', by: 'test', at: 'now', start }
      await deploy(on, { definition: definition(pipeline), plan: await planner(definition(pipeline)), ...meta })
    }
    for (const pipeline of ['ailing', 'still']) await begin(pipeline, { type: 'seq', seq: 2 })
    await link.jsm.streams.purge(streamOf(namespace, name), { seq: 4 })
    work('a')
    const from = { link, log, namespace, replicas: 1, definitions, plans: on.plans }
    const problems = async () =>
      Object.keys((await statusOf(from)).workers[0]?.problems ?? {})
        .toSorted()
        .join()
    await until(async () => (await problems()) === 'stage.ailing,stage.still')
    await definitions.move('still', (now) => ({ ...now, state: 'paused' }))
    await until(async () => (await problems()) === 'stage.ailing', 10)
    // by now it rests for 4 s after a failure
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    await begin('ailing', { type: 'all' })
    await until(async () => (await newestHead(log, layout.stage('ailing')))?.inputs[0]?.to === 5, 2)
    await until(async () => (await problems()) === '', 10)
  })

  test('a finite feed that is over says so, and what to do where all of it was let go', async () => {
    const finite = (name: string) => {
      const definition = drawn(name)
      definition.nodes.trades.params = { minutes: 3, seed: 7 }
      return definition
    }
    const plan = await planner(finite('first'))
    const feed = feedName(plan.sources[0] as never)
    await put(finite('first'))
    const first = work('a')
    await until(async () => said.some((line) => line.startsWith(`a: ${feed}: the source ended`)))
    first.abort()
    await until(async () => said.includes('a: worker a is down'))
    await link.jsm.streams.purge(streamOf(namespace, layout.tick(feed)))
    await put(finite('second'))
    work('b')
    const lost = await until(async () => said.find((line) => line.startsWith(`b: feed.${feed}: LOG_LOST`)))
    expect(lost).toContain('delete the stream')
  })

  test('signals whose last one is gone are not published all over again, and that is told', async () => {
    const definition = drawn('forgotten')
    const plan = await planner(definition)
    const expected = await backtested(plan)
    await put(definition)
    const first = work('a')
    await until(done(plan, expected))
    const wanted = expected.filter((id) => id.startsWith('forgotten/above/'))
    await until(async () => (await signals('forgotten')).length >= wanted.length)
    first.abort()
    await until(async () => said.includes('a: worker a is down'))
    await link.jsm.streams.purge(`${namespace}-sig-forgotten`)
    work('b')
    await until(async () => said.some((line) => line.includes('signals.forgotten: LOG_LOST')))
    expect((await link.jsm.streams.info(`${namespace}-sig-forgotten`)).state.messages).toBe(0)
  })

  test('commits that were let go, and may have said what was not published, are told', async () => {
    const definition = drawn('trimmed')
    const plan = await planner(definition)
    const expected = await backtested(plan)
    await put(definition)
    const first = work('a')
    await until(done(plan, expected))
    await until(async () => (await link.jsm.streams.info(`${namespace}-sig-trimmed`)).state.messages > 0)
    first.abort()
    await until(async () => said.includes('a: worker a is down'))
    const stage = streamOf(namespace, layout.stage('trimmed'))
    const told = async (name: string) => {
      const stop = new AbortController()
      const events = await eventsOf({ link, namespace, replicas: 1 }, 'trimmed', 'signals_uncertain', stop.signal)
      const worker = work(name)
      await until(async () => said.some((line) => line.startsWith(`${name}: signals of trimmed`)))
      const { value } = await events.next()
      stop.abort()
      worker.abort()
      await until(async () => said.includes(`${name}: worker ${name} is down`))
      return value as unknown
    }
    // nothing says how far they got; then the last one does
    await link.jsm.streams.delete(`${namespace}-sig-trimmed`)
    await link.jsm.streams.purge(stage, { seq: 5 })
    expect(await told('b')).toMatchObject({ stream: layout.stage('trimmed'), from: 1, to: 4 })
    // as if it had been killed before it said so
    await link.jsm.streams.purge(`${namespace}-evt`, { filter: `${namespace}.evt.trimmed.signals_reached` })
    const { last_seq } = (await link.jsm.streams.info(stage)).state
    await link.jsm.streams.purge(stage)
    expect(await told('c')).toMatchObject({ stream: layout.stage('trimmed'), to: last_seq })
  })

  test('what a worker of an older release cannot plan is done by the others', async () => {
    const definition = drawn('newer')
    const plan = await planner(definition)
    const expected = await backtested(plan)
    work('old', false, async (given) => {
      if ((given as { pipeline: string }).pipeline === 'newer') throw new Error('an unknown component')
      return planner(given)
    })
    work('new')
    await until(async () => said.includes('old: worker old is up') && said.includes('new: worker new is up'))
    await put(drawn('older'))
    await put(definition)
    await until(done(plan, expected))
    const wanted = expected.filter((id) => id.startsWith('newer/above/'))
    await until(async () => said.includes('new: took signals.newer'))
    await until(async () => (await signals('newer')).length >= wanted.length)
    await until(done(await planner(drawn('older')), expected))
    expect(said.filter((line) => line.startsWith('old: took')).length).toBeGreaterThan(0)
  })

  test('two workers of one name: the second is told', async () => {
    work('same')
    await until(async () => said.includes('same: worker same is up'))
    const notice = () => {}
    const own = { name: 'same', release: 'test', planner, clock: wallClock, random: Math.random, notice }
    const second = Worker.run({ link, log, namespace, ...own }, new AbortController().signal)
    await expect(second).rejects.toMatchObject({ code: 'WORKER_NAME_TAKEN' })
  })

  test('a worker that waits for its name does not take an outage of the server for another worker', async () => {
    const own = await NatsServer.start({ binary: binary as string })
    const other = await openLink({ servers: own.url, name: 'other' })
    const stop = new AbortController()
    try {
      const old = await Leases.open(other, namespace, { worker: 'same', instance: 'old' })
      await old.acquire('worker.same')
      const world = { link: other, log: await openJetStreamLog(other, { namespace }), namespace }
      const notice = (text: string) => said.push(text)
      const rest = { name: 'same', release: 'test', planner, clock: wallClock, random: Math.random, notice }
      const worker = Worker.run({ ...world, ...rest }, stop.signal)
      worker.catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 500))
      await own.kill()
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      await own.restart()
      const up = until(async () => said.includes('worker same is up'))
      await Promise.race([up, worker.then(() => up)])
      stop.abort()
      await worker
    } finally {
      stop.abort()
      await other.close()
      await own.stop()
    }
  })

  test('a worker that is stopped while the server is away ends', async () => {
    const own = await NatsServer.start({ binary: binary as string })
    const other = await openLink({ servers: own.url, name: 'other' })
    const stop = new AbortController()
    try {
      const there = await openJetStreamLog(other, { namespace })
      const stored = await Definitions.open(other, namespace)
      const definition = drawn('stopped')
      definition.nodes.trades.params.minutes = 100_000
      const plan = await planner(definition)
      const to = { definitions: stored, log: there, plans: new Plans(stored, planner) }
      await deploy(to, { definition, plan, release: 'test', by: 'test', at: 'now', start: { type: 'all' } })
      const notice = (text: string) => said.push(text)
      const rest = { name: 'a', release: 'test', planner, clock: wallClock, random: Math.random, notice }
      const worker = Worker.run({ link: other, log: there, namespace, ...rest }, stop.signal)
      await until(async () => (await newestHead(there, layout.stage('stopped')))?.inputs[0]?.to !== undefined)
      await own.kill()
      await new Promise((resolve) => setTimeout(resolve, 300))
      stop.abort()
      const ended = worker.then(
        () => 'ended',
        () => 'ended',
      )
      const late = new Promise((resolve) => setTimeout(() => resolve('late'), 60_000))
      expect(await Promise.race([ended, late])).toBe('ended')
    } finally {
      await other.close()
      await own.stop()
    }
  })
})
