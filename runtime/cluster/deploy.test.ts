import { beforeEach, describe, expect, test } from 'vitest'
import { operators } from '../../operators/catalogue.ts'
import type { TidegateError } from '../../schemas/errors.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { natsLink } from '../../test/nats_link.ts'
import { natsServerBinary } from '../../testing/nats_server.ts'
import { decodeCommit } from '../commit.ts'
import { encodeItems } from '../feed.ts'
import type { Link } from '../log/jetstream/link.ts'
import { openJetStreamLog } from '../log/jetstream/log.ts'
import { layout, streamOf } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import { type Plan, plan as planOf } from '../plan.ts'
import { replay } from '../replay.ts'
import { Definitions, type Pointer } from './definitions.ts'
import { type Deploying, type DeployOptions, deploy, promote, shadow } from './deploy.ts'
import { tickStreams } from './feed_name.ts'
import { Plans } from './plans.ts'
import { recompute } from './recompute.ts'
import { savepoint, savepointOf } from './savepoints.ts'
import { inputsOf, runStage } from './stage_task.ts'
import { tasksOf } from './tasks.ts'

const catalogue = { operators, sources, sinks }
const planner = async (definition: unknown): Promise<Plan> => planOf(definition, catalogue, 'paper')
const range = { part: 0, of: 1 }
const market = (seed: number) => ({ source: 'synthetic_market', params: { minutes: 600, seed } })
const bars = (from: string, every = '10s') => ({ op: 'time_bars', from, params: { every } })

