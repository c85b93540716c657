import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { SourceItem } from '../runtime/connect.ts'
import { isKind, type Operator } from '../runtime/define.ts'
import { keyGroup } from '../runtime/key_groups.ts'
import { type Plan, plan } from '../runtime/plan.ts'
import { carry } from '../runtime/state/carry.ts'
import { Gap } from '../schemas/market.ts'
import type { PipelineInput } from '../schemas/spec.ts'
import { chanceOf, messageOf } from '../testing/tapes.ts'
import { runs, seeds } from './random_pipelines.ts'
import { cutAnywhere, type Event, factsOf, framesOf, meaning, Run, restartedAnywhere } from './whole_runs.ts'
import { anyNote, anyNumber, wildCatalogue as catalogue, wilds } from './wild_components.ts'

vi.setConfig({ testTimeout: 3_600_000 })
type Chance = () => number
const pick = <T>(chance: Chance, of: readonly T[]): T => of[Math.floor(chance() * of.length)] as T
const ROWS = 150

interface Drawn {
  readonly name: string
  readonly kind: string
  readonly node: number
}
const feeds = { notes: 'note', numbers: 'scalar', sums: 'sum' } as const
const ports = { a: 'note', b: 'scalar', c: 'sum', d: 'note' } as const
function wildPipeline(seed: number, later = false): PipelineInput {
  const chance = chanceOf(seed)
  const nodes: PipelineInput['nodes'] = {}
  const edges: Drawn[] = []
  const prompt = chance() < 0.5
  for (let i = Math.floor(chance() * 3); i >= 0; i--) {
    const source = pick(chance, ['notes', 'notes', 'numbers', 'sums'] as const)
    nodes[`s${i}`] = { source, params: { lateness: pick(chance, prompt ? ['0s', '50ms'] : ['0s', '200ms', '1s']) } }
    for (const name of [`s${i}`, `s${i}.late`]) edges.push({ name, kind: feeds[source], node: -1 })
  }
  const ops: string[] = []
  for (let node = Math.floor(chance() * 6); node >= 0; node--) {
    const asks = chance() < 0.2 && edges.some((e) => e.kind === 'sum')
    const op = asks ? 'model' : pick(chance, Object.keys(wilds))
    const { output } = catalogue.operators[op] as Operator
    for (const [port, { kind }] of isKind(output) ? [['', output] as const] : Object.entries(output))
      edges.push({ name: `n${ops.length}${port && `.${port}`}`, kind, node: ops.length })
    ops.push(op)
  }
  const throws = pick(chance, [0, 0, 0.003, 0.02])
  for (const [i, op] of ops.entries()) {
    const of = (kind: string, fits: (edge: Drawn) => boolean) => edges.filter((e) => e.kind === kind && fits(e))
    const before = (kind: string) => of(kind, (e) => e.node < i)
    const wire = (port: string, from: readonly Drawn[], odds: number): Record<string, string> =>
      from.length > 0 && chance() < odds ? { [port]: pick(chance, from).name } : {}
    if (op === 'model') {
      nodes[`n${i}`] = { op, from: pick(chance, before('sum')).name, params: { throws: throws * 3, later } }
      continue
    }
    let from: Record<string, string> = {}
    while (Object.keys(from).length === 0)
      for (const [port, kind] of Object.entries(ports)) from = { ...from, ...wire(port, before(kind), 0.5) }
    const looks = Object.keys((catalogue.operators[op] as Operator).latest).length > 0
    const latest = looks && {
      ...wire(
        'p',
        of('note', (e) => e.node !== i),
        0.5,
      ),
      ...wire(
        'q',
        of('scalar', (e) => e.node !== i),
        0.5,
      ),
    }
    const params = {
      ...{ seed: Math.floor(chance() * 1e6), throws, speaks: pick(chance, [0.2, 0.5]) },
      every: pick(chance, prompt ? [50_000, 300_000] : [1_000_000, 7_000_000]),
    }
    nodes[`n${i}`] = {
      op,
      from: {
        ...from,
        ...wire(
          'fb',
          of('note', (e) => e.node > i),
          0.4,
        ),
      },
      ...(latest && { latest }),
      params,
    }
  }
  for (let i = 0; i < 3; i++) {
    const { name, kind } = pick(chance, edges)
    nodes[`watch_${i}`] = { sink: 'wild_watcher', from: { [kind]: name } }
  }
  return { pipeline: 'wild', nodes }
}

