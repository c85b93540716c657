import { expect, test } from 'vitest'
import { history } from './history.ts'
import { mutations } from './mutations.ts'
import { simulate } from './simulate.ts'

const HISTORIES = 2_000

test('whatever is lost, late, doubled or dead: outputs are those of a run without faults', async () => {
  const result = await simulate({ histories: HISTORIES, seed: 1 })
  expect(result).toMatchObject({ histories: HISTORIES, wrong: 0, first_wrong: null })
  for (const count of [result.crashes, result.zombies, result.lost_answers, result.conflicts])
    expect(count).toBeGreaterThan(HISTORIES / 2)
})

test('a seed is a history, whatever ran before it', async () => {
  const seeds = Array.from({ length: 40 }, (_, i) => i + 1)
  const once = []
  for (const seed of seeds) once.push(await history(seed))
  for (const seed of seeds.toReversed()) expect(await history(seed)).toEqual(once[seed - 1])
})

/** Seeds that were wrong once. */
const mended: readonly (readonly [what: string, seeds: readonly number[]])[] = [
  ['inputs were looked at before the commits, and an owner at work had gone past them', [86, 221, 1233, 1572, 1998]],
  ['a state was restored without its newest deltas, where a server was behind', [271, 301, 387, 902, 1163, 1208]],
]
test.each(mended)('mended: %s', async (_what, seeds) => {
  for (const seed of seeds) expect((await history(seed)).wrong, `seed ${seed}`).toBeNull()
})

/** The first seed that finds each. */
const seeds: Readonly<Record<keyof typeof mutations, number>> = {
  'a lost answer is taken for a stored record': 3,
  'a conflict is taken for our own record': 2,
  'what was not answered is sent again without expectation': 2,
  'a conflict is answered with the next place': 15,
  'two writers use the same ids': 15,
  'an owner begins without an epoch of its own': 1,
  'an owner goes on after a refused commit': 205,
  'inputs are looked at before the commits': 86,
}
test.each(Object.keys(mutations) as (keyof typeof mutations)[])(
  'found: %s',
  async (name) => {
    const code = mutations[name]
    expect((await history(seeds[name], code)).wrong).not.toBeNull()
    const { first_wrong } = await simulate({ histories: 2_000, seed: 10_001, code, first: true })
    expect(first_wrong).toMatch(/^seed \d+: /)
  },
  60_000,
)