const binary = natsServerBinary()
describe.skipIf(binary === undefined)('versions on a nats-server (apt-get install nats-server)', () => {
  let link: Link
  let log: Log
  let on: Deploying
  let namespace: string
  let n = 0
  natsLink(binary, (opened) => {
    link = opened
  })
  beforeEach(async () => {
    namespace = `d${n++}`
    log = await openJetStreamLog(link, { namespace })
    const definitions = await Definitions.open(link, namespace)
    on = { definitions, log, plans: new Plans(definitions, planner) }
  })

  type Drawn = { readonly pipeline: string; readonly nodes: object }
  async function give(definition: Drawn, options: Partial<DeployOptions> = {}, to = on) {
    const plan = await planner(definition)
    return deploy(to, { definition, plan, release: 'test', by: 'test', at: 'now', ...options })
  }
  async function put(definition: Drawn): Promise<Plan> {
    const isNew = (await on.definitions.pointer(definition.pipeline)) === undefined
    await give(definition, isNew ? { start: { type: 'all' } } : {})
    return planner(definition)
  }
  /** Puts some ticks into each feed of a plan. */
  async function tick(plan: Plan, count: number): Promise<void> {
    for (const [s, { name }] of tickStreams(plan, range).entries()) {
      const stream = await log.stream(name)
      for (let i = 0; i < count; i++) {
        const { last } = await stream.state()
        const value = { price: 100 + (last % 7), size: 1, side: 0, id: last }
        const items = [{ type: 'row', at: (last + 1) * 4e6, key: 'v:A', value }] as const
        await stream.append(encodeItems(plan.sources[s] as never, items)[0] as Uint8Array, last)
      }
    }
  }
  /** Lets the version that runs take everything there is. */
  async function take(pipeline: string): Promise<void> {
    const { pointer } = await on.definitions.require(pipeline)
    const plan = await on.plans.of(pipeline, pointer.version)
    const until: Record<string, number> = {}
    for (const { name } of tickStreams(plan, range)) until[name] = (await (await log.stream(name)).state()).last
    const upgrade = (hash: string) => on.plans.byHash(pipeline, hash)
    const own = { plan, range, log, owner: 'test', upgrade }
    await runStage({ ...own, pointer: { ...pointer, until } }, new AbortController().signal)
  }
  /** Which records of each stream were taken, in the order of the commits. */
  async function taken(pipeline: string): Promise<Record<string, readonly number[]>> {
    const all: Record<string, number[]> = {}
    for await (const { seq, data } of (await log.stream(layout.stage(pipeline))).read(1))
      for (const { stream, from, to } of decodeCommit(data, seq).head.inputs) {
        all[stream] ??= []
        for (let record = from; record <= to; record++) all[stream].push(record)
      }
    return all
  }

  test('what a stage is to begin with may be let go while it opens', async () => {
    const definition = { pipeline: 'edge', nodes: { a: market(1), of_a: bars('a') } }
    const plan = await planner(definition)
    await tick(plan, 5)
    const [{ name = '' } = {}] = tickStreams(plan, range)
    const { pointer } = await give(definition, { start: { type: 'all' } })
    const stream = streamOf(namespace, name)
    let purged: Promise<unknown> | undefined
    const probe = () => {
      purged ??= link.jsm.streams.purge(stream, { seq: 2 })
    }
    const own = { plan, range, log, owner: 'test', upgrade: async () => plan, probe }
    await runStage({ ...own, pointer: { ...pointer, until: { [name]: 5 } } }, new AbortController().signal)
    await purged
    expect(await taken('edge')).toEqual({ [name]: [1, 2, 3, 4, 5] })
  })

  test('a feed that a version left out, and that a rollback brings back, is not taken from its start again', async () => {
    const two = { pipeline: 'p', nodes: { a: market(1), b: market(2), of_a: bars('a'), of_b: bars('b') } }
    const { b: _b, of_b: _of_b, ...less } = two.nodes
    const first = await put(two)
    const [a = '', b = ''] = tickStreams(first, range).map(({ name }) => name)
    await tick(first, 5)
    await take('p')
    await put({ pipeline: 'p', nodes: less })
    await promote(on, 'p', {})
    await tick(first, 5)
    await take('p')
    await promote(on, 'p', { version: 1 })
    await tick(first, 5)
    await take('p')
    const all = await taken('p')
    expect(all[a]).toEqual(Array.from({ length: 15 }, (_, i) => i + 1))
    expect(all[b]).toEqual([1, 2, 3, 4, 5, 11, 12, 13, 14, 15])
  })

  test('a version that committed nothing hides no loss of money behind it', async () => {
    const trading = (span: number, notional: number) => ({
      pipeline: 'q',
      nodes: {
        trades: market(1),
        bars: bars('trades'),
        trend: { op: 'ema', from: 'bars', params: { span } },
        above: { op: 'cross', from: 'bars', latest: { trend: 'trend' } },
        sized: { op: 'fixed_notional', from: 'above', params: { notional: 10 } },
        gate: {
          op: 'risk_gate',
          from: { intent: 'sized', fill: 'execute.fill', order: 'execute.order' },
          params: { max_notional: notional },
        },
        execute: { sink: 'simulated_venue', from: 'gate.approved' },
      },
    })
    const first = await put(trading(5, 5000))
    await tick(first, 5)
    await take('q')
    const keep = { keep: ['gate'] }
    const add = async (definition: ReturnType<typeof trading>) =>
      deploy(on, {
        ...{ definition, plan: await planner(definition), release: 'test', by: 'test', at: 'now' },
        state: keep,
      })
    await add(trading(5, 6000))
    await promote(on, 'q', { state: keep })
    await add(trading(7, 6000))
    // nothing of version 2 is in the log: version 3 goes on with the state of version 1
    await expect(promote(on, 'q', {})).rejects.toMatchObject({ code: 'DEPLOY_REFUSED' })
    const { pointer } = await promote(on, 'q', { state: keep })
    expect(pointer).toMatchObject({ version: 3, keep: ['gate'] })
    await tick(first, 5)
    await take('q')
  })

  test('two nodes that read one feed each take it once, whoever goes on with them', async () => {
    const plan = await put({ pipeline: 'r', nodes: { a: market(1), b: market(1), of_a: bars('a'), of_b: bars('b') } })
    const ticks = await log.stream(tickStreams(plan, range)[0]?.name as string)
    for (const last of [5, 10, 15]) {
      for (let i = last - 5; i < last; i++) {
        const items = [
          { type: 'row', at: (i + 1) * 4e6, key: 'v:A', value: { price: 1, size: 1, side: 0, id: i } },
        ] as const
        await ticks.append(encodeItems(plan.sources[0] as never, items)[0] as Uint8Array, i)
      }
      await take('r')
    }
    const each = Array.from({ length: 15 }, (_, i) => [i + 1, i + 1]).flat()
    expect((await taken('r'))[ticks.name]?.toSorted((a, b) => a - b)).toEqual(each)
  })

  test('a version that reads fewer feeds than the one before can be recomputed', async () => {
    const two = { pipeline: 's', nodes: { b: market(2), a: market(1), of_a: bars('a'), of_b: bars('b') } }
    const { b: _b, of_b: _of_b, ...less } = two.nodes
    const first = await put(two)
    await tick(first, 5)
    await take('s')
    const second = await put({ pipeline: 's', nodes: less })
    const { pointer } = await promote(on, 's', {})
    await tick(first, 5)
    await take('s')
    const inputs = await inputsOf(second, pointer, range, log)
    const done = await replay(second, log, { inputs, name: layout.stage('s'), committedBy: second })
    expect(done).toMatchObject({ equal: true, records: 5 })
  })

  test('what a version committed before it was promoted away and back is compared, and what it commits now', async () => {
    const one = { pipeline: 't', nodes: { a: market(1), of_a: bars('a') } }
    const first = await put(one)
    await tick(first, 5)
    await take('t')
    await put({ pipeline: 't', nodes: { ...one.nodes, more: bars('a', '20s') } })
    for (const version of [2, 1]) {
      await promote(on, 't', { version })
      await tick(first, 5)
      await take('t')
    }
    const { pointer } = await on.definitions.require('t')
    const stage = { inputs: await inputsOf(first, pointer, range, log), name: layout.stage('t'), committedBy: first }
    const stretches = await recompute(first, log, stage)
    expect(stretches).toMatchObject([
      { equal: true, records: 5 },
      { equal: true, records: 5 },
    ])
    expect(stretches[1]?.commits.to).toBe((await (await log.stream(layout.stage('t'))).state()).last)
  })

  const plain = (pipeline: string, every = '10s') => ({ pipeline, nodes: { a: market(1), of_a: bars('a', every) } })

  test('what is deployed twice is there once, whether it runs or waits', async () => {
    expect(await give(plain('once'))).toMatchObject({ added: true, live: true, deployed: { version: 1 } })
    expect(await give(plain('once'))).toMatchObject({ added: false, live: true, deployed: { version: 1 } })
    expect(await give(plain('once', '20s'))).toMatchObject({ added: true, live: false, deployed: { version: 2 } })
    const again = await Promise.all([give(plain('once', '20s')), give(plain('once', '20s'))])
    for (const one of again)
      expect(one).toMatchObject({ added: false, live: false, deployed: { version: 2 }, pointer: { candidate: 2 } })
    // a version that is not the newest any more is deployed as a new one: the newest is what is promoted
    await give(plain('once', '30s'))
    expect(await give(plain('once', '20s'))).toMatchObject({ deployed: { version: 4 }, pointer: { candidate: 4 } })
  })

  test('the same definition deployed by several at once is one version', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => give(plain('together'))))
    expect(all.map(({ deployed, live }) => [deployed.version, live])).toEqual(all.map(() => [1, true]))
    expect(all.filter(({ added }) => added)).toHaveLength(1)
  })

  test('the first deploy of a pipeline that another one comes before is one of a pipeline that is there', async () => {
    const { definitions } = on
    const late = (pipeline: string, options: Partial<DeployOptions>) => {
      const place = async (pointer: Pointer) => {
        await give(plain(pipeline), { start: { type: 'all' }, ranges: 1 })
        return definitions.place(pointer)
      }
      const slow = Object.assign(Object.create(definitions) as Definitions, { place })
      return give(plain(pipeline), options, { ...on, definitions: slow })
    }
    expect(await reasonsOf(late('wide', { ranges: 4 }))).toEqual([
      '4 ranges, but the pipeline was made with 1, and ranges are fixed',
    ])
    const { pointer, begins } = await late('placed', { start: { type: 'now' } })
    expect({ begins, start: Object.values(pointer.start) }).toEqual({ begins: true, start: [1] })
  })

  test('a deploy that is slow does not take the place of a later one', async () => {
    await give(plain('race'))
    const { definitions } = on
    const slow = Object.assign(Object.create(definitions) as Definitions, {
      add: async (...given: Parameters<Definitions['add']>) => {
        const added = await definitions.add(...given)
        expect(await give(plain('race', '30s'))).toMatchObject({ pointer: { candidate: 3 } })
        return added
      },
    })
    const first = give(plain('race', '20s'), {}, { ...on, definitions: slow })
    expect(await first).toMatchObject({ deployed: { version: 2 }, pointer: { candidate: 3 } })
  })

  const reasonsOf = (work: Promise<unknown>): Promise<readonly string[]> =>
    work.then(
      () => [],
      (error: TidegateError) => error.info['reasons'] as readonly string[],
    )

  test('where to begin, and states to keep or drop, are refused where a deploy could not do what they say', async () => {
    const start = { type: 'all' } as const
    expect(await reasonsOf(give(plain('said'), { state: { keep: ['a'], drop: ['of_a'] } }))).toEqual([
      'nothing ran before: there is no state of "a" to keep',
      'nothing ran before: there is no state of "of_a" to drop',
    ])
    await give(plain('said'), { start })
    expect(await reasonsOf(give(plain('said', '20s'), { start }))).toEqual([
      'the pipeline is there and goes on where it stands: --from, --from-seq and --from-time are for one that is new',
    ])
    const wider = { pipeline: 'said', nodes: { ...plain('said').nodes, more: bars('a', '20s') } }
    expect(await reasonsOf(give(wider, { state: { drop: ['of_a', 'more', 'nobody'] } }))).toEqual([
      'the state of "of_a" goes on: --drop-state of_a would not drop it',
      'there is no state of "more" to drop',
      'there is no state of "nobody" to drop',
    ])
    expect(await reasonsOf(give(plain('said', '20s'), { state: { drop: ['of_a'] } }))).toEqual([])
  })

  test('the very deploy said again changes nothing, also when the pipeline has begun', async () => {
    const plan = await planner(plain('again'))
    await tick(plan, 5)
    const { pointer } = await give(plain('again'), { start: { type: 'seq', seq: 2 } })
    await take('again')
    for (const start of [undefined, { type: 'seq', seq: 2 }] as const)
      expect(await give(plain('again'), { start })).toMatchObject({ added: false, begins: false, live: true, pointer })
    const elsewhere = give(plain('again'), { start: { type: 'seq', seq: 3 } })
    expect(await reasonsOf(elsewhere)).toEqual([
      'the pipeline is there and goes on where it stands: --from, --from-seq and --from-time are for one that is new',
    ])
    await give(plain('plain'))
    expect(await give(plain('plain'), { start: { type: 'now' } })).toMatchObject({ added: false, begins: false })
  })

  test('a pipeline that took nothing yet begins where a later deploy says', async () => {
    const plan = await planner(plain('unbegun'))
    const [{ name = '' } = {}] = tickStreams(plan, range)
    await tick(plan, 5)
    const asked = { type: 'seq', seq: 2 } as const
    const { pointer } = await give(plain('unbegun'), { start: asked })
    await link.jsm.streams.purge(streamOf(namespace, name), { seq: 4 })
    await expect(take('unbegun')).rejects.toMatchObject({
      code: 'LOG_LOST',
      message: expect.stringContaining('tidegate deploy FILE --from all') as string,
    })
    // what is gone cannot be begun with, however often it is asked for
    await expect(give(plain('unbegun'), { start: asked })).rejects.toMatchObject({ code: 'LOG_LOST' })
    expect(await give(plain('unbegun'))).toMatchObject({ added: false, begins: false, pointer })
    const all = { start: { type: 'all' } } as const
    for (const begins of [true, false]) {
      const again = await give(plain('unbegun'), all)
      expect(again).toMatchObject({ added: false, begins })
      expect(again.pointer.start).toEqual({})
    }
    await take('unbegun')
    expect(await taken('unbegun')).toEqual({ [name]: [4, 5] })
  })

  test('a place to begin whose records are gone is looked for anew when it is asked for again', async () => {
    const plan = await planner(plain('later'))
    const [{ name = '' } = {}] = tickStreams(plan, range)
    const now = { start: { type: 'now' } } as const
    expect(await give(plain('later'), now)).toMatchObject({ pointer: { start: { [name]: 1 } } })
    await tick(plan, 5)
    expect(await give(plain('later'), now)).toMatchObject({ begins: false, pointer: { start: { [name]: 1 } } })
    await link.jsm.streams.purge(streamOf(namespace, name), { seq: 4 })
    expect(await give(plain('later'), now)).toMatchObject({ begins: true, pointer: { start: { [name]: 6 } } })
  })

  /** Does something once, between the first look at a pipeline and what follows it. */
  function lookedAt(meanwhile: () => Promise<unknown>): Deploying {
    const { definitions } = on
    let looked = false
    const require = async (pipeline: string) => {
      const held = await definitions.require(pipeline)
      if (!looked) {
        looked = true
        await meanwhile()
      }
      return held
    }
    return { ...on, definitions: Object.assign(Object.create(definitions) as Definitions, { require }) }
  }

  test('a rollback is refused where something else ran before meanwhile', async () => {
    for (const every of ['10s', '20s', '30s']) await give(plain('back', every))
    await promote(on, 'back', { version: 2 })
    const back = (meanwhile: () => Promise<unknown>) => promote(lookedAt(meanwhile), 'back', { version: 'previous' })
    expect(await reasonsOf(back(() => promote(on, 'back', { version: 3 })))).toEqual([
      'version 3 was promoted meanwhile',
    ])
    // the same version runs as before, after another
    const thereAndBack = async () => {
      await promote(on, 'back', { version: 1 })
      await promote(on, 'back', { version: 3 })
    }
    expect(await reasonsOf(back(thereAndBack))).toEqual(['version 3 was promoted meanwhile'])
    expect(await promote(on, 'back', { version: 'previous' })).toMatchObject({ from: 3, pointer: { version: 1 } })
    await give(plain('first'))
    expect(await reasonsOf(promote(on, 'first', { version: 'previous' }))).toEqual([
      'nothing ran before version 1: there is none to go back to',
    ])
  })

  test('a promotion leaves where to begin as it was said meanwhile', async () => {
    await give(plain('places'))
    await give(plain('places', '20s'))
    const meanwhile = () => give(plain('places'), { start: { type: 'all' } })
    const { pointer } = await promote(lookedAt(meanwhile), 'places', {})
    expect(pointer).toMatchObject({ version: 2 })
    expect(pointer.start).toEqual({})
  })

  test('a shadow begins at a commit of the version that runs, or is refused', async () => {
    await tick(await put(plain('beside')), 5)
    await take('beside')
    await give(plain('beside', '20s'))
    await promote(on, 'beside', {})
    await give(plain('beside', '30s'))
    expect(await reasonsOf(shadow(on, 'beside'))).toEqual([
      'stage.beside has no commit of version 2 yet: nothing to begin from',
    ])
    await take('beside')
    const { pointer } = await on.definitions.require('beside')
    const live = await on.plans.of('beside', 2)
    const after = (await shadow(on, 'beside')).shadow?.after[layout.stage('beside')] as number
    const inputs = await inputsOf(live, pointer, range, log)
    const candidate = await on.plans.of('beside', 3)
    const beside = { inputs, name: layout.stage('beside'), after, committedBy: live }
    expect(await replay(candidate, log, beside)).toMatchObject({ commits: { from: after + 1 } })
  })

  /** Deletes a stream and gives a new one what it held. */
  async function makeAnew(name: string): Promise<void> {
    const records: Uint8Array[] = []
    for await (const { data } of (await log.stream(name)).read(1)) records.push(data)
    await link.jsm.streams.delete(streamOf(namespace, name))
    const fresh = await openJetStreamLog(link, { namespace })
    const stream = await fresh.stream(name)
    for (const [last, data] of records.entries()) await stream.append(data, last)
    log = fresh
    on = { ...on, log }
  }

  test('a savepoint of commits that were made anew since is refused', async () => {
    await tick(await put(plain('saved')), 5)
    await take('saved')
    await savepoint(on, 'saved', 'here', 'now')
    const commits = { [layout.stage('saved')]: (await (await log.stream(layout.stage('saved'))).state()).last }
    expect(await savepointOf(on, 'saved', 'here')).toMatchObject({ commits })
    await makeAnew(layout.stage('saved'))
    await expect(savepointOf(on, 'saved', 'here')).rejects.toMatchObject({
      code: 'LOG_LOST',
      message: 'stage.saved was made anew since savepoint "here"',
    })
  })

  test('a shadow whose commits were made anew since stops', async () => {
    await tick(await put(plain('shady')), 5)
    await take('shady')
    await give(plain('shady', '20s'))
    const pointer = await shadow(on, 'shady')
    const stop = new AbortController()
    const work = async () => {
      const task = (await tasksOf(pointer, on.plans, false)).find(({ key }) => key.startsWith('shadow'))
      const soon = setTimeout(() => stop.abort(), 2000)
      await task?.run({ plans: on.plans, log, events: { tell() {} }, notice() {} } as never, stop.signal)
      clearTimeout(soon)
    }
    await makeAnew(layout.stage('shady'))
    await expect(work()).rejects.toMatchObject({
      code: 'LOG_LOST',
      message: 'stage.shady was made anew since the shadow began: `tidegate shadow shady` begins it anew',
    })
  })

  test('a place to begin in ticks that were made anew since is no place to begin', async () => {
    const plan = await planner(plain('moved'))
    const [{ name = '' } = {}] = tickStreams(plan, range)
    await tick(plan, 5)
    const asked = { type: 'seq', seq: 3 } as const
    for (const pipeline of ['moved', 'whole']) await give(plain(pipeline), { start: asked })
    await makeAnew(name)
    for (const [pipeline, start, records] of [
      ['moved', asked, [3, 4, 5]],
      ['whole', { type: 'all' }, [1, 2, 3, 4, 5]],
    ] as const) {
      const message = expect.stringContaining('tidegate deploy FILE --from all') as string
      await expect(take(pipeline)).rejects.toMatchObject({ code: 'LOG_LOST', message })
      expect(await give(plain(pipeline), { start })).toMatchObject({ begins: true })
      await take(pipeline)
      expect(await taken(pipeline)).toEqual({ [name]: records })
    }
  })

  test('a shadow that is to keep what cannot be kept is refused', async () => {
    await tick(await put(plain('kept')), 5)
    await take('kept')
    await give(plain('kept', '20s'))
    const reasons = ['the state of "nobody" cannot be kept: its component, or the form of its state, changed']
    expect(await reasonsOf(shadow(on, 'kept', undefined, ['nobody', 'of_a']))).toEqual(reasons)
    expect((await shadow(on, 'kept', undefined, ['of_a'])).shadow).toMatchObject({ keep: ['of_a'] })
  })

  test('a shadow is refused when a promotion comes between its look and its word', async () => {
    await tick(await put(plain('between')), 5)
    await take('between')
    await give(plain('between', '20s'))
    const { definitions } = on
    const late = Object.assign(Object.create(definitions) as Definitions, {
      move: async (...given: Parameters<Definitions['move']>) => {
        await promote(on, 'between', {})
        return definitions.move(...given)
      },
    })
    expect(await reasonsOf(shadow({ ...on, definitions: late }, 'between'))).toEqual([
      'version 2 was promoted meanwhile',
    ])
  })
})
