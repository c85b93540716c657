import type { Graph, GraphEdge, GraphNode } from './graph.ts'
import { layout, type PlacedEdge, type PlacedNode, type Point, textWidth } from './graph_layout.ts'
import { fills } from './graph_text.ts'

const font =
  'ui-sans-serif, system-ui, -apple-system, &quot;Segoe UI&quot;, &quot;DejaVu Sans&quot;, Helvetica, Arial, sans-serif'
const ink = '#1f2933'
const quiet = '#616e7c'
/** The line style says the rest. */
const words = ({ kind, port, flow }: GraphEdge): string => (flow === 'latest' ? `${port}: ${kind}` : kind)
const legend = {
  latest: 'dotted: only the newest message is read',
  feedback: 'dashed: feedback',
  ambient: 'faint: wired by the plan',
} as const

/** A picture of a pipeline, drawn by ourselves: no Graphviz is needed. */
export function svg(graph: Graph): string {
  const { width, height, nodes, edges } = layout(graph, words)
  const title = 30
  const explained = Object.entries(legend).flatMap(([flow, text]) =>
    graph.edges.some((e) => e.flow === flow) ? [text] : [],
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height + title}" viewBox="0 ${-title} ${width} ${height + title}" font-family="${font}" role="img" aria-label="pipeline ${graph.pipeline}">`,
    `<rect x="0" y="${-title}" width="${width}" height="${height + title}" fill="#ffffff"/>`,
    `<defs><marker id="head" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0.6 L8,4 L0,7.4 z" fill="${quiet}"/></marker></defs>`,
    `<text x="20" y="-8" font-size="14" font-weight="600" fill="${ink}">${graph.pipeline}<tspan dx="16" font-size="10.5" font-weight="400" fill="${quiet}">${explained.join(' \u00b7 ')}</tspan></text>`,
    ...edges.map(line),
    ...nodes.map(box),
    ...edges.map(label),
    '</svg>',
  ].join('\n')
}

const round = (n: number): number => Math.round(n * 10) / 10
const at = ({ x, y }: Point): string => `${round(x)},${round(y)}`

function line(edge: PlacedEdge): string {
  const style = {
    calls: '',
    latest: ' stroke-dasharray="2 3"',
    feedback: ' stroke-dasharray="7 4"',
    ambient: ' stroke-dasharray="1 4" opacity="0.6"',
  }[edge.flow]
  return `<path d="${edge.flow === 'feedback' || edge.from === edge.to ? cornered(edge.points) : curved(edge.points)}" fill="none" stroke="${quiet}" stroke-width="1.4"${style} marker-end="url(#head)"/>`
}
/** Level at every point, so that edges leave and reach nodes straight. */
function curved(points: readonly Point[]): string {
  const [first, ...rest] = points as [Point, ...Point[]]
  let before = first
  const parts = rest.map((point) => {
    const half = (point.x - before.x) / 2
    const part = `C${at({ x: before.x + half, y: before.y })} ${at({ x: point.x - half, y: point.y })} ${at(point)}`
    before = point
    return part
  })
  return `M${at(first)} ${parts.join(' ')}`
}
/** Level and upright stretches with round corners. */
function cornered(points: readonly Point[]): string {
  const parts = points.slice(1, -1).map((corner, i) => {
    const [before, after] = [points[i] as Point, points[i + 2] as Point]
    return `L${at(towards(corner, before))} Q${at(corner)} ${at(towards(corner, after))}`
  })
  return [`M${at(points[0] as Point)}`, ...parts, `L${at(points.at(-1) as Point)}`].join(' ')
}
/** A point a little away from a corner, or half way where the stretch is short. */
function towards(corner: Point, other: Point): Point {
  const [dx, dy] = [other.x - corner.x, other.y - corner.y]
  const length = Math.hypot(dx, dy)
  const part = length === 0 ? 0 : Math.min(8, length / 2) / length
  return { x: corner.x + dx * part, y: corner.y + dy * part }
}

function label(edge: PlacedEdge): string {
  const text = words(edge)
  const width = textWidth(text, 10.5) + 8
  const { x, y } = edge.label
  return `<rect x="${round(x - width / 2)}" y="${round(y - 8)}" width="${round(width)}" height="16" rx="3" fill="#ffffff"/><text x="${round(x)}" y="${round(y + 3.5)}" font-size="10.5" text-anchor="middle" fill="${quiet}">${text}</text>`
}

function box({ id, component, role, x, y, width, height }: PlacedNode): string {
  const [fill, stroke] = fills[role as GraphNode['role']]
  const middle = round(x + width / 2)
  const inner =
    role === 'sink'
      ? `<rect x="${round(x + 3)}" y="${round(y + 3)}" width="${round(width - 6)}" height="${height - 6}" rx="5" fill="none" stroke="${stroke}" stroke-width="0.8"/>`
      : ''
  return `<g><rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${height}" rx="${role === 'source' ? height / 2 : 7}" fill="${fill}" stroke="${stroke}" stroke-width="1.4"/>${inner}<text x="${middle}" y="${round(y + 20)}" font-size="13.5" font-weight="600" text-anchor="middle" fill="${ink}">${id}</text><text x="${middle}" y="${round(y + 36)}" font-size="11.5" text-anchor="middle" fill="${quiet}">${component}</text></g>`
}
