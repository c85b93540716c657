import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { type Plan, plan } from '../runtime/plan.ts'
import { chanceOf } from '../testing/tapes.ts'
import { randomEvents, randomPipeline, runs, seeds } from './random_pipelines.ts'
import { catalogue } from './toy_components.ts'
import { cutAnywhere, factsOf, framesOf, meaning, Run, restartedAnywhere } from './whole_runs.ts'

vi.setConfig({ testTimeout: 3_600_000 })
const ROWS = 160
const drawn = (seed: number): Plan => plan(randomPipeline(seed), catalogue)
/** The same graph with kernels that answer later. */
function later(seed: number): Plan {
  const drawn = randomPipeline(seed)
  const nodes = Object.entries(drawn.nodes).map(([id, node]) =>
    'op' in node && node.op === 'affine'
      ? [id, { ...node, params: { ...(node.params as object), later: true } }]
      : [id, node],
  )
  return plan({ ...drawn, nodes: Object.fromEntries(nodes) }, catalogue)
}

test('a compiled pipeline says, keeps and counts bit for bit what the interpreter does', () => {
  fc.assert(
    fc.property(seeds, seeds, seeds, (graph, tape, cuts) => {
      const plan = drawn(graph)
      const events = randomEvents(plan, tape, ROWS)
      expect(factsOf(cutAnywhere(plan, events, cuts))).toEqual(factsOf(meaning(plan, events)))
    }),
    { numRuns: runs },
  )
})

test('restarted anywhere, compiled and interpreted take over from each other', () => {
  fc.assert(
    fc.property(seeds, seeds, seeds, (graph, tape, places) => {
      const plan = drawn(graph)
      const events = randomEvents(plan, tape, ROWS)
      expect(restartedAnywhere(plan, events, places, ['compile', 'interpret'])).toEqual(meaning(plan, events).result())
    }),
    { numRuns: runs },
  )
})

test('how long kernels take changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, seeds, seeds, async (graph, tape, cuts) => {
      const [plan, slow] = [drawn(graph), later(graph)]
      fc.pre(plan.nodes.some((n) => n.operator.kernel !== undefined))
      const events = randomEvents(plan, tape, ROWS)
      const expected = meaning(plan, events).result()
      for (const execution of ['compile', 'interpret'] as const) {
        const chance = chanceOf(cuts)
        const run = await new Run(slow, [], execution).takeSlowly(framesOf(slow, events, () => chance() < 0.2))
        expect(run.result()).toEqual(expected)
      }
    }),
    { numRuns: Math.ceil(runs / 2) },
  )
})

test('random pipelines ask kernels, and nodes fail in them', () => {
  const seen = { asked: 0, failed: 0, wide: 0 }
  for (let seed = 1; seed <= 60; seed++) {
    const plan = drawn(seed)
    const run = new Run(plan).take(framesOf(plan, randomEvents(plan, seed, ROWS), () => false))
    seen.asked += plan.nodes.some((n) => n.operator.kernel !== undefined) ? 1 : 0
    seen.failed += run.failures.length
    seen.wide += run.failures.filter((f) => f.startsWith('brittle_account')).length
  }
  expect(seen.asked).toBeGreaterThan(10)
  expect(seen.failed).toBeGreaterThan(10)
  expect(seen.wide).toBeGreaterThan(0)
})
