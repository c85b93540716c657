import { add, type Fixed, toText, ZERO } from '../../schemas/fixed.ts'
import type { Fill } from '../../schemas/orders.ts'
import type { Book } from './book.ts'
import { type Finding, finding } from './finding.ts'
import type { RunOf } from './ledger.ts'
import type { Order } from './order.ts'
import { fillOf, type Units } from './told.ts'

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
const words = ({ side, quantity, notional, fee }: Pick<Fill, 'side' | 'quantity' | 'notional' | 'fee'>): string =>
  `${side} ${toText(quantity)} for ${toText(notional)}, fee ${toText(fee)}`

/** A journal against the log of a run, on the union of both: every order, every fill. */
export function compareLog(book: Book, log: LogSide, unitsOf: UnitsOf): readonly Finding[] {
  const own = [...book.all()].filter((order) => isOf(order, log.of))
  const untaken = [...log.orders].filter((id) => book.get(id) === undefined)
  const known = new Set(own.map(({ intent }) => intent.id))
  return [
    ...untaken.map((id) => finding('ORDER_NOT_TAKEN', id, 'an order of the journal', 'an order of the log alone')),
    ...own.flatMap((order) => compareOrder(order, log, unitsOf)),
    ...[...log.fills]
      .filter(([id]) => !known.has(id))
      .map(([id, fills]) => finding('FILL_NOT_IN_JOURNAL', id, 'no fill', fills.map(words).join('; '))),
  ]
}

function compareOrder(order: Order, { orders, fills }: LogSide, unitsOf: UnitsOf): readonly Finding[] {
  const { id } = order.intent
  const units = unitsOf(order)
  const missing = orders.has(id)
    ? []
    : [finding('ORDER_NOT_IN_LOG', id, 'an order of the log', 'an order of the journal alone')]
  if (units === undefined) return missing
  const fill = order.life.phase === 'settled' ? fillOf(order, units) : undefined
  const expected = fill === undefined || fill.price === 0 ? 'no fill' : words(fill)
  const told = (fills.get(id) ?? []).map(words).join('; ') || 'no fill'
  if (told === expected) return missing
  const code = told === 'no fill' ? 'FILL_NOT_TOLD' : expected === 'no fill' ? 'FILL_NOT_IN_JOURNAL' : 'FILL_DIFFERS'
  return [...missing, finding(code, id, expected, told)]
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
    if (order.life.phase === 'settled') position.journal = add(position.journal, signed(fillOf(order, units)))
  }
  return [...held].map(([instrument, sides]) => ({ instrument, ...sides }))
}