const names = ['binance:BTCUSDT', 'binance:ARBUSDT', '', '__proto__', '42', 'constructor', 'okx:ETH-USDT', 'ключ', '0']
function wildEvents(plan: Plan, seed: number, rows: number): Event[] {
  const chance = chanceOf(seed)
  const count = pick(chance, [1, 2, 9, 200])
  const keys = Array.from({ length: count }, (_, i) => names[i] ?? `k:${i}`)
  const step = pick(chance, [1, 50_000, 400_000, 1_500_000])
  let newest = pick(chance, [0, 1_700_000_000_000_000])
  const ended = new Set<number>()
  const heard = new Set<string>()
  const events: Event[] = []
  const grid = pick(chance, [1, 50_000])
  for (let i = 0; i < rows; i++) {
    if (chance() < 0.7) newest += grid * Math.ceil((chance() * step) / grid)
    const source = Math.floor(chance() * plan.sources.length)
    const planned = plan.sources[source] as Plan['sources'][number]
    if (ended.has(source)) continue
    const key = pick(chance, keys)
    const what = chance()
    const whom = chance() < 0.5 ? '*' : key
    if (what < 0.03) {
      const value = messageOf(Gap, chance, 1, newest) as Extract<SourceItem, { type: 'gap' }>['value']
      events.push({ source, item: { type: 'gap', at: newest, key: whom, value } })
    } else if (what < 0.07) events.push({ source, item: { type: 'heartbeat', at: newest, key: whom } })
    else if (what < 0.075 && plan.sources.length > 1) {
      ended.add(source)
      events.push({ source, item: { type: 'end', at: newest } })
    } else {
      const reach = planned.lateness + (chance() < 0.2 ? 800_000 : 0)
      const back = chance() < 0.3 ? grid * Math.floor((chance() * reach) / grid) : 0
      const spoken = `${source} ${keyGroup(key)}`
      const jump = chance() < 0.01 && heard.has(spoken) ? 400 * 86_400e6 : 0
      heard.add(spoken)
      const at = Math.max(0, newest - back) + jump
      const c = chance()
      const { kind } = planned.component.output
      const value = kind === 'note' ? anyNote(c) : kind === 'scalar' ? anyNumber(c) : { a: anyNumber(c), b: c < 0.5 }
      events.push({ source, item: { type: 'row', at, key, value } })
    }
  }
  if (chance() < 0.6)
    for (const source of plan.sources.keys())
      if (!ended.has(source)) events.push({ source, item: { type: 'end', at: newest + 1 } })
  return events
}
const drawn = (seed: number): Plan => plan(wildPipeline(seed), catalogue)
test('a compiled pipeline says, keeps and counts bit for bit what the interpreter does', () => {
  fc.assert(
    fc.property(seeds, seeds, seeds, (graph, tape, cuts) => {
      const plan = drawn(graph)
      const events = wildEvents(plan, tape, ROWS)
      expect(factsOf(cutAnywhere(plan, events, cuts))).toEqual(factsOf(meaning(plan, events)))
    }),
    { numRuns: runs },
  )
})
test('a frame of more rows than a loop is called for at a time is run as its rows are one by one', () => {
  fc.assert(
    fc.property(seeds, seeds, (graph, tape) => {
      const plan = drawn(graph)
      const rows = wildEvents(plan, tape, 1500).filter(({ source, item }) => source === 0 && item.type === 'row')
      const run = new Run(plan).take(framesOf(plan, rows, () => false))
      expect(factsOf(run)).toEqual(factsOf(meaning(plan, rows)))
    }),
    { numRuns: Math.ceil(runs / 2) },
  )
})
test('restarted anywhere, compiled and interpreted take over from each other', () => {
  fc.assert(
    fc.property(seeds, seeds, seeds, (graph, tape, places) => {
      const plan = drawn(graph)
      const events = wildEvents(plan, tape, ROWS)
      expect(restartedAnywhere(plan, events, places, ['compile', 'interpret', 'loose', 'metered'])).toEqual(
        meaning(plan, events).result(),
      )
    }),
    { numRuns: runs },
  )
})
test('how long kernels take changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, seeds, seeds, async (graph, tape, cuts) => {
      const [now, slow] = [drawn(graph), plan(wildPipeline(graph, true), catalogue)]
      fc.pre(now.nodes.some((n) => n.operator.kernel !== undefined))
      const events = wildEvents(now, tape, ROWS)
      const expected = meaning(now, events).result()
      for (const execution of ['compile', 'interpret'] as const) {
        const chance = chanceOf(cuts)
        const run = await new Run(slow, [], execution).takeSlowly(framesOf(slow, events, () => chance() < 0.2))
        expect(run.result()).toEqual(expected)
      }
    }),
    { numRuns: Math.ceil(runs / 2) },
  )
})
/** The next version of a pipeline: a node begins anew, another one is new. */
function next({ pipeline, nodes }: PipelineInput, seed: number): PipelineInput {
  const [feed, { source }] = Object.entries(nodes)[0] as [string, { source: keyof typeof feeds }]
  const [port] = Object.entries(ports).find(([, kind]) => kind === feeds[source]) as [string, string]
  const changed = Object.entries(nodes).map(([id, node]) =>
    id === 'n0' && 'op' in node && node.op !== 'model'
      ? [id, { ...node, params: { ...node.params, seed } }]
      : [id, node],
  )
  const op = pick(chanceOf(seed), ['w_ports_wide', 'w_ports_alarm', 'w_number_timer'])
  const extra = { op, from: { [port]: feed }, params: { seed, every: 1_000_000 } }
  return {
    pipeline,
    nodes: {
      ...Object.fromEntries(changed),
      extra,
      watch_extra: { sink: 'wild_watcher', from: { [feeds[source]]: feed } },
    },
  }
}
test('an upgrade goes on alike in both', () => {
  fc.assert(
    fc.property(seeds, seeds, fc.nat(ROWS), (graph, tape, at) => {
      const drawn = wildPipeline(graph)
      const [old, upgraded] = [plan(drawn, catalogue), plan(next(drawn, graph), catalogue)]
      const events = wildEvents(old, tape, ROWS)
      const [expected, found] = (['interpret', 'compile'] as const).map((execution) => {
        const first = new Run(old, [], execution).take(framesOf(old, events.slice(0, at), () => false))
        const second = new Run(upgraded, first.outputs, execution, first.failures)
        carry(first.engine, second.engine)
        return second.take(framesOf(upgraded, events.slice(at), () => false)).result()
      })
      expect(found).toEqual(expected)
    }),
    // a clock that is new is behind rows that lag
    { numRuns: runs, examples: [[11, 9, 148]] },
  )
})
test('wild pipelines speak, fail, ask, and meet rows that are late or not believed', () => {
  const seen = { late: 0, invalid: 0, failed: 0, outputs: 0, asks: 0 }
  for (let seed = 1; seed <= 60; seed++) {
    const plan = drawn(seed)
    const run = meaning(plan, wildEvents(plan, seed, ROWS))
    seen.late += run.engine.counts.late
    seen.invalid += run.engine.counts.invalid
    seen.failed += run.engine.counts.failed
    seen.outputs += run.outputs.length
    seen.asks += plan.nodes.some((n) => n.operator.kernel) ? 1 : 0
  }
  for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(10)
})
