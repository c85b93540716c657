import { expect, test } from 'vitest'
import { captured } from '../describe/captured.ts'

test('explains a verb, an error code and a problem code', async () => {
  expect((await captured(['help', 'check'])).stdout).toContain('tidegate check FILE')
  expect((await captured(['help', 'log_lost'])).stdout).toContain('LOG_LOST (exit 5)')
  expect((await captured(['help', 'CYCLE', '--json'])).json()).toMatchObject({ code: 'CYCLE' })
})
test('meanings stand below one another, two spaces behind the longest word', async () => {
  for (const [words, longest] of [
    [['help'], /^ {2}test-trade {2}\S/m],
    [['help', 'worker'], /^ {2}--execution interpret\|compile {2}\S/m],
  ] as const)
    expect((await captured(words)).stdout).toMatch(longest)
})
test('lists the verbs', async () => {
  expect((await captured(['help', '--json'])).json<{ verbs: { name: string }[] }>().verbs.map((v) => v.name)).toContain(
    'help',
  )
})
test('an unknown word is wrong usage with the nearest', async () => {
  const { code, stderr } = await captured(['help', 'chek'])
  expect(code).toBe(2)
  expect(stderr).toContain('did you mean "check"?')
  expect((await captured(['help', 'LOG_LOSS'])).stderr).toContain('did you mean "LOG_LOST"?')
})
