import type { Committed } from '../../runtime/define.ts'
import type { Plan } from '../../runtime/plan.ts'
import { add, type Fixed, fixed, ratio, ZERO } from '../../schemas/fixed.ts'
import type { ApprovedOrder, Fill, OrderStep, OrderUpdate } from '../../schemas/orders.ts'

/** What a row of the log says of an order. */
export interface Said {
  readonly at: number
  readonly kind: 'approved_order' | 'order_update' | 'order_step' | 'fill'
  /** What happened, in one word. */
  readonly what: string
  /** What the step is of, where it is not the trade itself. */
  readonly helps: boolean
  readonly value: OrderStep | OrderUpdate | Fill | ApprovedOrder
}
export interface ListedOrder {
  /** The id of the approved order; of what a venue did by itself, that of its first row. */
  readonly id: string
  /** The execution sink. */
  readonly node: string
  readonly at: number
  readonly key: string
  readonly side: 'buy' | 'sell'
  readonly quantity: Fixed
  /** Limit of the order, otherwise the price it was sized at; 0 for what a venue did by itself. */
  readonly price: number
  readonly limit: number
  /** `approved` where nothing was heard of it; what ended it where no update tells, such as `conflict`. */
  readonly state: string
  readonly filled: Fixed
  readonly notional: Fixed
  /** Of the fills; 0 before there was one. */
  readonly average_price: number
  readonly fee: Fixed
  readonly said: readonly Said[]
}
const answers: ReadonlySet<string> = new Set(['order_update', 'order_step', 'fill'])
/** Ends an order though no update says so: somebody has to look. */
const looseEnds: ReadonlySet<string> = new Set(['conflict', 'lost'])
export const isOpen = ({ state }: ListedOrder): boolean => state === 'approved' || state === 'accepted'
/** Its own steps, without those of transactions that give it rights. */
export const stepsOf = ({ said }: ListedOrder): readonly Said[] =>
  said.filter(({ kind, helps }) => kind === 'order_step' && !helps)

/** Execution sinks of a plan in any mode, and the edges they hear. */
const sinksOf = (plan: Plan): readonly { readonly id: string; readonly hears: readonly string[] }[] => [
  ...plan.nodes.filter(({ twin }) => twin).map(({ id, inputs }) => ({ id, hears: Object.values(inputs).flat() })),
  ...plan.executors.map(({ id, inputs }) => ({ id, hears: Object.values(inputs) })),
]

/** The orders of a run, folded from its committed rows. */
export class OrderList {
  private readonly sinks: ReturnType<typeof sinksOf>
  private readonly orders = new Map<string, ListedOrder>()
  /** Nonces of transactions that only give rights. */
  private readonly helpers = new Map<string, Set<number>>()

  constructor(plan: Plan) {
    this.sinks = sinksOf(plan)
  }

  add(row: Committed): void {
    if (row.kind === 'approved_order') {
      for (const { id, hears } of this.sinks) if (hears.includes(row.edge)) this.approve(id, row)
      return
    }
    const [node = ''] = row.edge.split('.')
    if (!answers.has(row.kind) || !this.sinks.some(({ id }) => id === node)) return
    const { order_at, order_ordinal } = row.value as OrderStep | OrderUpdate | Fill
    // a venue acts by itself where no order is named
    const place = order_at === 0 ? `${node} ${row.id}` : placeOf(node, row.key, order_at, order_ordinal)
    const order = this.orders.get(place) ?? alone(node, row)
    this.orders.set(place, this.heard(order, place, row))
  }

  all(): readonly ListedOrder[] {
    return [...this.orders.values()].toSorted((a, b) => a.at - b.at)
  }

  private approve(node: string, { id, at, key, ordinal, value }: Committed): void {
    const { side, quantity, limit, price } = value as ApprovedOrder
    this.orders.set(placeOf(node, key, at, ordinal), {
      ...{ id, node, at, key, side, limit, quantity: fixed(quantity), price: limit > 0 ? limit : price },
      ...nothing('approved'),
      said: [{ at, kind: 'approved_order', what: 'approved', helps: false, value: value as ApprovedOrder }],
    })
  }

  private heard(order: ListedOrder, place: string, { at, kind, value }: Committed): ListedOrder {
    const said = (what: string, helps = false) => [...order.said, { at, kind, what, helps, value } as Said]
    if (kind === 'fill') {
      const fill = value as Fill
      const [filled, notional] = [add(order.filled, fill.quantity), add(order.notional, fill.notional)]
      const average_price = filled === ZERO ? 0 : ratio(notional, filled)
      return { ...order, filled, notional, average_price, fee: add(order.fee, fill.fee), said: said('fill') }
    }
    if (kind === 'order_update') {
      const { state: told, quantity } = value as OrderUpdate
      // an end that is taken back leaves it under way
      const state = quantity < ZERO ? 'accepted' : told
      // what was filled in part and not to its end is told as cancelled at last
      return { ...order, state, said: said(state) }
    }
    const step = value as OrderStep
    const helps = this.isHelper(place, step)
    return { ...order, state: helps ? order.state : stateAfter(order.state, step.step), said: said(step.step, helps) }
  }

  private isHelper(place: string, { nonce, detail }: OrderStep): boolean {
    const known = this.helpers.get(place) ?? new Set()
    if (detail === 'allowance' && nonce >= 0) this.helpers.set(place, known.add(nonce))
    return detail === 'allowance' || known.has(nonce)
  }
}

/** Updates tell the state, but for ends of which there is none, and their being taken back. */
function stateAfter(state: string, step: OrderStep['step']): string {
  if (looseEnds.has(step)) return step
  return step === 'reorged' && looseEnds.has(state) ? 'accepted' : state
}
const placeOf = (node: string, key: string, at: number, ordinal: number): string => `${node} ${key} ${at} ${ordinal}`
const nothing = (state: string) => ({ state, filled: ZERO, notional: ZERO, average_price: 0, fee: ZERO })
const alone = (node: string, { id, at, key, value }: Committed): ListedOrder => {
  const { side = 'buy', quantity = ZERO } = value as Partial<Fill>
  return { ...{ id, node, at, key, side, quantity, price: 0, limit: 0 }, ...nothing('filled'), said: [] }
}
