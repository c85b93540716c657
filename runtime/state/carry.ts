import type { Engine } from '../engine.ts'
import { KEY_GROUPS } from '../key_groups.ts'
import { NUMBERS, type Running } from '../network.ts'
import type { Plan } from '../plan.ts'
import { type Layout, layoutOf, slots } from './layout.ts'

/** What becomes of a node's state when another plan goes on: kept where nothing about the node changed. */
export interface Fate {
  readonly node: string
  readonly fate: 'kept' | 'fresh' | 'new' | 'dropped'
  /** Why it is not kept. */
  readonly why: string
  /** The state is about money: orders, fills, positions. */
  readonly money: boolean
}

type Document = Readonly<Record<string, unknown>> & { readonly id: string }
const documents = (plan: Plan): readonly Document[] => (plan.resolved as { nodes: readonly Document[] }).nodes
const moneyed = new Set(['fill', 'approved_order', 'order_update', 'order_intent'])

/**
 * What a change of plans keeps, node by node; nodes without state are left out. `keep` names nodes that go on with their
 * state though their params or wires changed: possible where component, version and the form of the state are the same.
 */
export function fates(old: Plan, next: Plan, keep: readonly string[] = []): readonly Fate[] {
  const [before, after] = [documents(old), documents(next)]
  const stateful = (plan: Plan, id: string) => plan.nodes.find((n) => n.id === id)
  const money = (plan: Plan, id: string) =>
    Object.values(stateful(plan, id)?.operator.inputs ?? {}).some((kind) => moneyed.has(kind.kind))
  const all: Fate[] = []
  for (const is of after.filter(({ id }) => stateful(next, id))) {
    const was = before.find(({ id }) => id === is.id)
    const differs =
      was && Object.keys({ ...was, ...is }).filter((f) => JSON.stringify(was[f]) !== JSON.stringify(is[f]))
    const keeps = differs?.length === 0 || (keep.includes(is.id) && was !== undefined && sameForm(old, next, is.id))
    const fate = differs === undefined ? 'new' : keeps ? 'kept' : 'fresh'
    const why = (differs ?? []).map((f) => `${f} ${JSON.stringify(was?.[f])} -> ${JSON.stringify(is[f])}`).join(', ')
    all.push({ node: is.id, fate, why, money: money(next, is.id) })
  }
  for (const was of before.filter(({ id }) => stateful(old, id) && !stateful(next, id)))
    all.push({ node: was.id, fate: 'dropped', why: 'the node is gone', money: money(old, was.id) })
  return all
}

/** Both plans have the node of one component, and its state has the same fields. */
export function sameForm(old: Plan, next: Plan, id: string): boolean {
  const forms = [old, next].map((plan) => {
    const node = plan.nodes.find((n) => n.id === id)
    if (node === undefined) return undefined
    const { name, version, init, each } = node.operator
    const form = [layoutOf(init(node.params)), layoutOf(each?.(node.params) ?? {})].map(({ leaves }) => leaves)
    return JSON.stringify([name, version, form])
  })
  return forms[0] !== undefined && forms[0] === forms[1]
}

/** Brings an engine to where another one of an earlier plan stands, with the states that are kept. */
export function carry(from: Engine, to: Engine, keep: readonly string[] = []): void {
  const kept = new Set(fates(from.plan, to.plan, keep).flatMap(({ node, fate }) => (fate === 'kept' ? [node] : [])))
  const pairs = to.network.nodes.flatMap((node): [Running, Running][] => {
    const old = from.network.nodes.find((n) => n.planned.id === node.planned.id)
    return old !== undefined && kept.has(node.planned.id) ? [[old, node]] : []
  })
  for (const key of from.network.keys) to.network.keyCode(key)
  for (const [old, node] of pairs) {
    if (old.whole !== undefined) move(old.layouts.state, old.whole, node.layouts.state, node.whole as object)
    for (const [code, key] of from.network.keys.entries()) {
      const place = to.network.keyCode(key)
      if (!node.wide)
        move(old.layouts.state, from.network.stateOf(old, code), node.layouts.state, to.network.stateOf(node, place))
      if (old.layouts.each.width > 0)
        move(old.layouts.each, old.each[code] as object, node.layouts.each, node.each[place] as object)
      node.broken[place] = old.broken[code] as number
    }
  }
  carryEdges(from, to, kept)
  carryInOrder(from, to, pairs)
  carryTimes(from, to)
  Object.assign(to.counts, from.counts)
  to.resume()
}

