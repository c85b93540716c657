import type { Graph, GraphEdge, GraphNode } from './graph.ts'
import { type Chain, columns, compact, nodeHeight, ordered, type Slot, settle, stack } from './graph_order.ts'

export interface Point {
  readonly x: number
  readonly y: number
}
export interface PlacedNode extends GraphNode, Point {
  readonly width: number
  readonly height: number
}
export interface PlacedEdge extends GraphEdge {
  /** From the caller's side to the called one's, through the gaps between other nodes. */
  readonly points: readonly Point[]
  readonly label: Point
}
export interface Layout {
  readonly width: number
  readonly height: number
  readonly nodes: readonly PlacedNode[]
  readonly edges: readonly PlacedEdge[]
}

const margin = 20
const laneGap = 24
/** About how wide a text is at a font size, for a font we cannot measure. */
export const textWidth = (text: string, size: number): number => text.length * size * 0.6

/**
 * A simple layered drawing, left to right: a node stands one column behind the last of those that call it, long edges
 * pass the columns between through points of their own, and feedback returns beneath the graph.
 */
export function layout(graph: Graph, labelOf: (edge: GraphEdge) => string): Layout {
  const columnOf = columns(graph)
  const slots = new Map<string, Slot>(
    graph.nodes.map((node) => [node.id, { name: node.id, column: columnOf.get(node.id) ?? 0, node, y: 0 }]),
  )
  const forward = graph.edges.filter((e) => e.flow !== 'feedback' && e.from !== e.to)
  const chains = forward.map((edge, i): Chain => {
    const from = slots.get(edge.from) as Slot
    const to = slots.get(edge.to) as Slot
    const between: Slot[] = []
    for (let column = from.column + 1; column < to.column; column++) {
      const slot = { name: `${i}/${column}`, column, y: 0 }
      slots.set(slot.name, slot)
      between.push(slot)
    }
    return { edge, slots: [from, ...between, to] }
  })
  const byColumn = ordered([...slots.values()], chains)
  for (const column of byColumn) stack(column)
  settle(byColumn, chains)
  compact(byColumn)
  const widths = byColumn.map((column) => Math.max(60, ...column.map(({ node }) => (node ? nodeWidth(node) : 0))))
  const gaps = byColumn.map((_, i) =>
    Math.max(
      44,
      ...chains.flatMap(({ edge, slots: s }) => (labelledAfter(s) === i ? [textWidth(labelOf(edge), 11) + 40] : [])),
    ),
  )
  const lefts = widths.map(
    (_, i) => margin + widths.slice(0, i).reduce((sum, w, j) => sum + w + (gaps[j] as number), 0),
  )
  const top = Math.min(...[...slots.values()].map((s) => s.y))
  for (const slot of slots.values()) slot.y += margin + nodeHeight / 2 - top
  const nodes = graph.nodes.map((node): PlacedNode => {
    const { column, y } = slots.get(node.id) as Slot
    const width = nodeWidth(node)
    return {
      ...node,
      x: (lefts[column] as number) + ((widths[column] as number) - width) / 2,
      y: y - nodeHeight / 2,
      width,
      height: nodeHeight,
    }
  })
  const at = new Map(nodes.map((n) => [n.id, n]))
  const drawn = chains.map(({ edge, slots: s }) => through(edge, s, chains, at, lefts, widths))
  const bottom = Math.max(...[...slots.values()].map((s) => s.y)) + nodeHeight / 2
  const back = graph.edges.filter((e) => e.flow === 'feedback' || e.from === e.to)
  const returned = back.map((edge, i) => beneath(edge, i, back, at, bottom + laneGap * (i + 1)))
  const right = (lefts.at(-1) ?? 0) + (widths.at(-1) ?? 0)
  return {
    width: Math.ceil(right + margin),
    height: Math.ceil(bottom + laneGap * back.length + margin),
    nodes,
    edges: [...drawn, ...returned],
  }
}

const nodeWidth = ({ id, component }: GraphNode): number =>
  Math.max(textWidth(id, 13.5), textWidth(component, 11.5)) + 28

/** The gap an edge carries its label in: after the first column it passes. */
const labelledAfter = (slots: readonly Slot[]): number => (slots[0] as Slot).column

/** Edges that share a side of a node leave and reach it at heights of their own. */
function berth(slot: Slot, edge: GraphEdge, chains: readonly Chain[], leaving: boolean): number {
  if (slot.node === undefined) return slot.y
  const sharing = chains
    .filter(({ slots }) => slots.at(leaving ? 0 : -1) === slot)
    .sort((a, b) => (a.slots.at(leaving ? 1 : -2) as Slot).y - (b.slots.at(leaving ? 1 : -2) as Slot).y)
  const place = sharing.findIndex((c) => c.edge === edge)
  const step = Math.min(14, (nodeHeight - 12) / Math.max(1, sharing.length - 1))
  return slot.y + (place - (sharing.length - 1) / 2) * step
}

function through(
  edge: GraphEdge,
  slots: readonly Slot[],
  chains: readonly Chain[],
  at: ReadonlyMap<string, PlacedNode>,
  lefts: readonly number[],
  widths: readonly number[],
): PlacedEdge {
  const from = at.get(edge.from) as PlacedNode
  const to = at.get(edge.to) as PlacedNode
  const points: Point[] = [{ x: from.x + from.width, y: berth(slots[0] as Slot, edge, chains, true) }]
  for (const { column, y } of slots.slice(1, -1)) {
    const left = lefts[column] as number
    points.push({ x: left, y }, { x: left + (widths[column] as number), y })
  }
  points.push({ x: to.x, y: berth(slots.at(-1) as Slot, edge, chains, false) })
  const [a, b] = points as [Point, Point]
  return { ...edge, points, label: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } }
}

/** Down from a node, along a lane under the graph and up to another; beside the nodes where others stand below. */
function beneath(
  edge: GraphEdge,
  place: number,
  back: readonly GraphEdge[],
  at: ReadonlyMap<string, PlacedNode>,
  lane: number,
): PlacedEdge {
  const from = at.get(edge.from) as PlacedNode
  const to = at.get(edge.to) as PlacedNode
  const shift = (place - (back.length - 1) / 2) * 12
  const down = covered(from, at)
    ? beside({ x: from.x + from.width, y: from.y + from.height - 8 - place * 3 }, 12 + place * 6)
    : [{ x: from.x + from.width / 2 + shift, y: from.y + from.height }]
  const up = covered(to, at)
    ? beside({ x: to.x, y: to.y + to.height - 8 - place * 3 }, -14 - place * 6)
    : [{ x: to.x + to.width / 2 - shift, y: to.y + to.height }]
  const [left, right] = [up.at(-1) as Point, down.at(-1) as Point]
  return {
    ...edge,
    points: [...down, { x: right.x, y: lane }, { x: left.x, y: lane }, ...[...up].reverse()],
    label: { x: (left.x + right.x) / 2, y: lane },
  }
}
const beside = ({ x, y }: Point, away: number): readonly Point[] => [
  { x, y },
  { x: x + away, y },
]
/** Whether another node stands below, in the way of a line straight down. */
const covered = (node: PlacedNode, at: ReadonlyMap<string, PlacedNode>): boolean =>
  [...at.values()].some((n) => n.y > node.y && n.x < node.x + node.width && node.x < n.x + n.width)
