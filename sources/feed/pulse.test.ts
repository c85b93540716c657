import { array, assert, integer, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { Pulse } from './pulse.ts'

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
