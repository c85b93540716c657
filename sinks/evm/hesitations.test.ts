import { expect, test } from 'vitest'
import { Hesitations } from './hesitations.ts'

const begin = () => {
  const told: string[] = []
  const time = { now: 0 }
  const clock = { now: () => time.now, after: () => () => {} }
  return { told, time, held: new Hesitations({ clock, lasts: 10, notice: (text) => told.push(text) }) }
}

test('why an order waits is told once, and again when it is something else or something has happened', () => {
  const { told, held } = begin()
  for (const why of ['dear', 'dear', 'halted', 'halted']) held.wait('a', why)
  held.wait('b', 'dear')
  held.forget('a')
  held.wait('a', 'halted')
  expect(told).toEqual(['a waits: dear', 'a waits: halted', 'b waits: dear', 'a waits: halted'])
})

test('a refusal by the state of the chain counts when it is given again, and not at once', () => {
  const { time, held } = begin()
  expect(held.doubts('a', 'SIM_REVERT')).toBe(true)
  time.now = 9
  expect(held.doubts('a', 'SIM_REVERT')).toBe(true)
  time.now = 10
  expect(held.doubts('a', 'FUNDS')).toBe(true)
  time.now = 20
  expect(held.doubts('a', 'FUNDS')).toBe(false)
  expect(held.doubts('b', 'FUNDS')).toBe(true)
  expect(held.doubts('b', 'AMOUNT_ZERO')).toBe(false)
})
