import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { Operator } from '../runtime/define.ts'
import { toJson } from '../runtime/json.ts'
import { openEmbeddedLog } from '../runtime/log/embedded.ts'
import { committed } from '../runtime/outputs.ts'
import { type Plan, plan } from '../runtime/plan.ts'
import { inputsName, Stage } from '../runtime/stage.ts'
import { breaches } from '../testing/laws.ts'
import { chanceOf } from '../testing/tapes.ts'
import { randomEvents, randomPipeline, runs, seeds } from './random_pipelines.ts'
import { catalogue, future, toys } from './toy_components.ts'
import { type Event, framesOf, Run, restartedAnywhere } from './whole_runs.ts'

vi.setConfig({ testTimeout: 3_600_000 })
const ROWS = 160
const never = () => false
const always = () => true
const drawn = (seed: number): Plan => plan(randomPipeline(seed), catalogue)

function whole(plan: Plan, events: readonly Event[]) {
  return new Run(plan).take(framesOf(plan, events, always)).result()
}

test('random pipelines say the same for any cut into frames', () => {
  fc.assert(
    fc.property(seeds, seeds, seeds, (graph, tape, cuts) => {
      const plan = drawn(graph)
      const events = randomEvents(plan, tape, ROWS)
      const expected = whole(plan, events)
      const chance = chanceOf(cuts)
      expect(new Run(plan).take(framesOf(plan, events, () => chance() < 0.1)).result()).toEqual(expected)
      expect(new Run(plan).take(framesOf(plan, events, never)).result()).toEqual(expected)
    }),
    { numRuns: runs },
  )
})

test('random pipelines say the same when restarted anywhere, from whole states and from deltas', () => {
  fc.assert(
    fc.property(seeds, seeds, seeds, (graph, tape, places) => {
      const plan = drawn(graph)
      const events = randomEvents(plan, tape, ROWS)
      expect(restartedAnywhere(plan, events, places)).toEqual(whole(plan, events))
    }),
    { numRuns: runs },
  )
})

test('random pipelines give every output an id of its own', () => {
  fc.assert(
    fc.property(seeds, seeds, (graph, tape) => {
      const plan = drawn(graph)
      const ids = whole(plan, randomEvents(plan, tape, ROWS)).outputs.map((line) => line.split(' ')[0])
      expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([])
    }),
    { numRuns: runs },
  )
})

test('random pipelines never look ahead', () => {
  fc.assert(
    fc.property(seeds, seeds, fc.nat(ROWS), (graph, tape, cut) => {
      const plan = drawn(graph)
      const events = randomEvents(plan, tape, ROWS)
      const before = whole(plan, events.slice(0, cut)).outputs
      expect(whole(plan, events).outputs.slice(0, before.length)).toEqual(before)
    }),
    { numRuns: runs },
  )
})

const timeOf = ({ item }: Event): number => ('at' in item ? item.at : 0)
const oneKey = (events: readonly Event[]): Event[] =>
  events.filter(({ item }) => 'key' in item && item.key === keyOf(events))
const keyOf = (events: readonly Event[]): string | undefined =>
  events.flatMap(({ item }) => (item.type === 'row' ? [item.key] : []))[0]
/** The same row at half as much again. */
function raised(event: Event): Event {
  const { item } = event
  if (item.type !== 'row') return event
  const prices = ['price', 'bid', 'ask']
  const value = Object.entries(item.value as object).map(([field, v]) => [field, prices.includes(field) ? v * 1.5 : v])
  return { ...event, item: { ...item, value: Object.fromEntries(value) } }
}
test('what is stamped up to a time does not change when all that comes later does', () => {
  fc.assert(
    fc.property(seeds, seeds, fc.nat(ROWS), (graph, tape, cut) => {
      const plan = drawn(graph)
      // with lateness, and where another feed or instrument is silent, windows close later than their stamp says
      fc.pre(plan.sources.length === 1 && plan.sources[0]?.lateness === 0)
      const events = oneKey(randomEvents(plan, tape, ROWS)).sort((a, b) => timeOf(a) - timeOf(b))
      const at = events[cut] === undefined ? Number.POSITIVE_INFINITY : timeOf(events[cut])
      const stamped = (of: readonly Event[]) =>
        whole(plan, of).outputs.filter((line) => Number(line.split(' ')[0]?.split('/').at(-2)) <= at)
      expect(stamped(events.map((event) => (timeOf(event) > at ? raised(event) : event)))).toEqual(stamped(events))
    }),
    { numRuns: runs },
  )
})

