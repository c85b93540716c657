import type { Fill, OrderStep } from '../../schemas/orders.ts'
import { toFixed } from '../../sinks/execution/told.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import type { Ground } from './ground.ts'

/**
 * Where the journal, what was told and the logs of the pair differ; empty where they agree. Every swap of the account
 * belongs to one settled order and every settled order to one swap, all of the journal was told once, and each fill is
 * what its swap moved.
 */
export async function untruths(ground: Pick<Ground, 'swaps'>, driven: DrivenExecutor): Promise<readonly string[]> {
  const found: string[] = []
  const swaps = await ground.swaps()
  const book = driven.book()
  const trades = [...book.all()].filter(({ intent }) => intent.purpose === 'trade')
  const settled = trades.filter(({ life }) => life.phase === 'settled')
  const hashOf = (order: (typeof trades)[number]) => order.attempts[(order.inclusion?.attempt ?? 0) - 1]?.hash
  for (const { transaction } of swaps) {
    const of = settled.filter((order) => hashOf(order) === transaction).length
    if (of !== 1) found.push(`swap ${transaction} belongs to ${of} settled orders`)
  }
  for (const order of settled) {
    const [swap, ...more] = swaps.filter(({ transaction }) => transaction === hashOf(order))
    if (swap === undefined || more.length > 0) {
      found.push(`${order.intent.id} is settled by ${more.length + (swap === undefined ? 0 : 1)} swaps`)
      continue
    }
    const [base, quote] = order.intent.side === 'sell' ? [swap.paid, swap.got] : [swap.got, swap.paid]
    const fills = driven.answers.flatMap(({ port, value }) =>
      port === 'fill' && isOf(value, order.intent) ? [value as Fill] : [],
    )
    if (standing(fills) !== 1) found.push(`${order.intent.id} has ${fills.length} fills`)
    const [quantity, notional] = [sum(fills, 'quantity'), sum(fills, 'notional')]
    if (quantity !== toFixed(base, 18) || notional !== toFixed(quote, 18))
      found.push(`${order.intent.id}: told ${quantity} for ${notional}, moved ${base} for ${quote}`)
  }
  const fills = standing(driven.answers.flatMap(({ port, value }) => (port === 'fill' ? [value as Fill] : [])))
  if (fills !== settled.length) found.push(`${fills} fills of ${settled.length} settled orders`)
  const written = driven.entries().flatMap((entry) => ('id' in entry ? [entry.event.type] : []))
  const told = driven.answers.filter(({ port }) => port === 'step').map(({ value }) => (value as OrderStep).step)
  if (written.join() !== told.join()) found.push(`written ${written.join(' ')}, told ${told.join(' ')}`)
  return found
}
/** Fills less those that were taken back. */
const standing = (fills: readonly Fill[]): number =>
  fills.reduce((count, { quantity }) => count + (quantity > 0n ? 1 : quantity < 0n ? -1 : 0), 0)
const sum = (fills: readonly Fill[], of: 'quantity' | 'notional'): bigint =>
  fills.reduce((all, fill) => all + fill[of], 0n)
const isOf = (value: unknown, { at, ordinal }: { readonly at: number; readonly ordinal: number }): boolean => {
  const { order_at, order_ordinal } = value as { readonly order_at: number; readonly order_ordinal: number }
  return order_at === at && order_ordinal === ordinal
}
