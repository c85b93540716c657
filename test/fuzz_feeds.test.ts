import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { array, assert, constantFrom, integer, oneof, property, string, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { guardOf } from '../schemas/guard.ts'
import type { Kind } from '../schemas/kind.ts'
import { saidIn } from '../testing/recorded.ts'

import { corpora, type Read, readers } from './feed_readers.ts'

/** How many frames are made of each corpus; TIDEGATE_RUNS for more. */
const RUNS = Number(process.env['TIDEGATE_RUNS'] ?? 300)
const recordings = join(process.env['TIDEGATE_DATA'] ?? './data', 'ws-frames')
/** Some frames of each recorded session, as they were sent. */
function recorded(): readonly Buffer[] {
  const folder = join(recordings, 'cryptofeed')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.ws\.\d+\.\d+\.jsonl\.gz$/.test(file))
    .flatMap((file) =>
      saidIn(join(folder, file))
        .slice(0, 400)
        .flatMap((raw, n) => (n % 20 === 0 ? [Buffer.from(raw)] : [])),
    )
}

const place = integer({ min: 0, max: 10_000 })
const value = constantFrom(
  '0',
  '-1',
  '1e999',
  'null',
  '""',
  '"NaN"',
  '[]',
  '{}',
  '"1e9"',
  'true',
  '9007199254740993',
  '"-0"',
)
/** What happens to bytes on the way, or in the head of somebody who changes an interface. */
const change = oneof(
  tuple(place, integer({ min: 0, max: 255 })).map(([at, byte]) => (b: Buffer) => {
    const copy = Buffer.from(b)
    if (copy.length > 0) copy[at % copy.length] = byte
    return copy
  }),
  place.map((at) => (b: Buffer) => b.subarray(0, b.length === 0 ? 0 : at % b.length)),
  place.map((at) => (b: Buffer) => Buffer.concat([b.subarray(0, at % (b.length + 1)), b])),
  tuple(place, string({ unit: 'binary', maxLength: 5 })).map(([at, text]) => (b: Buffer) => {
    const cut = at % (b.length + 1)
    return Buffer.concat([b.subarray(0, cut), Buffer.from(text), b.subarray(cut)])
  }),
  tuple(place, value).map(([at, to]) => (b: Buffer) => {
    // another value in the place of one there is
    const values = [...b.toString('latin1').matchAll(/:("[^"]*"|-?[\d.]+|true|false|null)/g)]
    const found = values[at % Math.max(1, values.length)]
    if (found === undefined) return b
    const from = found.index + 1
    return Buffer.concat([b.subarray(0, from), Buffer.from(to), b.subarray(from + (found[1] as string).length)])
  }),
)
const types = new Set([
  'row',
  'rows',
  'left_out',
  'book',
  'subscribed',
  'refused',
  'alive',
  'leave',
  'other',
  'invalid',
])

function survives(read: Read, kind: Kind | undefined, bytes: Buffer): void {
  const word = read(bytes, false)
  expect(types).toContain(word.type)
  if (word.type === 'invalid') expect(word.reason).toMatch(/^[a-z][A-Za-z0-9_]*$/)
  const rows = word.type === 'row' ? [word.row] : word.type === 'rows' ? word.rows : []
  const valid = kind === undefined ? undefined : guardOf(kind)
  for (const row of rows) {
    expect(Number.isSafeInteger(row.at) && row.at >= 0).toBe(true)
    expect(typeof row.symbol).toBe('string')
    if (valid !== undefined) expect(valid(row.value), JSON.stringify(row.value)).toBe(true)
  }
  if (word.type !== 'book') return
  const { bids, asks, at } = word.message
  expect(Number.isSafeInteger(at) && at >= 0).toBe(true)
  for (const [price, size] of [...bids, ...asks]) {
    expect(Number.isFinite(price) && price > 0).toBe(true)
    expect(Number.isFinite(size) && size >= 0).toBe(true)
  }
}

const written = Object.values(corpora).flat()
describe.each(Object.entries(readers))('%s', (_name, [read, kind]) => {
  test('reads no frame of any venue, whatever became of it, as anything that cannot be', () => {
    expect(written.length).toBeGreaterThan(100)
    assert(
      property(constantFrom(...written), array(change, { maxLength: 4 }), (frame, changes) => {
        survives(
          read,
          kind,
          changes.reduce((bytes, next) => next(bytes), frame),
        )
      }),
      { numRuns: RUNS },
    )
  })
  test.skipIf(!existsSync(recordings))('nor the recorded frames of 21 exchanges (ws-frames/cryptofeed)', () => {
    const frames = recorded()
    expect(frames.length).toBeGreaterThan(200)
    for (const frame of frames) survives(read, kind, frame)
    assert(
      property(constantFrom(...frames), array(change, { minLength: 1, maxLength: 4 }), (frame, changes) => {
        survives(
          read,
          kind,
          changes.reduce((bytes, next) => next(bytes), frame),
        )
      }),
      { numRuns: RUNS },
    )
  })
})