type State = Parameters<Layout['save']>[0]
function move(old: Layout, state: object, next: Layout, into: object): void {
  const between = slots(Math.max(1, old.width))
  old.save(state as State, between, 0)
  next.load(into as State, between, 0)
}

/**
 * Every edge goes on numbering where it was: no id comes twice. (What a source says beside its rows has no numbers while
 * nobody hears it.) The newest message is that of a node that is kept.
 */
function carryEdges(from: Engine, to: Engine, kept: ReadonlySet<string>): void {
  const sources = new Set(to.plan.sources.map(({ id }) => id))
  for (const edge of to.network.edges) {
    const old = from.network.edges.find((e) => e.name === edge.name)
    if (old === undefined || old.place < 0 || edge.place < 0 || old.kind.kind !== edge.kind.kind) continue
    const node = edge.name.split('.')[0] as string
    const speaks = old.kept !== undefined && edge.kept !== undefined && (kept.has(node) || sources.has(node))
    for (const [code, key] of from.network.keys.entries()) {
      const [a, b] = [code * from.network.stride, to.network.keyCode(key) * to.network.stride]
      const copy = (at: number, into: number, width: number) =>
        to.network.memory.whole.set(from.network.memory.whole.subarray(a + at, a + at + width), b + into)
      copy(old.place, edge.place, NUMBERS)
      if (speaks) copy(old.spot, edge.spot, 1 + (edge.kept?.width ?? 0))
    }
  }
}

/** Ports in order go on from where ports were that heard the same, and from where they were in nodes that are kept. */
function carryInOrder(from: Engine, to: Engine, pairs: readonly [Running, Running][]): void {
  for (const ordered of to.network.in_order) {
    const same = from.network.in_order.filter(({ edges }) => edges === ordered.edges)
    const kept = pairs.flatMap(([old, node]) => (node.in_order === ordered ? (old.in_order ?? []) : []))
    for (const { newest } of [...same, ...kept])
      for (const [code, key] of from.network.keys.entries()) {
        const place = to.network.keyCode(key)
        ordered.newest[place] = Math.max(ordered.newest[place] as number, newest[code] as number)
      }
  }
}

function carryTimes(from: Engine, to: Engine): void {
  const ids = from.plan.sources.map(({ id }) => id)
  const places = to.plan.sources.map(({ id }) => ids.indexOf(id))
  for (const [s, old] of places.entries()) {
    if (old < 0) continue
    to.times.newest[s]?.set(from.times.newest[old] as Float64Array)
    to.times.idle[s]?.set(from.times.idle[old] as Uint8Array)
    Object.assign(to.taken[s] as object, from.taken[old])
    for (const [code, key] of from.network.keys.entries()) {
      const heard = to.network.heard[s] as Uint8Array
      heard[to.network.keyCode(key)] = from.network.heard[old]?.[code] ?? 0
    }
  }
  for (const { watermarks } of to.schedule.clocks) {
    const heard = watermarks.sources.map((s) => places[s] as number)
    const old = from.schedule.clocks.find((c) => c.watermarks.sources.join() === heard.join())
    if (old !== undefined) watermarks.mark.set(old.watermarks.mark)
    else {
      // nobody heard these together before: their time is what they have told so far
      for (let group = 0; group < KEY_GROUPS; group++) watermarks.mark[group] = watermarks.target(group)
      watermarks.mark[KEY_GROUPS] = Math.max(...watermarks.mark.subarray(0, KEY_GROUPS))
    }
  }
}
