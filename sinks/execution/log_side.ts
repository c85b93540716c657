import { add, type Fixed, toText, ZERO } from '../../schemas/fixed.ts'
import type { Fill } from '../../schemas/orders.ts'
import type { Book } from './book.ts'
import { type Finding, finding } from './finding.ts'
import type { RunOf } from './ledger.ts'
import type { Order } from './order.ts'
import { fillsOf, type Units } from './told.ts'

/** What the log of a run says of the orders of one execution sink. */
export interface LogSide {
  readonly of: RunOf
  /** Ids of approved orders. */
  readonly orders: ReadonlySet<string>
  /** Fills of each order, by its id. */
  readonly fills: ReadonlyMap<string, readonly Fill[]>
}
export interface HeldPosition {
  readonly instrument: string
  /** Base units by the fills of the log, and by settled orders of the journal; 1e-8. */
  readonly log: Fixed
  readonly journal: Fixed
}
type UnitsOf = (order: Order) => Units | undefined

const isOf = ({ intent }: Order, { run, pipeline, node }: RunOf): boolean =>
  intent.purpose === 'trade' && intent.run === run && intent.pipeline === pipeline && intent.node === node
type Booked = Pick<Fill, 'side' | 'quantity' | 'notional' | 'fee'>
const words = ({ side, quantity, notional, fee }: Booked): string =>
  `${side} ${toText(quantity)} for ${toText(notional)}, fee ${toText(fee)}`
/** What the fills of one order come to. */
const total = (fills: readonly Fill[]): Booked | undefined =>
  fills.length === 0
    ? undefined
    : fills.reduce<Booked>(
        (sum, { side, quantity, notional, fee }) => ({
          side,
          quantity: add(sum.quantity, quantity),
          notional: add(sum.notional, notional),
          fee: add(sum.fee, fee),
        }),
        { side: 'buy', quantity: ZERO, notional: ZERO, fee: ZERO },
      )
const isNothing = (booked: Booked | undefined): boolean =>
  booked === undefined || (booked.quantity === ZERO && booked.notional === ZERO && booked.fee === ZERO)

/** A journal against the log of a run, on the union of both: every order, every fill. */
export function compareLog(book: Book, log: LogSide, unitsOf: UnitsOf): readonly Finding[] {
  const own = [...book.all()].filter((order) => isOf(order, log.of))
  const untaken = [...log.orders].filter((id) => book.get(id) === undefined)
  // what rights cost is told as a cost of the order they were given for
  const helpers = new Map<string, Order[]>()
  for (const order of book.all()) {
    const { parent } = order.intent
    if (parent !== undefined) helpers.set(parent, [...(helpers.get(parent) ?? []), order])
  }
  const known = new Set(own.map(({ intent }) => intent.id))
  return [
    ...untaken.map((id) => finding('ORDER_NOT_TAKEN', id, 'an order of the journal', 'an order of the log alone')),
    ...own.flatMap((order) => compareOrder(order, helpers.get(order.intent.id) ?? [], log, unitsOf)),
    ...[...log.fills]
      .filter(([id]) => !known.has(id))
      .map(([id, fills]) => finding('FILL_NOT_IN_JOURNAL', id, 'no fill', fills.map(words).join('; '))),
  ]
}

function compareOrder(
  order: Order,
  helpers: readonly Order[],
  { orders, fills }: LogSide,
  unitsOf: UnitsOf,
): readonly Finding[] {
  const { id } = order.intent
  const units = unitsOf(order)
  const missing = orders.has(id)
    ? []
    : [finding('ORDER_NOT_IN_LOG', id, 'an order of the log', 'an order of the journal alone')]
  if (units === undefined) return missing
  const expected = total([...helpers, order].flatMap((of) => fillsOf(of, units)))
  const told = total(fills.get(id) ?? [])
  const text = (booked: Booked | undefined) => (booked === undefined || isNothing(booked) ? 'no fill' : words(booked))
  if (text(told) === text(expected)) return missing
  // what helps is told before the trade
  const not_yet = isNothing(told) || (told?.quantity === ZERO && told.fee < (expected?.fee ?? ZERO))
  const code = not_yet ? 'FILL_NOT_TOLD' : isNothing(expected) ? 'FILL_NOT_IN_JOURNAL' : 'FILL_DIFFERS'
  return [...missing, finding(code, id, text(expected), text(told))]
}

const signed = ({ side, quantity }: Pick<Fill, 'side' | 'quantity'>): Fixed =>
  side === 'buy' ? quantity : (-quantity as Fixed)

/** What is held of each instrument by either side. */
export function heldPositions(book: Book, log: LogSide, unitsOf: UnitsOf): readonly HeldPosition[] {
  const held = new Map<string, { log: Fixed; journal: Fixed }>()
  const at = (key: string) => {
    const found = held.get(key) ?? { log: ZERO, journal: ZERO }
    held.set(key, found)
    return found
  }
  for (const order of book.all()) {
    const units = unitsOf(order)
    if (!isOf(order, log.of) || units === undefined) continue
    const position = at(order.intent.key)
    for (const fill of log.fills.get(order.intent.id) ?? []) position.log = add(position.log, signed(fill))
    for (const fill of fillsOf(order, units)) position.journal = add(position.journal, signed(fill))
  }
  return [...held].map(([instrument, sides]) => ({ instrument, ...sides }))
}
