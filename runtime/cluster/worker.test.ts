import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { operators } from '../../operators/catalogue.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { NatsServer, natsServerBinary } from '../../testing/nats_server.ts'
import { wallClock } from '../clock.ts'
import type { Committed } from '../connect.ts'
import { backtest } from '../environment/backtest.ts'
import { type Link, openLink } from '../log/jetstream/link.ts'
import { openJetStreamLog } from '../log/jetstream/log.ts'
import { layout } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import { type Plan, plan as planOf } from '../plan.ts'
import { replay } from '../replay.ts'
import { committed } from '../stage.ts'
import { Definitions } from './definitions.ts'
import { type Deploying, deploy, promote, shadow } from './deploy.ts'
import { Plans } from './plans.ts'
import { inputsOf } from './stage_task.ts'
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
  let server: NatsServer
  let link: Link
  let log: Log
  let on: Deploying
  let namespace = ''
  let n = 0
  const stops: AbortController[] = []
  const runs: Promise<void>[] = []
  const said: string[] = []
  beforeAll(async () => {
    server = await NatsServer.start({ binary: binary as string })
    link = await openLink({ servers: server.url, name: 'test' })
  })
  afterAll(async () => {
    await link?.close()
    await server?.stop()
  })
  beforeEach(async () => {
    namespace = `w${n++}`
    log = await openJetStreamLog(link, { namespace })
    const definitions = await Definitions.open(link, namespace)
    on = { definitions, log, plans: new Plans(definitions, planner) }
    said.length = 0
  })
  afterEach(async () => {
    for (const stop of stops.splice(0)) stop.abort()
    await Promise.all(runs.splice(0))
    await log.close()
  })

  function work(name: string, audit = false): AbortController {
    const stop = new AbortController()
    stops.push(stop)
    const notice = (text: string) => said.push(`${name}: ${text}`)
    const own = { name, release: 'test', planner, clock: wallClock, random: Math.random, audit, notice }
    runs.push(Worker.run({ link, log, namespace, ...own }, stop.signal))
    return stop
  }
  async function put(definition: ReturnType<typeof drawn>, ranges?: number) {
    const plan = await planner(definition)
    const meta = { release: 'test', by: 'test', at: 'now', ranges }
    return deploy(on, { definition, plan, ...meta, start: { type: 'all' } })
  }
  async function until<T>(what: () => Promise<T | undefined | false>, seconds = 20): Promise<T> {
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
    expect(await replay(plan, log, { inputs, committedBy: plan })).toMatchObject({
      equal: true,
      outputs: expected.length,
    })
  }, 30_000)

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
  }, 40_000)

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
  }, 40_000)

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

  test('two workers of one name: the second is told', async () => {
    work('same')
    await until(async () => said.includes('same: worker same is up'))
    const notice = () => {}
    const own = { name: 'same', release: 'test', planner, clock: wallClock, random: Math.random, notice }
    const second = Worker.run({ link, log, namespace, ...own }, new AbortController().signal)
    await expect(second).rejects.toMatchObject({ code: 'WORKER_NAME_TAKEN' })
  }, 20_000)
})
