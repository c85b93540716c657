import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Definition, Operator } from '../../runtime/define.ts'
import { drive } from '../../runtime/drive.ts'
import type { OrderIntent } from '../../schemas/orders.ts'
import { fill, quote, type Sample, signal, trade } from '../../schemas/samples.ts'
import { allIn } from './all_in.ts'
import { fixedNotional } from './fixed_notional.ts'
import { fixedQuantity } from './fixed_quantity.ts'
import { stopAndReverse } from './stop_and_reverse.ts'

const orders = (op: Definition<Operator>, params: object, input: readonly Sample[]) =>
  (drive(op, params, input) as (OrderIntent | OrderIntent[])[]).map((said) =>
    [said].flat().map((o) => `${o.side} ${o.quantity}`),
  )

describe('fixed_notional', () => {
  test('cuts the quantity and never orders more than the amount', () => {
    const prices = fc.double({ min: 1e-4, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(prices, fc.integer({ min: 0, max: 8 }), (price, decimals) => {
        for (const { quantity } of drive(fixedNotional, { notional: 1000, decimals }, [
          signal(1, 1, price),
        ]) as OrderIntent[]) {
          expect(quantity * price).toBeLessThanOrEqual(1000 * (1 + 1e-12))
          expect(quantity).toBe(Number(quantity.toFixed(decimals)))
          expect((quantity + 10 ** -decimals) * price).toBeGreaterThan(1000 * (1 - 1e-9))
        }
      }),
    )
  })
  test('orders nothing where the amount does not buy the smallest quantity', () => {
    expect(orders(fixedNotional, { notional: 10, decimals: 0 }, [signal(1, 1, 11), signal(2, 1, 10)])).toEqual([
      ['buy 1'],
    ])
  })
})
test('fixed_quantity sets its limit on the passive side of the price, or none', () => {
  const limits = (params: object) =>
    (
      drive(fixedQuantity, { quantity: 1, ...params }, [signal(1, 1), signal(2, -1), signal(3, 0)]) as OrderIntent[]
    ).map((o) => o.limit)
  expect(limits({ limit_offset: 0.01 })).toEqual([99, 101])
  expect(limits({})).toEqual([0, 0])
})

describe('stop_and_reverse', () => {
  const quantity = { quantity: 2 }
  test('opens when flat, stays where it is, and turns with two orders, the close first', () => {
    const input = [signal(1, 1), fill(1, 'buy', 2), signal(2, 1), signal(3, 0), signal(4, -1)]
    expect(orders(stopAndReverse, quantity, input)).toEqual([['buy 2'], ['sell 2', 'sell 2']])
  })
  test('closes what was filled, not what was ordered', () => {
    expect(orders(stopAndReverse, quantity, [signal(1, 1), fill(1, 'buy', 0.75), signal(2, -1)])).toEqual([
      ['buy 2'],
      ['sell 0.75', 'sell 2'],
    ])
    expect(orders(stopAndReverse, quantity, [signal(1, -1), fill(1, 'sell', 2), signal(2, 1)])).toEqual([
      ['sell 2'],
      ['buy 2', 'buy 2'],
    ])
  })
})

describe('all_in', () => {
  const whole = { capital: 1000, share: 1, decimals: 0 }
  test('buys as many whole units as the account pays for', () => {
    expect(orders(allIn, whole, [signal(1, 1, 90)])).toEqual([['buy 11']])
    expect(orders(allIn, { ...whole, share: 0.9 }, [signal(1, 1, 90)])).toEqual([['buy 10']])
  })
  test('counts the account from the fills, fees too, and puts all of it on the other side', () => {
    const input = [signal(1, 1, 100), fill(1, 'buy', 10, 100, 5), signal(2, -1, 120)]
    // 1000 - 1000 - 5 + 10 x 120 = 1195, which is 9 units of 120
    expect(orders(allIn, whole, input)).toEqual([['buy 10'], ['sell 10', 'sell 9']])
    const back = [...input, fill(2, 'sell', 10, 120), fill(2, 'sell', 9, 120), signal(3, 1, 110)]
    // 195 + 1080 in cash and 9 units short: 2275 - 990 = 1285
    expect(orders(allIn, whole, back).at(-1)).toEqual(['buy 9', 'buy 11'])
  })
  test('with enter: next it sends at the first price after the signal: the ask, the bid, or the trade', () => {
    const next = { ...whole, enter: 'next' }
    expect(orders(allIn, next, [signal(1, 1, 100), quote(2, 99, 125), quote(3, 99, 100)])).toEqual([['buy 8']])
    expect(orders(allIn, next, [signal(1, -1, 100), quote(2, 125, 130)])).toEqual([['sell 8']])
    expect(orders(allIn, next, [trade(0.5, 50), signal(1, 1, 100), trade(2, 200), trade(3, 100)])).toEqual([['buy 5']])
  })
  test('only the newest signal counts while it waits', () => {
    expect(orders(allIn, { ...whole, enter: 'next' }, [signal(1, 1, 100), signal(2, -1, 100), trade(3, 100)])).toEqual([
      ['sell 10'],
    ])
  })
  test('an account that is gone orders nothing but the close', () => {
    const ruined = [signal(1, -1, 100), fill(1, 'sell', 10, 100), signal(2, 1, 300)]
    expect(orders(allIn, whole, ruined)).toEqual([['sell 10'], ['buy 10']])
  })
})
