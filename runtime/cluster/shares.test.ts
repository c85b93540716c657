import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shares } from './shares.ts'

const names = (prefix: string) =>
  fc.uniqueArray(
    fc.nat(500).map((n) => `${prefix}${n}`),
    { maxLength: 40 },
  )

test('every task has one of the workers, none more than its share, in any order of the lists', () => {
  fc.assert(
    fc.property(names('t'), names('w'), (tasks, workers) => {
      const owners = shares(tasks, workers)
      if (workers.length === 0) return owners.size === 0
      expect([...owners.keys()].sort()).toEqual(tasks.toSorted())
      for (const worker of workers)
        expect([...owners.values()].filter((o) => o === worker).length).toBeLessThanOrEqual(
          Math.ceil(tasks.length / workers.length),
        )
      const turned = [...shares(tasks.toReversed(), workers.toReversed())].sort()
      expect(turned).toEqual([...owners].sort())
      return true
    }),
  )
})

test('a worker that joins takes its share, and most of the others keep theirs', () => {
  const tasks = Array.from({ length: 64 }, (_, i) => `stage.p.${i}of64`)
  const [before, after] = [shares(tasks, ['a', 'b', 'c']), shares(tasks, ['a', 'b', 'c', 'd'])]
  const moved = tasks.filter((t) => before.get(t) !== after.get(t))
  expect(moved.length).toBeGreaterThanOrEqual(16)
  expect(moved.length).toBeLessThanOrEqual(32)
})
