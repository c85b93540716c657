import { expect, test } from 'vitest'
import { type Fixed, fixed } from '../../schemas/fixed.ts'
import type { Fill } from '../../schemas/orders.ts'
import { Book } from './book.ts'
import type { OrderEvent } from './entry.ts'
import { compareLog, heldPositions, type LogSide } from './log_side.ts'
import { intentOf, planned, receivedOf, signedOf, simulated } from './sample_entries.ts'

const units = { base_decimals: 18, quote_decimals: 6, coin: 'neither' } as const
const unitsOf = () => units
const settled: readonly OrderEvent[] = [
  ...[receivedOf('a'), planned, simulated, signedOf(0)],
  {
    ...{ type: 'included', attempt: 1, block: 101, block_hash: '0xb', status: 'ok' },
    ...{ gas: '1', gas_price: '1' },
    paid: '3000000000',
    got: '1000000000000000000',
  },
  { type: 'final', head: 110 },
  { type: 'settled' },
]
function bookOf(id: string, events: readonly OrderEvent[]): Book {
  const book = new Book()
  for (const event of events) book.add({ at: 0, id, event })
  return book
}
const fill: Fill = {
  ...{ order_at: 1, order_ordinal: 0, side: 'buy', price: 3000 },
  ...{ quantity: fixed(1), notional: fixed(3000), fee: 0n as Fixed },
}
const { run, pipeline, node } = intentOf('a')
const log = (fills: readonly (readonly [string, Fill])[], orders: readonly string[] = ['a']): LogSide => ({
  of: { run, pipeline, node },
  orders: new Set(orders),
  fills: new Map(fills.map(([id, of]) => [id, [of]])),
})
const codes = (book: Book, side: LogSide) =>
  compareLog(book, side, unitsOf).map(({ code, mends }) => `${code} ${mends}`)

test('orders and fills are compared from both sides', () => {
  const book = bookOf('a', settled)
  expect(codes(book, log([['a', fill]]))).toEqual([])
  expect(codes(book, log([]))).toEqual(['FILL_NOT_TOLD by_itself'])
  expect(codes(book, log([['a', { ...fill, quantity: fixed(2) }]]))).toEqual(['FILL_DIFFERS by_hand'])
  expect(codes(book, log([['a', fill]], []))).toEqual(['ORDER_NOT_IN_LOG by_hand'])
  expect(codes(book, log([['a', fill]], ['a', 'b']))).toEqual(['ORDER_NOT_TAKEN by_itself'])
  expect(codes(new Book(), log([['a', fill]]))).toEqual(['ORDER_NOT_TAKEN by_itself', 'FILL_NOT_IN_JOURNAL by_hand'])
  const open = bookOf('a', settled.slice(0, 4))
  expect(codes(open, log([]))).toEqual([])
  expect(codes(open, log([['a', fill]]))).toEqual(['FILL_NOT_IN_JOURNAL by_hand'])
})

test('what an order cost without a trade, and what its rights cost, is expected of the log', () => {
  const failed = { ...settled[4], status: 'failed', gas: '1000000000000', gas_price: '1000', paid: '0', got: '0' }
  const reverted = [...settled.slice(0, 4), failed, settled[5], { type: 'reverted', reason: '' }] as OrderEvent[]
  const book = bookOf('a', reverted)
  const help = { ...intentOf('a#allowance.0'), purpose: 'allowance', parent: 'a' } as const
  for (const event of [{ type: 'received', intent: help } as const, ...settled.slice(1, 3), signedOf(1)])
    book.add({ at: 0, id: help.id, event: event as OrderEvent })
  for (const event of [{ ...failed, status: 'ok' } as OrderEvent, ...settled.slice(5)])
    book.add({ at: 0, id: help.id, event })
  const cost = { ...fill, quantity: 0n as Fixed, notional: 0n as Fixed, fee: fixed(0.001) }
  const told = (...fills: readonly Fill[]) =>
    compareLog(book, { ...log([]), fills: new Map([['a', fills]]) }, () => ({ ...units, coin: 'quote' })).map(
      ({ code }) => code,
    )
  expect(told(cost, cost)).toEqual([])
  expect(told()).toEqual(['FILL_NOT_TOLD'])
  expect(told(cost)).toEqual(['FILL_NOT_TOLD'])
  expect(told(cost, cost, cost)).toEqual(['FILL_DIFFERS'])
})

test('orders of other runs are none of its business', () => {
  const book = bookOf('a', settled)
  const other = { ...log([], []), of: { run: 'other', pipeline, node } }
  expect(codes(book, other)).toEqual([])
  expect(heldPositions(book, other, unitsOf)).toEqual([])
})

test('positions are summed on both sides', () => {
  const book = bookOf('a', settled)
  const key = intentOf('a').key
  expect(heldPositions(book, log([['a', fill]]), unitsOf)).toEqual([
    { instrument: key, log: fixed(1), journal: fixed(1) },
  ])
  expect(heldPositions(book, log([]), unitsOf)).toEqual([{ instrument: key, log: 0n, journal: fixed(1) }])
})
