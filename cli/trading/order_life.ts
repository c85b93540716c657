import { type Fixed, toText } from '../../schemas/fixed.ts'
import { formatTime } from '../../schemas/units.ts'
import type { Entry, OrderEvent } from '../../sinks/execution/entry.ts'
import { isOrderEntry } from '../../sinks/execution/order.ts'
import { table } from '../describe/table.ts'
import type { ListedOrder } from './order_list.ts'
import { factsOf, factsText, orderDocument, short } from './order_text.ts'

/** A step of an order as its journal holds it: `at` is the time of the machine. */
interface Journaled {
  readonly at: number
  /** What it is of: the trade, or a transaction that gives it rights. */
  readonly of: string
  readonly what: string
  readonly facts: Readonly<Record<string, unknown>>
}

/** The steps of an order in a journal, those of transactions that help it too; undefined where it knows nothing of it. */
export function journaledLife(entries: readonly Entry[], id: string): readonly Journaled[] | undefined {
  const names = new Map([[id, 'trade']])
  const steps: Journaled[] = []
  for (const entry of entries.filter(isOrderEntry)) {
    const { event } = entry
    if (event.type === 'received' && event.intent.parent === id) names.set(entry.id, entry.id.slice(id.length + 1))
    const of = names.get(entry.id)
    if (of !== undefined) steps.push({ at: entry.at, of, what: event.type, facts: journalFacts(event) })
  }
  return steps.length === 0 ? undefined : steps
}

/** What is worth telling; signed bytes and calls stay where they are. */
function journalFacts(event: OrderEvent): Readonly<Record<string, unknown>> {
  if (event.type === 'received') {
    const { side, quantity, exact, amount, bound, expires } = event.intent
    const intent = { side, quantity: toText(BigInt(quantity) as Fixed), exact, amount, bound }
    return { ...intent, expires: formatTime(expires) }
  }
  const { type: _type, ...facts } = event
  const dull: ReadonlySet<string> = new Set(['raw', 'data', 'chain', 'signer'])
  const told = Object.entries(facts).filter(([name, value]) => !dull.has(name) && value !== '')
  return Object.fromEntries(told.map(([name, value]) => [name, plain(name, value)]))
}
function plain(name: string, value: unknown): unknown {
  if (name === 'deadline') return value === 0 ? 'none' : formatTime(value as number)
  return typeof value === 'object' ? JSON.stringify(value) : value
}

export const lifeDocument = (order: ListedOrder, journal: readonly Journaled[] | undefined) => ({
  ...orderDocument(order),
  log: order.said.map((said) => ({ at: said.at, what: said.what, helps: said.helps, ...factsOf(said) })),
  journal: journal?.map(({ at, of, what, facts }) => ({ at, of, what, ...facts })) ?? null,
})

/** A transcript: by the journal where there is one, for it has the times of the machine; what the log says otherwise. */
export function lifeText(order: ListedOrder, journal: readonly Journaled[] | undefined): string {
  const { id, key, side, quantity, price, limit, state, filled, average_price, fee } = order
  const words = `${side} ${short(quantity)} at ${limit > 0 ? 'limit' : 'about'} ${price}`
  const got = filled > 0n ? `; ${short(filled)} filled at ${average_price}, fee ${short(fee)}` : ''
  const head = `${id}\n${key}: ${words}\n${state}${got}`
  const rows: readonly (readonly string[])[] =
    journal === undefined
      ? order.said.map((said) => [
          formatTime(said.at),
          said.what,
          said.helps ? 'allowance' : '',
          factsText(factsOf(said)),
        ])
      : journal.map(({ at, of, what, facts }) => [formatTime(at), what, of === 'trade' ? '' : of, factsText(facts)])
  const times = journal === undefined ? 'event time' : 'time of this machine'
  return `${head}\n\n${table([times, 'step', 'of', ''], rows)}`
}
