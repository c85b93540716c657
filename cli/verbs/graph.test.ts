import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { captured, folderWith, momentum, removeFolders } from '../describe/captured.ts'
import type { Graph } from '../describe/graph.ts'
import { layout } from '../describe/graph_layout.ts'

afterAll(removeFolders)

const file = join(folderWith({ 'btc.yaml': momentum }), 'btc.yaml')

test('draws for Mermaid, Graphviz and as a picture, with kinds on the edges and feedback apart', async () => {
  const mermaid = await captured(['graph', file])
  expect(mermaid.stdout).toContain('n_trades -->|"trade"| n_bars')
  expect(mermaid.stdout).toContain('n_execute -.->|"fill (feedback)"| n_gate')
  const dot = await captured(['graph', file, '--format', 'dot'])
  expect(dot.stdout).toContain('"execute" -> "gate" [label="fill (feedback)", style=dashed, constraint=false];')
  const svg = await captured(['graph', file, '--format', 'svg'])
  expect(svg.stdout).toMatch(/^<svg [\s\S]*<\/svg>\n$/)
  expect(svg.stdout.match(/stroke-dasharray="7 4"/g)).toHaveLength(1)
  expect(svg.stdout).not.toMatch(/NaN|undefined|Infinity/)
})
test('wires the plan makes are drawn on request only', async () => {
  const flows = async (...more: string[]) =>
    (await captured(['graph', file, '--format', 'json', ...more])).json<Graph>().edges.map((e) => e.flow)
  expect(await flows()).not.toContain('ambient')
  expect(await flows('--all')).toContain('ambient')
})
test('no two nodes overlap, and every edge goes to the right but feedback', async () => {
  const graph = (await captured(['graph', file, '--all', '--json'])).json<Graph>()
  const { nodes, edges, width, height } = layout(graph, (e) => e.kind)
  for (const a of nodes) {
    expect(a.x >= 0 && a.y >= 0 && a.x + a.width <= width && a.y + a.height <= height).toBe(true)
    for (const b of nodes)
      if (a !== b)
        expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(
          true,
        )
  }
  for (const { flow, points } of edges)
    if (flow !== 'feedback') expect((points.at(-1)?.x ?? 0) > (points[0]?.x ?? 0)).toBe(true)
})
test('wrong uses have their exit codes', async () => {
  const { code, stderr } = await captured(['graph', file, '--format', 'png'])
  expect(code).toBe(2)
  expect(stderr).toContain('expected mermaid, dot, svg, json, found "png"')
  expect((await captured(['graph'])).code).toBe(2)
  expect((await captured(['graph', file, '--format', 'toString'])).code).toBe(2)
  expect((await captured(['graph', file, '--set', 'trend.spn=1'])).code).toBe(3)
})
