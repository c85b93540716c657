import { expect, test } from 'vitest'
import { byChance, type NodeFault } from './rpc_faults.ts'
import { chanceOf } from './tapes.ts'

test('by chance, the same seed gives the same faults, in the share asked for', () => {
  const dies: NodeFault = { type: 'dies', when: 'after' }
  const stale: NodeFault = { type: 'stale', blocks: 2 }
  const faults = (seed: number) => {
    const meets = byChance(
      [
        { of: 'send', chance: 0.12, fault: dies },
        { of: 'read', chance: 0.3, fault: stale },
      ],
      chanceOf(seed),
    )
    return Array.from({ length: 2000 }, (_, n) => meets(n % 2 === 0 ? 'eth_sendRawTransaction' : 'eth_call', []))
  }
  expect(faults(7)).toEqual(faults(7))
  expect(faults(7)).not.toEqual(faults(8))
  const share = (fault: NodeFault) => faults(7).filter((met) => met === fault).length / 1000
  expect(share(dies)).toBeCloseTo(0.12, 1)
  expect(share(stale)).toBeCloseTo(0.3, 1)
})
