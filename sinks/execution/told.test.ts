import { expect, test } from 'vitest'
import { type Fixed, fixed, ZERO } from '../../schemas/fixed.ts'
import type { Fill, OrderUpdate } from '../../schemas/orders.ts'
import type { EventOf, OrderEvent } from './entry.ts'
import { fold, type Order } from './order.ts'
import { includedOf, planned, receivedOf, signedOf, simulated } from './sample_entries.ts'
import { told, type Units } from './told.ts'

const units: Units = { base_decimals: 18, quote_decimals: 18, coin: 'quote' }
const unit = 10n ** 18n

/** Fills and updates of a purchase of one whole unit that a block held. */
function heard(inclusion: Partial<EventOf<'included'>>, end: OrderEvent = { type: 'settled' }, by = units) {
  const events = [
    ...[receivedOf('a'), planned, simulated, signedOf(0)],
    ...[includedOf(1, inclusion), { type: 'final', head: 110 } as const, end],
  ]
  let order: Order | undefined
  const fills: Fill[] = []
  const updates: (readonly [OrderUpdate['state'], Fixed])[] = []
  for (const event of events) {
    order = fold(order, 0, event)
    for (const { port, value } of told(order, event, by)) {
      if (port === 'fill') fills.push(value as Fill)
      if (port === 'order') updates.push([(value as OrderUpdate).state, (value as OrderUpdate).quantity])
    }
  }
  return { fills, updates }
}

test.each(['quote', 'neither'] as const)(
  'what moved is a trade though what was paid rounds to 0 (the coin is %s)',
  (coin) => {
    const { fills, updates } = heard({ paid: '4999999999', got: unit.toString() }, undefined, { ...units, coin })
    expect(fills).toMatchObject([{ side: 'buy', quantity: fixed(1), notional: ZERO, price: 4.999999999e-9 }])
    expect(updates).toEqual([
      ['accepted', fixed(1)],
      ['filled', fixed(1)],
    ])
  },
)

test('what was paid is booked though what came rounds to 0', () => {
  const { fills, updates } = heard({ paid: unit.toString(), got: '4' })
  expect(fills).toMatchObject([{ side: 'buy', quantity: ZERO, notional: fixed(1), price: 2.5e17 }])
  expect(updates).toEqual([
    ['accepted', fixed(1)],
    ['cancelled', fixed(1)],
  ])
})

test('what a chain charges beside its gas is a part of the fee', () => {
  const gas = { gas: '1000000000', gas_price: '1000000000' }
  const paid = (more: Partial<EventOf<'included'>>, end?: OrderEvent) =>
    heard({ paid: unit.toString(), got: unit.toString(), ...gas, ...more }, end).fills.map(({ fee }) => fee)
  expect(paid({})).toEqual([fixed(1)])
  expect(paid({ data_fee: (unit / 4n).toString() })).toEqual([fixed(1.25)])
  const reverted = { type: 'reverted', reason: '' } as const
  expect(paid({ data_fee: (unit / 4n).toString(), status: 'failed' }, reverted)).toEqual([fixed(1.25)])
})
