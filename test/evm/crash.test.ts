import { describe, expect, test } from 'vitest'
import { anvilBinary } from '../../testing/anvil.ts'
import { crash } from './crash.ts'

describe.skipIf(anvilBinary() === undefined)('a process that trades and is killed', () => {
  test('over a failing node and reorganisations no order is lost, done twice or told wrongly', async () => {
    const result = await crash({ intents: 30, kills: 6, seed: 5, mode: 'journaled', reorgs: true })
    const { lost, doubled, untrue, swaps } = result
    expect({ lost, doubled, untrue, swaps }).toEqual({ lost: 0, doubled: 0, untrue: 0, swaps: 30 })
    // one that is done before its time comes is not killed
    expect(result.kills).toBeGreaterThan(2)
    expect(result.faulty_sends).toBeGreaterThan(0)
    expect(result.counts.faulty_reads).toBeGreaterThan(0)
  })
})
