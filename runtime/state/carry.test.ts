import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { operators } from '../../operators/catalogue.ts'
import { Scalar } from '../../schemas/features.ts'
import { Trade } from '../../schemas/market.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { defineScan, defineSink, listed } from '../define.ts'
import { Engine } from '../engine.ts'
import { encodeItems, ownGenerator } from '../feed.ts'
import { openEmbeddedLog } from '../log/embedded.ts'
import type { Log } from '../log/log.ts'
import { committed } from '../outputs.ts'
import { type Plan, plan as planOf } from '../plan.ts'
import { Stage } from '../stage.ts'
import { carry, fates } from './carry.ts'
import { Snapshots } from './snapshot.ts'

const flagship = parse(readFileSync('pipelines/btc_momentum.yaml', 'utf8')) as {
  nodes: Record<string, { params: object }>
}
/** The flagship on an invented market, with a param changed. */
function drawn(node?: string, params?: object): Plan {
  const nodes: Record<string, unknown> = {
    ...flagship.nodes,
    trades: { source: 'synthetic_market', params: { symbols: ['BTCUSDT', 'ETHUSDT'], minutes: 400 } },
  }
  if (node !== undefined) nodes[node] = { ...(nodes[node] as object), params }
  return planOf({ ...flagship, nodes }, { operators, sources, sinks }, 'paper')
}
function* frames(plan: Plan): Generator<Uint8Array> {
  const [source] = plan.sources
  const made = ownGenerator(source as never)
  if (made?.type === 'generated') for (const items of made.items(0)) yield* encodeItems(source as never, items)
}

let directory = ''
let log: Log
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-'))
  log = await openEmbeddedLog(directory, { fsync: 'close' })
})
afterEach(async () => {
  await log.close()
  rmSync(directory, { recursive: true })
})

/** Takes all frames, with one plan up to a frame and with another from there on. */
async function taken(
  name: string,
  first: Plan,
  second: Plan,
  keep: readonly string[] = [],
  warm_up = false,
): Promise<string[]> {
  const options = { name: `stage.${name}`, inputs: [{ stream: await log.stream(`inputs.${name}`) }] }
  const all = [...frames(first)]
  let stage = await Stage.open(first, log, { ...options, owner: 'a' })
  for (const [i, data] of all.entries()) {
    const seq = await (stage.inputs[0] as (typeof stage.inputs)[number]).stream.append(data, i)
    if (seq === Math.floor(all.length / 2))
      stage = await Stage.open(second, log, { ...options, owner: 'b', upgrade: async () => first, keep, warm_up })
    await stage.step([{ seq, data }])
  }
  const rows: string[] = []
  for await (const row of committed(second, stage.stream)) rows.push(`${row.id} ${JSON.stringify(row.value, plain)}`)
  return rows
}
const plain = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)

test('carried into the same plan, a state is the same to the byte', () => {
  const plan = drawn()
  const [from, to] = [new Engine(plan), new Engine(plan)]
  const [source] = plan.sources
  const made = ownGenerator(source as never)
  if (made?.type === 'generated')
    for (const items of made.items(0))
      for (const item of items) if (item.type === 'row') from.row(0, item.key, item.at, item.value)
  expect(from.counts.rows).toBeGreaterThan(10_000)
  carry(from, to)
  expect(Buffer.compare(new Snapshots(to).save(true), new Snapshots(from).save(true))).toBe(0)
})

test('a node whose params changed begins anew, and the others go on as if nothing had happened', async () => {
  const [first, second] = [drawn(), drawn('trend', { span: 7 })]
  expect(fates(first, second).filter(({ fate }) => fate !== 'kept')).toMatchObject([{ node: 'trend', fate: 'fresh' }])
  const [whole, changed] = [await taken('whole', first, first), await taken('changed', first, second)]
  // up to the change the same; after it other signals, but no id twice and no position forgotten
  const same = changed.findIndex((row, i) => row !== whole[i])
  expect(same).toBeGreaterThan(10)
  const ids = changed.map((row) => row.split(' ')[0])
  expect(new Set(ids).size).toBe(ids.length)
})

test('who warms up before it takes over begins anew all the same', async () => {
  const [first, second] = [drawn(), drawn('trend', { span: 7 })]
  expect(await taken('warm', first, second, [], true)).toEqual(await taken('cold', first, second))
})

test('a gate that keeps its state with another limit knows the orders it let through', async () => {
  const first = drawn()
  const second = drawn('gate', { max_notional: 40_000 })
  expect(fates(first, second).find(({ node }) => node === 'gate')).toMatchObject({ fate: 'fresh', money: true })
  expect(fates(first, second, ['gate']).every(({ fate }) => fate === 'kept')).toBe(true)
  // limits that never bind: with the state kept nothing differs
  expect(await taken('kept', first, second, ['gate'])).toEqual(await taken('never', first, first))
})

test('what a plan in between did not record has no id twice when it is recorded again', () => {
  const looker = defineSink({
    name: 'looker',
    version: 1,
    summary: 'Looks at features.',
    input: { scalar: Scalar },
    params: z.strictObject({}),
    open: () => ({ position: { commit: 0, order: -1 }, write() {}, flush() {}, close() {} }),
    example: { params: {} },
  })
  const prices = defineScan({
    name: 'prices',
    version: 1,
    summary: 'Repeats prices.',
    input: Trade,
    output: Scalar,
    params: z.strictObject({}),
    init: () => ({}),
    step: (_state, { price }) => price,
    example: { params: {}, input: [], output: [] },
  })
  const catalogue = { operators: listed(prices), sources, sinks: listed(looker) }
  const nodes = { trades: { source: 'tape_trades' }, prices: { op: 'prices', from: 'trades' } } as const
  const silent = planOf({ pipeline: 'p', nodes }, catalogue)
  const recorded = planOf({ pipeline: 'p', nodes: { ...nodes, look: { sink: 'looker', from: 'prices' } } }, catalogue)
  const ids: string[] = []
  let before: Engine | undefined
  for (const plan of [recorded, silent, recorded]) {
    const engine = new Engine(plan, { output: (edge) => (key, at, n) => ids.push(`${edge} ${key} ${at} ${n}`) })
    if (before !== undefined) carry(before, engine)
    // venues give many trades of one time
    engine.row(0, 'v:A', 1e6, { price: 1.5, size: 1, side: 0, id: 1 })
    before = engine
  }
  expect(ids).toEqual(['prices v:A 1000000 0', 'prices v:A 1000000 1'])
})
