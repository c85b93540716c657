import { expect, test } from 'vitest'
import { soak } from './soak.ts'

const settings = { minutes: 8 / 60, rate: 4000, symbols: 20, seed: 3, every: 0.7, connections: 1, tls: false }
const right = { lost: 0, doubled: 0, unordered: 0, corrupt: 0, overtold: 0 }

test('a feed under a flood and a bad network for eight seconds: nothing lost, doubled, out of order or corrupt', async () => {
  const result = await soak({ ...settings, fill: true, progress: () => {} })
  expect(result).toMatchObject({ ...right, conceded: 0 })
  expect(result.messages).toBeGreaterThan(10_000)
  expect(Object.values(result.faults).reduce((sum, n) => sum + n, 0)).toBeGreaterThan(3)
})

test('without REST what the network took is told missing, number by number', async () => {
  const result = await soak({ ...settings, seed: 4, fill: false, progress: () => {} })
  expect(result).toMatchObject({ ...right, filled: 0 })
  expect(result.conceded).toBeGreaterThan(0)
})
