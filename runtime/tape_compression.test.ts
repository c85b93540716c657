import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { isTidegateError } from '../schemas/errors.ts'
import { decodeFrame } from '../schemas/frame.ts'
import { FrameWriter } from '../schemas/frame_writer.ts'
import { type Kind, kind } from '../schemas/kind.ts'
import { kinds } from '../schemas/kinds.ts'
import { Gap, Quote, Trade } from '../schemas/market.ts'
import { lz4 } from './block_codec.ts'
import { openTape, TapeWriter } from './tape.ts'
import { type Compression, compressions, frameCompression } from './tape_compression.ts'

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-compression-'))
  path = join(directory, 'a.tape')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

type Row = readonly [at: number, key: string, value: unknown]
function frameOf(kind: Kind, rows: readonly Row[]): Uint8Array {
  const writer = new FrameWriter(kind, 'import')
  for (const [at, key, value] of rows) writer.push(at, key, value)
  return writer.take()
}
/** Trades in cents, a few symbols, times that sometimes run back. */
const trades = (rows: number, from = 0): Uint8Array =>
  frameOf(
    Trade,
    Array.from({ length: rows }, (_, n): Row => {
      const i = from + n
      const price = (4_200_000 + ((i * 37) % 201) - 100) / 100
      const value = { price, size: ((i * 7919) % 5000) / 1000 + 0.001, side: i % 3 === 0 ? -1 : 1, id: 1e9 + i }
      return [1.7e15 + i * 1000 - (i % 5) * 1700, `binance:S${i % 4}`, value]
    }),
  )
async function write(compression: Compression, ...frames: readonly Uint8Array[]) {
  const writer = TapeWriter.create(path, kinds, compression)
  for (const frame of frames) writer.write(frame)
  return writer.close()
}
const hex = (frames: Iterable<Uint8Array>) => [...frames].map((bytes) => Buffer.from(bytes).toString('hex'))
const kept = ['packed', 'lz4'] as const

