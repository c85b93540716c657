import { expect, test } from 'vitest'
import { crash, points } from './crash.ts'

test('a run that is killed at every point of the commit and at random ends as if nothing had happened', {
  timeout: 600_000,
}, async () => {
  const result = await crash({ runs: Number(process.env['TIDEGATE_CRASH_RUNS'] ?? 24) })
  expect(result).toMatchObject({ wrong: 0, first_wrong: null })
  expect(result.outputs).toBeGreaterThan(500)
  for (const point of points) expect(result.by_point[point]).toBeGreaterThan(0)
})
