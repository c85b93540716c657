import { expect, test } from 'vitest'
import { soak } from './soak.ts'

test('a feed under a flood and a bad network for eight seconds: nothing lost, doubled, out of order or corrupt', async () => {
  const settings = { minutes: 8 / 60, rate: 4000, symbols: 20, seed: 3, every: 0.7, connections: 1 }
  const result = await soak({ ...settings, progress: () => {} })
  expect(result).toMatchObject({ lost: 0, doubled: 0, unordered: 0, corrupt: 0 })
  expect(result.messages).toBeGreaterThan(10_000)
  expect(Object.values(result.faults).reduce((sum, n) => sum + n, 0)).toBeGreaterThan(3)
}, 120_000)
