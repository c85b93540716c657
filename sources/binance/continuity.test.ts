import { array, assert, boolean, integer, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { Pulse } from '../feed/pulse.ts'
import { type Continuity, concede, doubt, follow } from './continuity.ts'

const fresh = (): Continuity => ({ state: 'unproven', reason: 'connected', last: undefined })

test('rows and missing numbers together are always the whole span of numbers, and no row comes twice', () => {
  // A delivery starts anywhere near the last number, forwards or back, with or without a lost connection before it.
  const delivery = tuple(boolean(), integer({ min: -5, max: 5 }), integer({ min: 1, max: 6 }))
  assert(
    property(array(delivery, { minLength: 1, maxLength: 20 }), (deliveries) => {
      let now = fresh()
      let next = 100
      let missing = 0
      const rows: number[] = []
      for (const [lost, jump, count] of deliveries) {
        if (lost) now = doubt(now, 'disconnected')
        const from = Math.max(100, next + jump)
        for (let id = from; id < from + count; id++) {
          const step = follow(now, id, id * 1000)
          if (step.type === 'repeat') continue
          now = step.now
          rows.push(id)
          missing += step.gap?.missing ?? 0
        }
        next = Math.max(next, from + count)
      }
      expect(rows).toEqual([...new Set(rows)].toSorted((a, b) => a - b))
      expect(rows.length + missing).toBe((rows.at(-1) ?? 0) - (rows[0] ?? 0) + 1)
    }),
  )
})

test('the next number proves continuity across any loss; another tells what the loss was', () => {
  const held: Continuity = { state: 'proven', last: { id: 7, at: 70 } }
  const lost = doubt(doubt(held, 'stalled'), 'disconnected')
  expect(follow(lost, 8, 80)).toEqual({
    type: 'next',
    gap: undefined,
    now: { state: 'proven', last: { id: 8, at: 80 } },
  })
  expect(follow(lost, 10, 80)).toMatchObject({ gap: { reason: 'stalled', missing: 2, since: 70 } })
  expect(follow(held, 10, 80)).toMatchObject({ gap: { reason: 'sequence', missing: 2, since: 70 } })
})

test('a gap that was conceded is not told again, but what is missing is', () => {
  const lost = doubt({ state: 'proven', last: { id: 7, at: 70 } }, 'disconnected')
  if (lost.state !== 'unproven') throw new Error('expected doubt')
  const { gap, now } = concede(lost)
  expect(gap).toEqual({ reason: 'disconnected', missing: 0, since: 70 })
  expect(follow(now, 8, 80)).toMatchObject({ gap: undefined })
  expect(follow(now, 9, 80)).toMatchObject({ gap: { reason: 'sequence', missing: 1, since: 70 } })
})

test('time that passes is never ahead of a trade whose latency is within the largest seen and the lag', () => {
  const lag = 50
  const trade = tuple(integer({ min: 1, max: 100 }), integer({ min: 0, max: 300 }))
  assert(
    property(integer({ min: -2000, max: 2000 }), array(trade, { minLength: 1, maxLength: 50 }), (skew, trades) => {
      const pulse = new Pulse(lag)
      let sent = 1e12
      let heard = 0
      let worst = Number.NEGATIVE_INFINITY
      for (const [after, latency] of trades) {
        sent += after
        const received = Math.max(heard, sent + latency + skew)
        const within = received - sent <= worst + lag
        if (within) expect(pulse.passed()).toBeLessThanOrEqual(sent)
        expect(pulse.passed()).toBeLessThanOrEqual(heard - lag)
        worst = Math.max(worst, received - sent)
        heard = received
        pulse.trade(received, sent)
      }
    }),
  )
})

test('one bad minute does not hold time back for ever', () => {
  const pulse = new Pulse(0)
  pulse.trade(1e9, 1e9 - 30e6)
  expect(pulse.passed()).toBe(1e9 - 30e6)
  for (const at of [1.07e9, 1.14e9, 1.21e9]) pulse.trade(at, at - 1000)
  expect(pulse.passed()).toBe(1.21e9 - 1000)
})

test('nothing is claimed before a trade has shown the offset', () => {
  const pulse = new Pulse(0)
  pulse.alive(1e9)
  expect(pulse.passed()).toBe(Number.NEGATIVE_INFINITY)
})
