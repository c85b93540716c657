import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventLines } from './event_lines.ts'

test('data of several lines is one event, and comments and other fields tell nothing', () => {
  const lines = new EventLines(1000)
  const text = ': keepalive\n\nevent: x\nid: 7\ndata: {"a":\ndata:1}\n\ndata: two\r\n\r\n: gone\n'
  expect(lines.take(Buffer.from(text))).toEqual(['{"a":\n1}', 'two'])
})

test('however a stream is cut, even inside a character, its events are the same', () => {
  const events = fc.array(
    fc.string({ minLength: 1, unit: 'grapheme' }).filter((s) => !/[\r\n]/.test(s)),
    { minLength: 1 },
  )
  fc.assert(
    fc.property(events, fc.array(fc.nat(40)), (data, cuts) => {
      const bytes = Buffer.from(data.map((one) => `data: ${one}\n\n: still here\n\n`).join(''))
      const lines = new EventLines(1e6)
      const told: string[] = []
      let at = 0
      for (const size of [...cuts, bytes.length]) {
        const some = lines.take(bytes.subarray(at, at + size))
        at += size
        if (some !== 'oversized') told.push(...some)
      }
      expect(told).toEqual(data)
    }),
  )
})

test('an event that never ends is refused before it fills the memory', () => {
  const lines = new EventLines(100)
  expect(lines.take(Buffer.from(`data: ${'x'.repeat(50)}`))).toEqual([])
  expect(lines.take(Buffer.from('x'.repeat(60)))).toBe('oversized')
})
