import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { wallClock } from './clock.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const day = 86_400_000
test('a wait longer than a timer can be is waited in pieces', () => {
  const call = vi.fn()
  wallClock.after(30 * day * 1000, call)
  vi.advanceTimersByTime(30 * day - 1)
  expect(call).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(call).toHaveBeenCalledOnce()
})
test('a long wait can be cancelled in any of its pieces', () => {
  const call = vi.fn()
  const cancel = wallClock.after(60 * day * 1000, call)
  vi.advanceTimersByTime(26 * day)
  cancel()
  vi.advanceTimersByTime(60 * day)
  expect(call).not.toHaveBeenCalled()
})
test('a short wait takes as long as it says', () => {
  const call = vi.fn()
  wallClock.after(1_500_000, call)
  vi.advanceTimersByTime(1499)
  expect(call).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(call).toHaveBeenCalledOnce()
})
