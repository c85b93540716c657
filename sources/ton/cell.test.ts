import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Cell, parseBag } from './cell.ts'

const data = join(process.env['TIDEGATE_DATA'] ?? './data', 'dex/ton-traces/traces')

/** The hash of a cell's representation (docs.ton.org, "Cells"): what the chain knows it by. */
function hashOf(cell: Cell): { readonly hash: Buffer; readonly depth: number } {
  const below = cell.refs.map(hashOf)
  const whole = cell.bits % 8 === 0
  const depth = below.length === 0 ? 0 : 1 + Math.max(...below.map((one) => one.depth))
  const depths = Buffer.concat(below.map((one) => Buffer.from([one.depth >> 8, one.depth & 255])))
  const head = Buffer.from([cell.refs.length + (cell.exotic ? 8 : 0), cell.data.length * 2 - (whole ? 0 : 1)])
  const hash = createHash('sha256')
    .update(Buffer.concat([head, cell.data, depths, ...below.map((one) => one.hash)]))
    .digest()
  return { hash, depth }
}

test.skipIf(!existsSync(data))('every recorded message body hashes to what the chain calls it (dex/ton-traces)', () => {
  let count = 0
  for (const file of readdirSync(data)) {
    const trace = JSON.parse(gunzipSync(readFileSync(join(data, file))).toString()) as {
      message_contents: { hash: string; body: string }[]
    }
    for (const { hash, body } of trace.message_contents) {
      count++
      expect(hashOf(parseBag(body)).hash.toString('base64')).toBe(hash)
    }
  }
  expect(count).toBeGreaterThan(200)
})

test.each([
  '',
  'AAAA',
  'te6cckEBAQEA',
  'tf6cckEBAQEADgAAGNUydtsAAADk4/+GXOjr6C0=',
  Buffer.alloc(40).toString('base64'),
])('what is no bag of cells is refused: %s', (text) => {
  expect(() => parseBag(text)).toThrow(RangeError)
})

test('whatever bytes come, a bag is read or refused in no time', () => {
  const head = Buffer.from([0xb5, 0xee, 0x9c, 0x72])
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseBag(Buffer.concat([head, bytes]).toString('base64'))
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
    { numRuns: 3000 },
  )
})
