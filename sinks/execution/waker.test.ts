import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { wallClock } from '../../runtime/clock.ts'
import { Waker } from './waker.ts'

test('a rest ends with its time, or when something comes; what came before it ends it at once', async () => {
  const waker = new Waker(wallClock)
  await waker.rest(1000)
  const rest = waker.rest(3_600e6)
  waker.nudge()
  await rest
  expect(waker.called).toBe(true)
  await waker.rest(3_600e6)
  waker.answer()
  expect(waker.called).toBe(false)
})

test('what comes while something is asked is taken before the answer, each time', async () => {
  const waker = new Waker(wallClock)
  const taken: string[] = []
  let answer = (_: string) => {}
  const asked = new Promise<string>((resolve) => {
    answer = resolve
  })
  const told = waker.meanwhile(asked, async () => {
    waker.answer()
    taken.push(`${taken.length + 1}`)
    return 'more'
  })
  for (let n = 0; n < 3; n++) {
    waker.nudge()
    await setTimeout(1)
  }
  answer('told')
  expect([await told, taken]).toEqual(['told', ['1', '2', '3']])
})

test('once that is enough, only the answer is waited for; what is refused is refused', async () => {
  const waker = new Waker(wallClock)
  let times = 0
  waker.nudge()
  const told = waker.meanwhile(Promise.reject(new Error('no')), async () => {
    times++
    return 'enough'
  })
  await expect(told).rejects.toThrow('no')
  expect(times).toBe(1)
})
