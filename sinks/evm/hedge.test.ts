import { expect, test } from 'vitest'
import { RpcFailure } from '../../runtime/define.ts'
import { StepClock, turn } from '../../runtime/wire/step_clock.ts'
import { firstAnswer } from './hedge.ts'

interface Asked {
  readonly answer: (text: string) => void
  readonly fail: (reason?: 'refused' | 'timeout') => void
}
function asking(...queue: readonly string[]) {
  const clock = new StepClock(0)
  const asked = new Map<string, Asked>()
  const outcome = firstAnswer(queue, {
    clock,
    ask: (one) =>
      new Promise<string>((resolve, reject) => {
        expect(asked.has(one)).toBe(false)
        asked.set(one, { answer: resolve, fail: (reason = 'timeout') => reject(new RpcFailure(reason, one)) })
      }),
    patience: () => 100,
  })
  outcome.catch(() => {})
  return { clock, outcome, names: () => [...asked.keys()], of: (one: string) => asked.get(one) as Asked }
}

test('the next is asked when the one before is late, and not before', async () => {
  const { clock, outcome, names, of } = asking('a', 'b', 'c')
  await clock.to(99)
  expect(names()).toEqual(['a'])
  await clock.to(100)
  expect(names()).toEqual(['a', 'b'])
  of('a').answer('late, but first')
  expect(await outcome).toBe('late, but first')
  expect(clock.due).toBe(Number.POSITIVE_INFINITY)
  await clock.to(1100)
  of('b').fail()
  await turn()
  expect(names()).toEqual(['a', 'b'])
})

test('the next is asked at once when one fails, and waits its own time', async () => {
  const { clock, outcome, names, of } = asking('a', 'b', 'c')
  await clock.to(50)
  of('a').fail()
  await turn()
  expect(names()).toEqual(['a', 'b'])
  await clock.to(149)
  expect(names()).toEqual(['a', 'b'])
  await clock.to(150)
  of('c').answer('c')
  expect(await outcome).toBe('c')
})

test('it fails when all have, with a refusal where there was one', async () => {
  const { clock, outcome, of } = asking('a', 'b')
  await clock.to(100)
  of('a').fail('refused')
  await turn()
  of('b').fail('timeout')
  await expect(outcome).rejects.toMatchObject({ reason: 'refused', message: 'a' })
  await expect(asking().outcome).rejects.toMatchObject({ reason: 'unreachable' })
})
