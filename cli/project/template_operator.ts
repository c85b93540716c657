/** An operator of one's own: small, with a window, and silent until it is full. */
export const operator = `import { defineOperator, Ring } from 'tidegate'
import { Bar, Scalar, samples } from 'tidegate/schemas'
import { z } from 'zod'

const { bar } = samples

/** The middle between the highest and the lowest close of the newest bars, quote units. */
export const midRange = defineOperator({
  name: 'mid_range',
  version: 1,
  summary: 'Takes the middle between the highest and the lowest close of the newest bars.',
  notes: 'Silent until the window is full.',
  input: { bar: Bar },
  output: Scalar,
  params: z.strictObject({ span: z.int().min(1).describe('length of the window, bars') }),
  init: ({ span }) => ({ closes: new Ring(span) }),
  on: {
    bar({ closes }, { close }) {
      closes.push(close)
      if (!closes.full) return undefined
      let [low, high] = [close, close]
      for (const value of closes.data) {
        if (value < low) low = value
        if (value > high) high = value
      }
      return (low + high) / 2
    },
  },
  example: { params: { span: 2 }, input: [bar(1, 10), bar(2, 20), bar(3, 40)], output: [15, 30] },
})
`

export const operatorTest = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bar, drive } from 'tidegate/testing'
import { midRange } from './mid_range.ts'

test('is silent until its window is full', () => {
  assert.deepEqual(drive(midRange, { span: 3 }, [bar(1, 10), bar(2, 20)]), [])
})
test('forgets closes that left the window', () => {
  assert.deepEqual(drive(midRange, { span: 2 }, [bar(1, 100), bar(2, 10), bar(3, 20)]), [55, 15])
})
test('does what its example says', () => {
  const { params, input, output } = midRange.definition.example
  assert.deepEqual(drive(midRange, params, input), output)
})
`
