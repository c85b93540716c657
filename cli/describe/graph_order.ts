import type { Graph, GraphEdge, GraphNode } from './graph.ts'

// Which column a node stands in, where in its column, and how high.

export const nodeHeight = 46
const rowGap = 26

/** A place in a column: a node, or a point where a long edge passes. */
export interface Slot {
  readonly name: string
  readonly column: number
  readonly node?: GraphNode
  y: number
}
export interface Chain {
  readonly edge: GraphEdge
  readonly slots: readonly Slot[]
}

export function columns({ nodes, edges }: Graph): ReadonlyMap<string, number> {
  const column = new Map(nodes.map((n) => [n.id, 0]))
  // longest path: as many rounds as there are nodes are always enough, for the graph without feedback has no circle
  for (const _ of nodes)
    for (const { from, to, flow } of edges)
      if (flow !== 'feedback' && from !== to) column.set(to, Math.max(column.get(to) ?? 0, (column.get(from) ?? 0) + 1))
  return column
}

/** Slots of each column, in an order that lets few edges cross: each goes to the mean place of its neighbours. */
export function ordered(slots: readonly Slot[], chains: readonly Chain[]): readonly (readonly Slot[])[] {
  const count = Math.max(...slots.map((s) => s.column)) + 1
  let columnsNow = Array.from({ length: count }, (_, c) => slots.filter((s) => s.column === c))
  let best: readonly (readonly Slot[])[] = columnsNow
  let fewest = crossings(best, chains)
  for (let round = 0; round < 16 && fewest > 0; round++) {
    columnsNow = swept(columnsNow, chains, round % 2 === 1)
    const found = crossings(columnsNow, chains)
    if (found < fewest) [best, fewest] = [columnsNow, found]
  }
  return best
}
/** Every column put in order by its neighbours in the one before it, or, leftwards, in the one after. */
function swept(before: readonly (readonly Slot[])[], chains: readonly Chain[], leftwards: boolean): Slot[][] {
  const result = before.map((column) => [...column])
  for (let i = 1; i < result.length; i++) {
    const c = leftwards ? result.length - 1 - i : i
    const column = result[c] as Slot[]
    const near = result[leftwards ? c + 1 : c - 1] as Slot[]
    const ranks = new Map(
      column.map((slot, place) => {
        const places = neighbours(slot, chains, leftwards).map((n) => near.indexOf(n))
        return [slot, places.length === 0 ? place : places.reduce((a, b) => a + b, 0) / places.length] as const
      }),
    )
    column.sort((a, b) => (ranks.get(a) as number) - (ranks.get(b) as number))
  }
  return result
}
function crossings(byColumn: readonly (readonly Slot[])[], chains: readonly Chain[]): number {
  const place = new Map(byColumn.flatMap((column) => column.map((slot, i) => [slot, i] as const)))
  const steps = chains.flatMap(({ slots }) => slots.slice(1).map((to, i) => ({ from: slots[i] as Slot, to })))
  let count = 0
  for (const [i, a] of steps.entries())
    for (const b of steps.slice(i + 1)) {
      if (a.from.column !== b.from.column) continue
      const [left, right] = [
        (place.get(a.from) ?? 0) - (place.get(b.from) ?? 0),
        (place.get(a.to) ?? 0) - (place.get(b.to) ?? 0),
      ]
      if (left * right < 0) count++
    }
  return count
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
export function stack(column: readonly Slot[]): void {
  let y = 0
  column.forEach((slot, i) => {
    if (i > 0) y += room(column[i - 1] as Slot, slot)
    slot.y = y
  })
}
/** Pulls each slot to the mean height of its neighbours, as far as those above and below leave room. */
export function settle(byColumn: readonly (readonly Slot[])[], chains: readonly Chain[]): void {
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

/** Takes out the empty bands that parts of a graph leave between each other. */
export function compact(byColumn: readonly (readonly Slot[])[]): void {
  const widest = nodeHeight + rowGap
  const sorted = byColumn.flat().sort((a, b) => a.y - b.y)
  let above = sorted[0]?.y ?? 0
  let taken = 0
  for (const slot of sorted) {
    taken += Math.max(0, slot.y - above - widest)
    above = slot.y
    slot.y -= taken
  }
}
