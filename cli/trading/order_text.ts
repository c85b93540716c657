import { type Fixed, toNumber, toText } from '../../schemas/fixed.ts'
import type { Fill, OrderStep, OrderUpdate } from '../../schemas/orders.ts'
import { formatTime } from '../../schemas/units.ts'
import { table } from '../describe/table.ts'
import { type ListedOrder, type Said, stepsOf } from './order_list.ts'

/** Decimal text without zeros that say nothing. */
export const short = (value: Fixed): string => toText(value).replace(/\.?0+$/, '')

/** An order as a document: numbers as the nearest double, and in `exact` as decimal text. */
export function orderDocument(order: ListedOrder) {
  const { quantity, filled, notional, fee, said: _said, key, ...rest } = order
  const money = { quantity, filled, notional, fee }
  const told = (as: (of: Fixed) => number | string) =>
    Object.fromEntries(Object.entries(money).map(([name, value]) => [name, as(value)]))
  const steps = stepsOf(order)
  return {
    ...{ ...rest, instrument: key, ...told(toNumber), exact: told(toText) },
    ...{ steps: steps.length, last_step: steps.at(-1)?.what ?? null },
  }
}

export const orderTable = (orders: readonly ListedOrder[]): string =>
  table(
    ['time', 'instrument', 'side', 'quantity', 'price', 'state', 'filled', 'fee', 'steps', 'id'],
    orders.map((order) => [
      formatTime(order.at),
      order.key,
      order.side,
      short(order.quantity),
      order.average_price || order.price,
      order.state,
      short(order.filled),
      short(order.fee),
      stepsOf(order).length,
      order.id,
    ]),
  )

const hidden: ReadonlySet<string> = new Set(['order_at', 'order_ordinal', 'step', 'state', 'side'])
/** The facts of a row that say something. */
export function factsOf({ kind, value }: Said): Readonly<Record<string, unknown>> {
  if (kind === 'order_step') {
    const { attempt, nonce, block, transaction, code, detail } = value as OrderStep
    return {
      ...(attempt > 0 && { attempt }),
      ...(nonce >= 0 && { nonce }),
      ...(block > 0 && { block }),
      ...(transaction !== '' && { transaction }),
      ...(code !== '' && { code }),
      ...(detail !== '' && { detail }),
    }
  }
  const facts = Object.entries(value as Fill | OrderUpdate).filter(([name, of]) => !hidden.has(name) && of !== 'none')
  return Object.fromEntries(facts.map(([name, of]) => [name, typeof of === 'bigint' ? short(of as Fixed) : of]))
}
export const factsText = (facts: Readonly<Record<string, unknown>>): string =>
  Object.entries(facts)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ')
