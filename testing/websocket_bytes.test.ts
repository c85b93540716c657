import { array, assert, boolean, constantFrom, integer, property, record, uint8Array } from 'fast-check'
import { expect, test } from 'vitest'
import { acceptance, FrameReader, serverFrame } from './websocket_bytes.ts'

/** As a client sends it. */
function masked(frame: Buffer): Buffer {
  const head = frame[1]! < 126 ? 2 : frame[1] === 126 ? 4 : 10
  const mask = Buffer.from([7, 77, 177, 250])
  const payload = Buffer.from(frame.subarray(head).map((byte, i) => byte ^ mask[i & 3]!))
  const start = Buffer.from(frame.subarray(0, head))
  start[1] = start[1]! | 0x80
  return Buffer.concat([start, mask, payload])
}

test('finds every frame again however the bytes are cut, masked or not', () => {
  const length = constantFrom(0, 1, 125, 126, 300, 65_535, 65_536, 70_000)
  const sent = record({
    opcode: constantFrom(1, 2, 8, 9, 10),
    length,
    byte: integer({ min: 0, max: 255 }),
    hidden: boolean(),
  })
  assert(
    property(array(sent, { minLength: 1, maxLength: 6 }), uint8Array({ minLength: 1, maxLength: 20 }), (all, cuts) => {
      const whole = all.map(({ opcode, length, byte, hidden }) => {
        const frame = serverFrame(opcode, Buffer.alloc(length, byte))
        return hidden ? masked(frame) : frame
      })
      const bytes = Buffer.concat(whole)
      const reader = new FrameReader()
      const found: { opcode: number; bytes: Buffer; payload: Buffer }[] = []
      for (let from = 0, n = 0; from < bytes.length; n++) {
        const to = from + 1 + (cuts[n % cuts.length]! % 5 === 0 ? 0 : cuts[n % cuts.length]! * 150)
        found.push(...reader.frames(bytes.subarray(from, to)))
        from = to
      }
      expect(found.map(({ opcode }) => opcode)).toEqual(all.map(({ opcode }) => opcode))
      expect(Buffer.concat(found.map((frame) => frame.bytes)).equals(bytes)).toBe(true)
      for (const [n, { payload }] of found.entries())
        expect(payload.equals(Buffer.alloc(all[n]!.length, all[n]!.byte))).toBe(true)
    }),
    { numRuns: 50 },
  )
})

test('answers the key of RFC 6455 as the RFC does', () => {
  expect(acceptance('dGhlIHNhbXBsZSBub25jZQ==')).toContain('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
})
