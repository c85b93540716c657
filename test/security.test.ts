import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signals } from '../client/mod.ts'
import { operators } from '../operators/catalogue.ts'
import { wallClock } from '../runtime/clock.ts'
import { Definitions } from '../runtime/cluster/definitions.ts'
import { deploy } from '../runtime/cluster/deploy.ts'
import { runFeed } from '../runtime/cluster/feed.ts'
import { feedName } from '../runtime/cluster/feed_name.ts'
import { Leases } from '../runtime/cluster/leases.ts'
import { Plans } from '../runtime/cluster/plans.ts'
import { prepare } from '../runtime/cluster/prepare.ts'
import { inputsOf } from '../runtime/cluster/stage_task.ts'
import { Worker } from '../runtime/cluster/worker.ts'
import { type Link, openLink } from '../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../runtime/log/jetstream/log.ts'
import { provision } from '../runtime/log/jetstream/provision.ts'
import { layout, retentionOf, streamOf } from '../runtime/log/layout.ts'
import { type Plan, plan as planOf } from '../runtime/plan.ts'
import { replay } from '../runtime/replay.ts'
import { sinks } from '../sinks/catalogue.ts'
import { sources } from '../sources/catalogue.ts'
import { NatsServer, natsServerBinary } from '../testing/nats_server.ts'

const definition = {
  pipeline: 'guarded',
  nodes: {
    trades: { source: 'synthetic_market', params: { minutes: 200, seed: 3 } },
    bars: { op: 'time_bars', from: 'trades', params: { every: '10s' } },
    trend: { op: 'ema', from: 'bars', params: { span: 5 } },
    above: { op: 'cross', from: 'bars', latest: { trend: 'trend' } },
    publish: { sink: 'signals', from: 'above' },
  },
}
const planner = async (raw: unknown): Promise<Plan> => planOf(raw, { operators, sources, sinks }, 'paper')
const binary = natsServerBinary()
type Role = 'ingest' | 'worker' | 'executor' | 'orders' | 'operator' | 'subscriber' | 'replay'