describe.each(kept)('a tape kept %s', (compression) => {
  test('gives back the very frames, aligned, and says how it is kept', async () => {
    const gap = frameOf(Gap, [[1.8e15, 'okx:BTC-USDT', { reason: 'stalled', missing: 3, since: 0 }]])
    const frames = [trades(700), gap, trades(1, 700), trades(333, 701)]
    const info = await write(compression, ...frames)
    expect(info.compression).toBe(compression)
    const tape = openTape(path)
    expect(hex(tape.frames())).toEqual(hex(frames))
    for (const bytes of tape.frames()) expect(bytes.byteOffset % 8).toBe(0)
    expect(tape.verify()).toEqual(info)
    expect([...tape.frames({ from: 1.75e15 })]).toHaveLength(1)
  })

  test('takes less than half of the room', async () => {
    await write('none', trades(4096))
    const flat = openTape(path).bytes
    await write(compression, trades(4096))
    expect(openTape(path).bytes).toBeLessThan(flat / 2)
  })

  test('has the same bytes when it is made of the same frames', async () => {
    await write(compression, trades(500), trades(400, 500))
    const first = readFileSync(path)
    await write(compression, trades(500), trades(400, 500))
    expect(readFileSync(path)).toEqual(first)
  })

  test('gives frames of their own memory unless the reader reuses it', async () => {
    await write(compression, trades(100), trades(100, 100), trades(100, 200))
    const tape = openTape(path)
    expect(new Set([...tape.frames()].map(({ buffer }) => buffer)).size).toBe(3)
    expect(new Set([...tape.frames({ reuse: true })].map(({ buffer }) => buffer)).size).toBe(1)
    const copies: string[] = []
    for (const bytes of tape.frames({ reuse: true })) copies.push(Buffer.from(bytes).toString('hex'))
    expect(copies).toEqual(hex(tape.frames()))
  })

  test('never gives other data: flipped anywhere it is a coded error, or the same frames', async () => {
    await write(compression, trades(60), trades(40, 60))
    const sound = readFileSync(path)
    const frames = hex(openTape(path).frames())
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const broken = Buffer.from(sound)
        broken[at] = (broken[at] as number) ^ by
        writeFileSync(path, broken)
        try {
          expect(hex(openTape(path).frames())).toEqual(frames)
        } catch (error) {
          if (!isTidegateError(error)) throw error
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('what is kept for a frame', () => {
  const values = fc.oneof(
    fc.double(),
    fc.constantFrom(0, -0, 1e300, 5e-324, 2 ** 53, -(2 ** 53), 0.1, 1.005, 1e22, Number.MAX_SAFE_INTEGER),
    fc.integer({ min: -1e9, max: 1e9 }).map((cents) => cents / 100),
    fc.maxSafeInteger(),
  )
  test.each(kept)('%s: gives any frame back, bit for bit', (name) => {
    const { shrink, restore } = frameCompression(name)
    const row = fc.tuple(values, fc.constantFrom('a:B', 'c:D', 'e:F'), values, values)
    fc.assert(
      fc.property(fc.array(row, { maxLength: 300 }), fc.integer({ min: 1, max: 4 }), (rows, times) => {
        const all = Array.from({ length: times }, () => rows).flat()
        const frame = frameOf(
          Quote,
          all.map(([at, key, bid, ask]): Row => [at, key, { bid, ask, bid_size: bid, ask_size: 1 }]),
        )
        expect(restore(shrink(frame))).toEqual(frame)
      }),
      { numRuns: 300 },
    )
  })

  test('is whole also for wide integers, words and outputs', () => {
    const note = kind('note', z.object({ text: z.string(), big: z.bigint() }), { summary: 'Has text.' })
    const notes = Array.from({ length: 50 }, (_, i): Row => [i, 'a:B', { text: `n${i % 7}`, big: -(3n ** BigInt(i)) }])
    const outputs = new FrameWriter(Trade, 'edge', { outputs: true })
    for (let i = 0; i < 50; i++) outputs.push(i, 'a:B', { price: 1 + i, size: 1, side: 0, id: i }, i % 2, i)
    for (const frame of [frameOf(note, notes), outputs.take()])
      for (const name of kept) {
        const { shrink, restore } = frameCompression(name)
        expect(restore(shrink(frame))).toEqual(frame)
      }
  })

  test('is the frame itself where its columns do not lie as the frame writer lays them', () => {
    const frame = trades(20)
    // Something in the zeros between two columns.
    const odd = new Uint8Array(frame)
    odd[odd.length - 1] = 7
    const { shrink, restore } = frameCompression('packed')
    expect(restore(shrink(odd))).toEqual(odd)
  })

  test('is refused in words when it is damaged, also where no checksum watches', () => {
    const { shrink, restore } = frameCompression('lz4')
    const sound = shrink(trades(300))
    const run = (record: Uint8Array) => {
      const answer = restore(record)
      if (typeof answer === 'string') return
      try {
        decodeFrame(answer, kinds)
      } catch (error) {
        if (!isTidegateError(error)) throw error
      }
    }
    fc.assert(
      fc.property(fc.integer({ min: 64, max: sound.length - 1 }), fc.nat(255), fc.nat(sound.length), (at, to, cut) => {
        const broken = new Uint8Array(sound)
        broken[at] = to
        run(broken)
        run(broken.slice(0, cut))
      }),
      { numRuns: 2000 },
    )
    expect(restore(sound.slice(0, 70))).toBe('a record is too short for a frame')
    expect(restore(sound.slice(0, 90))).toMatch('a compressed block is damaged')
  })
})

test('a tape written before there was compression opens, and one kept as it is still has those bytes', async () => {
  const info = await write('none', trades(50))
  expect('compression' in info).toBe(false)
  expect(Object.keys(JSON.parse(JSON.stringify(info)))).not.toContain('compression')
  expect(hex(openTape(path).frames())).toEqual(hex([trades(50)]))
})

test('a damaged compressed block is named with its place', async () => {
  await write('lz4', trades(300))
  const bytes = readFileSync(path)
  bytes[200] = (bytes[200] as number) ^ 1
  writeFileSync(path, bytes)
  expect(() => [...openTape(path).frames()]).toThrow(
    expect.objectContaining({ code: 'TAPE_CORRUPT', info: expect.objectContaining({ offset: 56 }) }),
  )
})

test('a compression this version does not know is named', async () => {
  await write('packed', trades(5))
  const writer = TapeWriter.create(path, kinds, 'packed')
  Object.assign(writer, { compression: 'zebra' })
  await writer.close()
  expect(() => openTape(path)).toThrow(
    expect.objectContaining({ code: 'FORMAT_UNKNOWN', message: expect.stringContaining(compressions.join(', ')) }),
  )
})

test('without the native part of lz4 the error names the package and a way out', () => {
  const absent = () => {
    throw new Error('Cannot find native binding')
  }
  expect(() => lz4(absent)).toThrow(
    expect.objectContaining({ code: 'PACKAGE_ABSENT', message: expect.stringContaining('--compression packed') }),
  )
})