async function throughLog(plan: Plan, events: readonly Event[], seed: number) {
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-'))
  const chance = chanceOf(seed)
  try {
    const log = await openEmbeddedLog(directory, { fsync: 'close' })
    const inputs = await log.stream(inputsName(plan.pipeline))
    const frames = framesOf(plan, events, () => chance() < 0.2)
    for (const [i, frame] of frames.entries()) await inputs.append(frame, i)
    let stage = await Stage.open(plan, log)
    for (let from = 0; from < frames.length; ) {
      const count = 1 + Math.floor(chance() * 12)
      const records = []
      for await (const record of inputs.read(from + 1, { limit: count })) records.push(record)
      await stage.step(records)
      from += records.length
      if (chance() < 0.4) stage = await Stage.open(plan, log)
    }
    const outputs: string[] = []
    for await (const { id, kind, value } of committed(plan, stage.stream))
      outputs.push(`${id} ${kind} ${toJson(value)}`)
    await log.close()
    return outputs
  } finally {
    rmSync(directory, { recursive: true })
  }
}

test('random pipelines commit the same to a log, whatever the steps and restarts', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, seeds, seeds, async (graph, tape, places) => {
      const plan = drawn(graph)
      const events = randomEvents(plan, tape, ROWS)
      expect(await throughLog(plan, events, places)).toEqual(whole(plan, events).outputs)
    }),
    { numRuns: Math.ceil(runs / 5) },
  )
})

test('a row that no operator reads is in the delta after it: ids go on counting', () => {
  const nodes = {
    trades: { source: 'laggy_trades' },
    watch: { sink: 'watcher', from: { late: 'trades.late', gap: 'trades.gap' } },
  }
  const quiet = plan({ pipeline: 'quiet', nodes }, catalogue)
  const row = (at: number): Event => {
    const value = { price: 1, size: 1, side: 0, id: 0 }
    return { source: 0, item: { type: 'row', at, key: 'v:A', value } }
  }
  const frames = (...events: readonly Event[]) => framesOf(quiet, events, never)
  const first = new Run(quiet).take(frames(row(100)))
  const saves = [first.save(true)]
  first.take(frames(row(50)))
  saves.push(first.save(false))
  const second = first.restart(saves).take(frames(row(50), row(40)))
  expect(second.outputs.map((line) => line.split(' ')[0])).toEqual([
    'quiet/trades.late/v:A/50/0',
    'quiet/trades.late/v:A/50/1',
    `quiet/trades.late/v:A/40/${2 ** 31}`,
  ])
})

test('random pipelines trade, refuse, wait, meet gaps and late rows', () => {
  const seen = new Set<string>()
  const late = { rows: 0, gaps: 0 }
  for (let seed = 1; seed <= 60; seed++) {
    const plan = drawn(seed)
    const run = new Run(plan).take(framesOf(plan, randomEvents(plan, seed, ROWS), never))
    for (const line of run.outputs) seen.add(line.split(' ')[1] as string)
    late.rows += run.engine.counts.late
    late.gaps += run.engine.counts.gaps
  }
  const kinds = [
    'signal',
    'order_intent',
    'approved_order',
    'refused_order',
    'order_update',
    'fill',
    'position',
    'equity',
  ]
  expect([...seen]).toEqual(expect.arrayContaining([...kinds, 'bar', 'scalar', 'gap']))
  expect(late.rows).toBeGreaterThan(100)
  expect(late.gaps).toBeGreaterThan(100)
})

// ---- planted: the laws above see who breaks them ----------------------------------------------------

const simple = (op: string): Plan =>
  plan(
    {
      pipeline: 'planted',
      nodes: {
        trades: { source: 'laggy_trades', params: {} },
        bars: { op: 'time_bars', from: 'trades', params: { every: '1s' } },
        planted: { op, from: 'bars' },
        watch: { sink: 'watcher', from: { scalar: 'planted' } },
      },
    },
    catalogue,
  )

test('an operator that hides state outside is caught by restarts', () => {
  const plan = simple('hidden_state')
  const events = randomEvents(plan, 3, ROWS)
  expect(whole(plan, events)).toEqual(whole(plan, events))
  expect(restartedAnywhere(plan, events, 1)).not.toEqual(whole(plan, events))
})

test('an operator that peeks at the rest of the tape is caught by the law against looking ahead', () => {
  const plan = simple('peeking')
  const events = randomEvents(plan, 3, ROWS)
  const outputs = (tape: readonly Event[]) => {
    future.prices = tape.flatMap(({ item }) => (item.type === 'row' ? [(item.value as { price: number }).price] : []))
    return whole(plan, tape).outputs
  }
  const before = outputs(events.slice(0, ROWS / 2))
  expect(before.length).toBeGreaterThan(5)
  expect(outputs(events)).toEqual(outputs(events))
  expect(outputs(events).slice(0, before.length)).not.toEqual(before)
})

test('the toys of this suite are lawful themselves', () => {
  for (const name of ['tick_signal', 'echo', 'trouble_signal'])
    expect(breaches({ definition: toys[name] as Operator }), name).toEqual([])
})