describe.skipIf(binary === undefined)('the shipped server configuration (apt-get install nats-server)', () => {
  const keys = join(mkdtempSync(join(tmpdir(), 'tidegate-keys-')), 'keys')
  const file = (name: string) => join(keys, name)
  const tls = { ca: file('ca.crt'), cert: file('client.crt'), key: file('client.key') }
  let server: NatsServer
  const links = new Map<string, Link>()
  beforeAll(async () => {
    execFileSync('bash', ['deploy/nats/make_keys.sh', keys])
    server = await NatsServer.start({
      ...{ binary: binary as string, config: 'nats.conf', folder: keys, jetstream: false },
      environment: { TIDEGATE_NATS_PORT: '-1', TIDEGATE_NATS_STORE: file('js') },
    })
  })
  afterAll(async () => {
    for (const link of links.values()) await link.close()
    await server?.stop()
    rmSync(join(keys, '..'), { recursive: true, force: true })
  })
  async function as(role: Role, mode = 'paper'): Promise<Link> {
    const there = links.get(`${mode}.${role}`)
    if (there !== undefined) return there
    const link = await openLink({ servers: server.url, name: role, role, tls, credentials: file(`${mode}_${role}.nk`) })
    links.set(`${mode}.${role}`, link)
    return link
  }
  const publish = async (role: Role, subject: string) =>
    (await (await as(role)).exchange.publish(subject, new Uint8Array(1), {})).type

  test('each role does what it is for: operator, ingest, worker, subscriber, replay', async () => {
    const plan = await planner(definition)
    const operator = await as('operator')
    const log = await openJetStreamLog(operator, { namespace: 'paper' })
    const definitions = await Definitions.open(operator, 'paper')
    const place = { link: operator, log, namespace: 'paper', replicas: 1 }
    const on = {
      ...{ definitions, log, plans: new Plans(definitions, planner) },
      prepare: (pipeline: string, ranges: number) => prepare(place, pipeline, ranges),
    }
    const meta = { release: 'test', by: 'test', at: 'now', start: { type: 'all' } as const }
    const leaky = { ...definition, api_key: 'AKIA' }
    await expect(deploy(on, { definition: leaky, plan, ...meta })).rejects.toMatchObject({ code: 'DEPLOY_REFUSED' })
    const { pointer } = await deploy(on, { definition, plan, ...meta })

    const [source] = plan.sources
    const ingest = await as('ingest')
    const own = { link: ingest, log: await openJetStreamLog(ingest, { namespace: 'paper' }), namespace: 'paper' }
    const fed = await runFeed(
      { ...own, replicas: 1, source: source as never, ranges: 1, clock: wallClock, random: Math.random, notice() {} },
      new AbortController().signal,
    )
    expect(fed.ended).toBe(true)
    await (await Leases.open(ingest, 'paper', { worker: 'i', instance: 'i' })).acquire('task.feed.x')

    const worker = await as('worker')
    const stop = new AbortController()
    const said: string[] = []
    const working = Worker.run(
      {
        ...{ link: worker, log: await openJetStreamLog(worker, { namespace: 'paper' }), namespace: 'paper', name: 'w' },
        ...{ release: 'test', planner, clock: wallClock, random: Math.random, audit: true },
        notice: (text) => said.push(text),
      },
      stop.signal,
    )
    const subscriber = await as('subscriber')
    let count = 0
    for await (const signal of signals(subscriber.nc, 'guarded', { from: 'all' })) {
      expect(signal.pipeline).toBe('guarded')
      if (++count === 5) break
    }
    stop.abort()
    await working
    expect(said.filter((line) => line.includes('NATS_REFUSED'))).toEqual([])

    const reader = await openJetStreamLog(await as('replay'), { namespace: 'paper' })
    const inputs = await inputsOf(plan, pointer, { part: 0, of: 1 }, reader)
    const options = { inputs, name: layout.stage('guarded'), committedBy: plan }
    expect(await replay(plan, reader, options)).toMatchObject({ equal: true })
  })

  const forbidden: readonly (readonly [Role, readonly string[]])[] = [
    ['replay', ['paper.ord.a.v.1', 'paper.sig.p.n.v.s', 'paper.stage.p', 'paper.tick.f', '$KV.paper-definitions.p.v1']],
    [
      'subscriber',
      ['paper.ord.a.v.1', 'paper.sig.p.n.v.s', 'paper.stage.p', '$JS.API.STREAM.DELETE.paper-sig-guarded'],
    ],
    ['worker', ['paper.ord.a.v.1', 'paper.fill.a.v.1', '$KV.paper-definitions.p.v1', '$JS.API.STREAM.PURGE.paper-ord']],
    ['ingest', ['paper.stage.p', 'paper.sig.p.n.v.s', 'paper.ord.a.v.1', '$KV.paper-definitions.p.v1']],
    [
      'executor',
      ['paper.ord.a.v.1', 'paper.stage.p', 'paper.sig.p.n.v.s', 'paper.tick.f', '$KV.paper-definitions.p.v1'],
    ],
    ['orders', ['paper.stage.p', 'paper.sig.p.n.v.s', 'paper.tick.f', '$KV.paper-definitions.p.v1']],
    ['operator', ['paper.ord.a.v.1', 'paper.fill.a.v.1', 'paper.stage.p', 'paper.sig.p.n.v.s']],
  ]
  test.each(forbidden)('%s may not publish what is not its own', async (role, subjects) => {
    for (const subject of subjects) expect(`${subject} ${await publish(role, subject)}`).toBe(`${subject} refused`)
  })
  test('what is refused is said: a replay that would append is NATS_REFUSED', async () => {
    const log = await openJetStreamLog(await as('replay'), { namespace: 'paper' })
    const stream = await log.open(layout.stage('guarded'))
    const { last } = (await stream?.state()) ?? { last: 0 }
    await expect(stream?.append(new Uint8Array(1), last)).rejects.toMatchObject({ code: 'NATS_REFUSED' })
    await expect(log.stream('stage.new')).rejects.toMatchObject({ code: 'NATS_REFUSED' })
  })
  test.each(['ingest', 'worker', 'executor', 'subscriber', 'replay'] as const)(
    '%s may not make a stream, which could republish on any subject, nor change or delete one',
    async (role) => {
      const { streams } = (await as(role)).jsm
      const sly = { name: 'sly', subjects: ['x.tick.y'], republish: { src: 'x.tick.y', dest: 'paper.sig.p.n.v.s' } }
      const denied = { cause: { name: 'PermissionViolationError' } }
      await expect(streams.add(sly)).rejects.toMatchObject(denied)
      await expect(streams.update('paper-sig-guarded', { republish: sly.republish })).rejects.toMatchObject(denied)
      await expect(streams.delete('paper-sig-guarded')).rejects.toMatchObject(denied)
    },
  )
  test.each(['replay', 'subscriber'])('the key of the operator opens what is for %s', async (role) => {
    const credentials = file('paper_operator.nk')
    const link = await openLink({ servers: server.url, name: role, role, tls, credentials })
    expect(await (await openJetStreamLog(link, { namespace: 'paper' })).open(layout.stage('guarded'))).toBeDefined()
    await link.close()
  })
  test('the key of another role is NATS_REFUSED, and nothing waits for answers that cannot come', async () => {
    const credentials = file('paper_ingest.nk')
    const link = await openLink({ servers: server.url, name: 'worker', role: 'worker', tls, credentials })
    const refused = { code: 'NATS_REFUSED' }
    await expect(openJetStreamLog(link, { namespace: 'paper' })).rejects.toMatchObject(refused)
    expect((await link.exchange.publish('paper.tick.f', new Uint8Array(1), {})).type).toBe('refused')
    await link.close()
  })
  test('a replay that has the server deliver to an order subject reaches no orders', async () => {
    const orders = await as('orders')
    const ord = { name: 'paper-ord', subjects: ['paper.ord.>'], replicas: 1, description: 'orders' }
    await provision(orders, { ...ord, retention: retentionOf('ord') })
    expect((await orders.exchange.publish('paper.ord.a.v.1', new Uint8Array(1), {})).type).toBe('stored')
    const { jsm, nc } = await as('replay')
    const plan = await planner(definition)
    const ticks = streamOf('paper', layout.tick(feedName(plan.sources[0] as never)))
    const { name } = await jsm.consumers.add(ticks, { name: 'sly', inactive_threshold: 60e9 })
    nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${ticks}.${name}`, '{"batch":1}', { reply: 'paper.ord.a.v.2' })
    await nc.flush()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect((await orders.jsm.streams.info('paper-ord')).state.messages).toBe(1)
  })
  test('accounts share nothing: live sees no stream of paper', async () => {
    const plan = await planner(definition)
    const log = await openJetStreamLog(await as('operator', 'live'), { namespace: 'paper' })
    expect(await log.open(layout.tick(feedName(plan.sources[0] as never)))).toBeUndefined()
  })
  test('nobody gets in without a key, with a wrong one, without a certificate or without TLS', async () => {
    const others = join(keys, 'others')
    execFileSync('bash', ['deploy/nats/make_keys.sh', others])
    const refused = { code: 'NATS_REFUSED' }
    const open = (options: object) => openLink({ servers: server.url, name: 'nobody', ...options })
    await expect(open({ tls })).rejects.toMatchObject(refused)
    await expect(open({ tls, credentials: join(others, 'paper_worker.nk') })).rejects.toMatchObject(refused)
    // an end during the handshake may reach us before or after its reason
    const either = { code: expect.stringMatching(/^NATS_/) }
    const credentials = file('paper_worker.nk')
    await expect(open({ tls: { ca: tls.ca }, credentials })).rejects.toMatchObject(either)
    await expect(open({ credentials })).rejects.toMatchObject(either)
  })
})
