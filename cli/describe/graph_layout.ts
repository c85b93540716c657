import type { Graph, GraphEdge, GraphNode } from './graph.ts'

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

const nodeHeight = 46
const rowGap = 26
const margin = 20
const laneGap = 24
/** About how wide a text is at a font size, for a font we cannot measure. */
export const textWidth = (text: string, size: number): number => text.length * size * 0.6

/** A place in a column: a node, or a point where a long edge passes. */
interface Slot {
  readonly name: string
  readonly column: number
  readonly node?: GraphNode
  y: number
}
interface Chain {
  readonly edge: GraphEdge
  readonly slots: readonly Slot[]
}

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

function columns({ nodes, edges }: Graph): ReadonlyMap<string, number> {
  const column = new Map(nodes.map((n) => [n.id, 0]))
  // longest path: as many rounds as there are nodes are always enough, for the graph without feedback has no circle
  for (const _ of nodes)
    for (const { from, to, flow } of edges)
      if (flow !== 'feedback' && from !== to) column.set(to, Math.max(column.get(to) ?? 0, (column.get(from) ?? 0) + 1))
  return column
}

/** Slots of each column, in an order that lets few edges cross: each goes to the mean place of its neighbours. */
function ordered(slots: readonly Slot[], chains: readonly Chain[]): Slot[][] {
  const count = Math.max(...slots.map((s) => s.column)) + 1
  const byColumn = Array.from({ length: count }, (_, c) => slots.filter((s) => s.column === c))
  for (let round = 0; round < 8; round++) {
    const leftwards = round % 2 === 1
    for (let i = 1; i < count; i++) {
      const c = leftwards ? count - 1 - i : i
      const near = byColumn[leftwards ? c + 1 : c - 1] as Slot[]
      const rank = (slot: Slot) => {
        const places = neighbours(slot, chains, leftwards)
          .map((n) => near.indexOf(n))
          .filter((p) => p >= 0)
        return places.length === 0
          ? (byColumn[c] as Slot[]).indexOf(slot)
          : places.reduce((a, b) => a + b, 0) / places.length
      }
      const ranks = new Map((byColumn[c] as Slot[]).map((s) => [s, rank(s)]))
      ;(byColumn[c] as Slot[]).sort((a, b) => (ranks.get(a) as number) - (ranks.get(b) as number))
    }
  }
  return byColumn
}
function neighbours(slot: Slot, chains: readonly Chain[], after: boolean): readonly Slot[] {
  return chains.flatMap(({ slots }) => {
    const i = slots.indexOf(slot)
    const other = i < 0 ? undefined : slots[after ? i + 1 : i - 1]
    return other === undefined ? [] : [other]
  })
}

const room = (a: Slot, b: Slot): number =>
  a.node || b.node ? (a.node && b.node ? nodeHeight + rowGap : nodeHeight / 2 + rowGap) : 26
function stack(column: readonly Slot[]): void {
  let y = 0
  column.forEach((slot, i) => {
    if (i > 0) y += room(column[i - 1] as Slot, slot)
    slot.y = y
  })
}
/** Pulls each slot to the mean height of its neighbours, as far as those above and below leave room. */
function settle(byColumn: readonly (readonly Slot[])[], chains: readonly Chain[]): void {
  for (let round = 0; round < 24; round++)
    for (const column of round % 2 === 0 ? byColumn : [...byColumn].reverse()) {
      const wanted = column.map((slot) => {
        const near = [...neighbours(slot, chains, false), ...neighbours(slot, chains, true)]
        return near.length === 0 ? slot.y : near.reduce((sum, n) => sum + n.y, 0) / near.length
      })
      const down = [...wanted]
      for (let i = 1; i < down.length; i++)
        down[i] = Math.max(down[i] as number, (down[i - 1] as number) + room(column[i - 1] as Slot, column[i] as Slot))
      const up = [...wanted]
      for (let i = up.length - 2; i >= 0; i--)
        up[i] = Math.min(up[i] as number, (up[i + 1] as number) - room(column[i] as Slot, column[i + 1] as Slot))
      column.forEach((slot, i) => {
        slot.y = ((down[i] as number) + (up[i] as number)) / 2
      })
    }
}

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
  const start = { x: from.x + from.width / 2 + shift, y: from.y + from.height }
  const end = { x: to.x + to.width / 2 - shift, y: to.y + to.height }
  return {
    ...edge,
    points: [start, { x: start.x, y: lane }, { x: end.x, y: lane }, end],
    label: { x: (start.x + end.x) / 2, y: lane },
  }
}
