import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { folder, present, readGolden, runGolden } from './golden.ts'

const cases = readdirSync(folder('.'), { withFileTypes: true }).filter((entry) => entry.isDirectory())

for (const { name } of cases) {
  const golden = readGolden(name)
  test.skipIf(!present(golden))(
    `golden case ${name} (${golden.data.path}) gives its published figures exactly`,
    { timeout: 60_000 },
    async () => {
      const expected = Object.entries(golden.expected).map(([field, v]) => [
        field,
        typeof v === 'number' ? expect.closeTo(v, 10) : v,
      ])
      expect(await runGolden(name)).toMatchObject(Object.fromEntries(expected))
    },
  )
}

test('there are golden cases', () => expect(cases.length).toBeGreaterThan(0))
