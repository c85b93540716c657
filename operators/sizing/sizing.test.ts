import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Definition, Operator } from '../../runtime/define.ts'
import { drive } from '../../runtime/drive.ts'
import { fixed } from '../../schemas/fixed.ts'
import type { OrderIntent, OrderUpdate } from '../../schemas/orders.ts'
import { fill, quote, type Sample, signal, trade } from '../../schemas/samples.ts'
import { allIn } from './all_in.ts'
import { fixedNotional } from './fixed_notional.ts'
import { fixedQuantity } from './fixed_quantity.ts'
import { stopAndReverse } from './stop_and_reverse.ts'

const orders = (op: Definition<Operator>, params: object, input: readonly Sample[]) =>
  (drive(op, params, input) as (OrderIntent | OrderIntent[])[]).map((said) =>
    [said].flat().map((o) => `${o.side} ${o.quantity}`),
  )

const update = (at: number, state: OrderUpdate['state'], side: 'buy' | 'sell', quantity: number): Sample => ({
  kind: 'order_update',
  at: at * 1e6,
  key: 'binance:BTCUSDT',
  value: {
    order_at: 1,
    order_ordinal: 0,
    state,
    side,
    quantity: fixed(quantity),
    reason: 'none',
  } satisfies OrderUpdate,
})

describe('fixed_notional', () => {
  test('cuts in decimals: what the amount buys exactly is not cut', () => {
    expect(orders(fixedNotional, { notional: 29, decimals: 2 }, [signal(1, 1, 100)])).toEqual([['buy 0.29']])
  })
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
  test('a signal that repeats before the fill sends nothing, and one that turns counts what is under way', () => {
    const sent = [signal(1, 1), update(1, 'accepted', 'buy', 2)]
    const later = [update(3, 'filled', 'buy', 2), fill(3, 'buy', 2), signal(4, 1), signal(5, -1)]
    expect(orders(stopAndReverse, quantity, [...sent, signal(2, 1), ...later])).toEqual([
      ['buy 2'],
      ['sell 2', 'sell 2'],
    ])
    expect(orders(stopAndReverse, quantity, [...sent, signal(2, -1)])).toEqual([['buy 2'], ['sell 2', 'sell 2']])
  })
  test('an order that was refused, rejected or cancelled holds nothing up', () => {
    for (const answer of [
      [],
      [update(1, 'rejected', 'buy', 2)],
      [update(1, 'accepted', 'buy', 2), update(2, 'cancelled', 'buy', 2)],
    ])
      expect(orders(stopAndReverse, quantity, [signal(1, 1), ...answer, signal(3, 1)])).toEqual([['buy 2'], ['buy 2']])
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
  test('a signal that agrees with what is held takes back one that waits for its price', () => {
    const long = [signal(1, 1, 100), trade(2, 100), fill(2, 'buy', 10, 100)]
    const back = [signal(3, -1, 100), signal(4, 1, 100), trade(5, 100)]
    expect(orders(allIn, { ...whole, enter: 'next' }, [...long, ...back])).toEqual([['buy 10']])
  })
  test('a signal that repeats before the fill sends nothing, and one that turns counts what is under way', () => {
    const sent = [signal(1, 1, 100), update(1, 'accepted', 'buy', 10)]
    const later = [update(3, 'filled', 'buy', 10), fill(3, 'buy', 10, 100), signal(4, 1, 100)]
    expect(orders(allIn, whole, [...sent, signal(2, 1, 100), ...later])).toEqual([['buy 10']])
    expect(orders(allIn, whole, [...sent, signal(2, -1, 100)])).toEqual([['buy 10'], ['sell 10', 'sell 10']])
    const next = [signal(1, 1, 100), trade(1, 100), update(1, 'accepted', 'buy', 10), signal(2, 1, 100), trade(2, 100)]
    expect(orders(allIn, { ...whole, enter: 'next' }, next)).toEqual([['buy 10']])
  })
  test('an order that was refused, rejected or cancelled holds nothing up', () => {
    for (const answer of [
      [],
      [update(1, 'rejected', 'buy', 10)],
      [update(1, 'accepted', 'buy', 10), update(2, 'cancelled', 'buy', 10)],
    ])
      expect(orders(allIn, whole, [signal(1, 1, 100), ...answer, signal(3, 1, 100)])).toEqual([['buy 10'], ['buy 10']])
  })
  test('cuts in decimals: what the account buys exactly is not cut', () => {
    expect(orders(allIn, { capital: 29, share: 1, decimals: 2 }, [signal(1, 1, 100)])).toEqual([['buy 0.29']])
  })
  test('an account that is gone orders nothing but the close', () => {
    const ruined = [signal(1, -1, 100), fill(1, 'sell', 10, 100), signal(2, 1, 300)]
    expect(orders(allIn, whole, ruined)).toEqual([['sell 10'], ['buy 10']])
  })
})
