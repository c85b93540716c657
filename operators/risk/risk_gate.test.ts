import { describe, expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
import { fixed } from '../../schemas/fixed.ts'
import type { OrderUpdate, RefusedOrder } from '../../schemas/orders.ts'
import { fill, gap, intent, quote, type Sample, trade } from '../../schemas/samples.ts'
import { riskGate } from './risk_gate.ts'

interface Said {
  readonly approved?: object
  readonly refused?: RefusedOrder
}
const wide = { max_notional: 1e9, stale_after: '1h', gap_hold: 0 }
/** A word an order: ok, or the rule that broke. */
const verdicts = (params: object, input: readonly Sample[]) =>
  (drive(riskGate, { ...wide, ...params }, input) as Said[]).map((a) => a.refused?.code ?? 'ok')
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
const open = trade(1, 100)

test('lets an order through as it is', () => {
  const [said] = drive(riskGate, wide, [open, intent(2, 'sell', 3, 100, 98)]) as Said[]
  expect(said).toEqual({ approved: { side: 'sell', quantity: 3, limit: 98, price: 100 } })
})
test('refuses before any data was seen, and until enough was', () => {
  expect(verdicts({}, [intent(1, 'buy', 1), open, intent(2, 'buy', 1)])).toEqual(['WARMING_UP', 'ok'])
  const warming = [open, intent(10, 'buy', 1), quote(10, 99, 101), intent(11, 'buy', 1)]
  expect(verdicts({ warm_up: '10s' }, warming)).toEqual(['WARMING_UP', 'ok'])
})
test('refuses while the feed was broken a moment ago; the first connection breaks nothing', () => {
  const held = { gap_hold: '5s' }
  expect(verdicts(held, [open, gap(2), intent(6.9, 'buy', 1), intent(7, 'buy', 1)])).toEqual(['DATA_GAP', 'ok'])
  expect(verdicts(held, [gap(1, 'connected'), trade(2, 100), intent(3, 'buy', 1)])).toEqual(['ok'])
  expect(verdicts(held, [open, gap(2, 'connected'), intent(3, 'buy', 1)])).toEqual(['DATA_GAP'])
})
test('a state of the pool and a swap in it are data too', () => {
  const of = (kind: string, at: number): Sample => ({ kind, at: at * 1e6, key: 'binance:BTCUSDT', value: {} })
  expect(verdicts({}, [intent(1, 'buy', 1), of('pool_state', 2), intent(3, 'buy', 1)])).toEqual(['WARMING_UP', 'ok'])
  const stale = { stale_after: '10s' }
  expect(verdicts(stale, [of('swap', 1), intent(11, 'buy', 1), of('swap', 12), intent(22, 'buy', 1)])).toEqual([
    'ok',
    'ok',
  ])
  expect(verdicts(stale, [of('pool_state', 1), intent(12, 'buy', 1)])).toEqual(['DATA_STALE'])
})
test('refuses on data older than stale_after, and not on data exactly as old', () => {
  const stale = { stale_after: '10s' }
  expect(verdicts(stale, [open, intent(11, 'buy', 1), intent(11.000001, 'buy', 1)])).toEqual(['ok', 'DATA_STALE'])
  expect(verdicts(stale, [open, quote(9, 99, 101), intent(15, 'buy', 1)])).toEqual(['ok'])
})
test('refuses the order that is too large, and says what it found and what is allowed', () => {
  const [, refused] = drive(riskGate, { ...wide, max_notional: 200 }, [
    open,
    intent(2, 'buy', 2),
    intent(3, 'buy', 2.01),
  ]) as Said[]
  expect(refused?.refused).toEqual({
    side: 'buy',
    quantity: 2.01,
    limit: 0,
    price: 100,
    code: 'NOTIONAL_EXCEEDS_MAXIMUM',
    found: 2.01 * 100,
    allowed: 200,
  })
})
test('an order counts at the worse of its price and its limit', () => {
  const most = { max_notional: 200 }
  const order = (side: 'buy' | 'sell', limit: number) => verdicts(most, [open, intent(2, side, 2, 100, limit)])
  for (const side of ['buy', 'sell'] as const) {
    expect(order(side, 100.01)).toEqual(['NOTIONAL_EXCEEDS_MAXIMUM'])
    expect(order(side, 100)).toEqual(['ok'])
    expect(order(side, 50)).toEqual(['ok'])
  }
})
describe('the largest position', () => {
  const most = { max_position: 3 }
  test('counts what is held and what is under way on the same side', () => {
    expect(verdicts(most, [open, intent(2, 'buy', 2), intent(3, 'buy', 2), intent(4, 'buy', 1)])).toEqual([
      'ok',
      'POSITION_EXCEEDS_MAXIMUM',
      'ok',
    ])
    expect(verdicts(most, [open, fill(2, 'buy', 2), intent(3, 'buy', 2)])).toEqual(['ok'])
    const filled = [open, intent(2, 'buy', 2), fill(2, 'buy', 2), intent(3, 'buy', 2), intent(4, 'buy', 1)]
    expect(verdicts(most, filled)).toEqual(['ok', 'POSITION_EXCEEDS_MAXIMUM', 'ok'])
  })
  test('is free again when an order under way is rejected or cancelled', () => {
    for (const state of ['rejected', 'cancelled'] as const)
      expect(verdicts(most, [open, intent(2, 'buy', 3), update(3, state, 'buy', 3), intent(4, 'buy', 3)])).toEqual([
        'ok',
        'ok',
      ])
    expect(verdicts(most, [open, intent(2, 'buy', 3), update(3, 'accepted', 'buy', 3), intent(4, 'buy', 3)])).toEqual([
      'ok',
      'POSITION_EXCEEDS_MAXIMUM',
    ])
  })
  test('holds for shorts too, and orders of the other side do not make room before they fill', () => {
    expect(verdicts(most, [open, intent(2, 'sell', 3), intent(3, 'sell', 1)])).toEqual([
      'ok',
      'POSITION_EXCEEDS_MAXIMUM',
    ])
    expect(verdicts(most, [open, intent(2, 'sell', 3), intent(3, 'buy', 3), intent(4, 'buy', 1)])).toEqual([
      'ok',
      'ok',
      'POSITION_EXCEEDS_MAXIMUM',
    ])
  })
  test('counts what the venue did by itself as held', () => {
    const own: Sample = { ...fill(2, 'buy', 3), value: { ...fill(2, 'buy', 3).value, order_at: 0 } }
    expect(verdicts(most, [open, own, intent(3, 'buy', 1), intent(4, 'sell', 3)])).toEqual([
      'POSITION_EXCEEDS_MAXIMUM',
      'ok',
    ])
  })
})
test('an order that only reduces passes the limits of size, one that turns the position round does not', () => {
  const small = { max_notional: 100, max_position: 1 }
  const short: Sample = { ...fill(2, 'sell', 5), value: { ...fill(2, 'sell', 5).value, order_at: 0 } }
  expect(verdicts(small, [open, short, intent(3, 'buy', 5)])).toEqual(['ok'])
  expect(verdicts(small, [open, short, intent(3, 'buy', 7)])).toEqual(['NOTIONAL_EXCEEDS_MAXIMUM'])
})
test('rules are asked in the order of the docs: each is hidden by the one before it', () => {
  const broken = [open, gap(2), intent(100, 'buy', 50)]
  const rules = { max_notional: 1, max_position: 1, stale_after: '1s', gap_hold: '1h', warm_up: '1h', halted: true }
  const without = ['halted', 'warm_up', 'gap_hold', 'stale_after', 'max_notional', 'max_position']
  const lifted = { halted: false, warm_up: 0, gap_hold: 0, stale_after: '1h', max_notional: 1e9, max_position: 1e9 }
  const first = without.map(
    (_rule, i) =>
      verdicts(
        { ...rules, ...Object.fromEntries(without.slice(0, i).map((r) => [r, lifted[r as 'halted']])) },
        broken,
      )[0],
  )
  expect(first).toEqual([
    'TRADING_HALTED',
    'WARMING_UP',
    'DATA_GAP',
    'DATA_STALE',
    'NOTIONAL_EXCEEDS_MAXIMUM',
    'POSITION_EXCEEDS_MAXIMUM',
  ])
})
test('a refused order leaves nothing under way', () => {
  expect(verdicts({ max_position: 3, max_notional: 300 }, [open, intent(2, 'buy', 9), intent(3, 'buy', 3)])).toEqual([
    'NOTIONAL_EXCEEDS_MAXIMUM',
    'ok',
  ])
})
