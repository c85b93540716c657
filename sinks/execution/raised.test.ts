import fc from 'fast-check'
import { expect, test } from 'vitest'
import { raised } from './decide.ts'

test.each<
  readonly [max_fee: string, tip: string, base: bigint, most: bigint, raised: readonly [bigint, bigint] | undefined]
>([
  ['1000', '100', 100n, 10_000n, [1125n, 113n]],
  ['1001', '101', 100n, 10_000n, [1127n, 114n]],
  ['1000', '100', 2000n, 10_000n, [4113n, 113n]],
  ['1000', '100', 9000n, 10_000n, [10_000n, 113n]],
  ['8888', '100', 100n, 9999n, [9999n, 113n]],
  ['8889', '100', 100n, 10_000n, undefined],
  ['1000', '0', 100n, 10_000n, [1125n, 1n]],
])('fees of %s and %s where a block costs %s and at most %s', (max_fee, tip, base, most, wanted) => {
  const dearer = raised({ max_fee, tip }, base, most)
  expect(dearer && [dearer.max_fee, dearer.tip]).toEqual(wanted)
})

test('fees of another attempt rise by an eighth at least, both of them, and never above the most', () => {
  const wei = fc.bigInt(0n, 10n ** 14n)
  fc.assert(
    fc.property(wei, wei, wei, wei, (one, other, base, most) => {
      const [max_fee, tip] = one > other ? [one, other] : [other, one]
      const dearer = raised({ max_fee: `${max_fee}`, tip: `${tip}` }, base, most)
      if (dearer === undefined) {
        // less than an eighth is left
        expect(8n * most < 9n * max_fee || most === 0n).toBe(true)
        return
      }
      expect(8n * dearer.max_fee).toBeGreaterThanOrEqual(9n * max_fee)
      expect(8n * dearer.tip).toBeGreaterThanOrEqual(9n * tip)
      expect(dearer.max_fee > max_fee && dearer.tip > tip).toBe(true)
      expect(dearer.max_fee).toBeLessThanOrEqual(most)
      expect(dearer.tip).toBeLessThanOrEqual(dearer.max_fee)
      if (dearer.max_fee < most) expect(dearer.max_fee).toBeGreaterThanOrEqual(2n * base + dearer.tip)
    }),
    {
      numRuns: 5000,
      examples: [
        [0n, 0n, 0n, 0n],
        [0n, 0n, 0n, 1n],
        [8n, 0n, 0n, 9n],
        [8n, 8n, 0n, 8n],
      ],
    },
  )
})
