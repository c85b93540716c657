import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isTidegateError } from '../schemas/errors.ts'
import { decodeFrame } from '../schemas/frame.ts'
import { FrameWriter } from '../schemas/frame_writer.ts'
import { kinds } from '../schemas/kinds.ts'
import { Gap, Trade } from '../schemas/market.ts'
import { openTape, TapeWriter } from './tape.ts'

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-tape-'))
  path = join(directory, 'trades.tape')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** A frame of trades, one a second from `from` on. */
function trades(from: number, rows: number, keys = ['binance:BTCUSDT']): Uint8Array {
  const writer = new FrameWriter(Trade, 'trades')
  for (let i = 0; i < rows; i++)
    writer.push((from + i) * 1e6, keys[i % keys.length] as string, { price: 100 + i, size: 1, side: 1, id: from + i })
  return writer.take()
}
function gap(at: number): Uint8Array {
  const writer = new FrameWriter(Gap, 'trades')
  writer.push(at * 1e6, 'okx:BTC-USDT', { reason: 'disconnected', missing: 0, since: 0 })
  return writer.take()
}
async function tape(...frames: readonly Uint8Array[]) {
  const writer = TapeWriter.create(path)
  for (const frame of frames) writer.write(frame)
  return writer.close()
}
const hex = (frames: Iterable<Uint8Array>) => [...frames].map((bytes) => Buffer.from(bytes).toString('hex'))
const firsts = (frames: Iterable<Uint8Array>) => [...frames].map((bytes) => decodeFrame(bytes, kinds).first / 1e6)

describe('a tape', () => {
  test('gives back the frames it was written with, aligned, and says what is on it', async () => {
    const frames = [trades(10, 3, ['okx:ETH-USDT', 'binance:BTCUSDT']), gap(13), trades(14, 2)]
    const info = await tape(...frames)
    expect(info).toMatchObject({
      tidegate_tape: 1,
      rows: 6,
      frames: 3,
      kinds: { trade: 5, gap: 1 },
      keys: ['binance:BTCUSDT', 'okx:BTC-USDT', 'okx:ETH-USDT'],
      from: 10e6,
      to: 15e6,
    })
    const read = openTape(path)
    expect(read.info).toEqual(info)
    expect(JSON.parse(info.schemas['trade'] as string)).toMatchObject({ kind: 'trade' })
    expect(hex(read.frames())).toEqual(hex(frames))
    for (const bytes of read.frames()) expect(bytes.byteOffset % 8).toBe(0)
    expect(read.verify()).toEqual(info)
  })

  test('may be empty', async () => {
    await tape()
    const read = openTape(path)
    expect(read.info).toMatchObject({ rows: 0, frames: 0, keys: [], from: null, to: null })
    expect([...read.frames()]).toEqual([])
    expect(read.verify()).toEqual(read.info)
  })

  test('gives only the frames that may hold rows in [from, to)', async () => {
    await tape(trades(0, 10), trades(10, 10), trades(20, 10), trades(30, 10))
    const read = openTape(path)
    expect(firsts(read.frames({ from: 10e6, to: 30e6 }))).toEqual([10, 20])
    expect(firsts(read.frames({ from: 19e6, to: 20e6 }))).toEqual([10])
    expect(firsts(read.frames({ from: 19.5e6 }))).toEqual([20, 30])
    expect(firsts(read.frames({ to: 0 }))).toEqual([])
    expect(firsts(read.frames({ from: 39e6 }))).toEqual([30])
  })

  test('has the same bytes when it is made of the same frames', async () => {
    await tape(trades(0, 5), gap(6))
    const first = readFileSync(path)
    await tape(trades(0, 5), gap(6))
    expect(readFileSync(path)).toEqual(first)
  })

  test('has its name only when it is closed, and an import that failed leaves nothing', async () => {
    const writer = TapeWriter.create(path)
    writer.write(trades(0, 5))
    expect(existsSync(path)).toBe(false)
    expect(existsSync(`${path}.partial`)).toBe(true)
    await writer.discard()
    expect(readdirSync(directory)).toEqual([])
    writeFileSync(`${path}.partial`, 'what a killed import left')
    await tape(trades(0, 5))
    expect(readdirSync(directory)).toEqual(['trades.tape'])
  })

  test('does not grow the memory with its length', async () => {
    const frame = trades(0, 20_000)
    const writer = TapeWriter.create(path)
    for (let i = 0; i < 400; i++) writer.write(frame)
    await writer.close()
    let bytes = 0
    let most = 0
    const before = process.memoryUsage().rss
    for (const data of openTape(path).frames()) {
      bytes += data.byteLength
      most = Math.max(most, process.memoryUsage().rss - before)
    }
    expect(bytes).toBe(400 * frame.byteLength)
    expect(bytes).toBeGreaterThan(250e6)
    expect(most).toBeLessThan(150e6)
  })
})

describe('a tape that is not well', () => {
  test('is FILE_ABSENT where there is none, for reading and for writing', () => {
    expect(() => openTape(path)).toThrow(expect.objectContaining({ code: 'FILE_ABSENT' }))
    expect(() => TapeWriter.create(join(directory, 'none', 'a.tape'))).toThrow(
      expect.objectContaining({ code: 'FILE_ABSENT' }),
    )
  })

  test('is FILE_ABSENT where a directory has its name', () => {
    expect(() => openTape(directory)).toThrow(
      expect.objectContaining({ code: 'FILE_ABSENT', message: `expected a tape at ${directory}, found a directory` }),
    )
  })

  test('takes no frame that is damaged or of an unknown kind', async () => {
    const broken = trades(0, 5)
    broken[100] = (broken[100] as number) ^ 1
    const writer = TapeWriter.create(path)
    expect(() => writer.write(broken)).toThrow(expect.objectContaining({ code: 'FRAME_CORRUPT' }))
    await writer.discard()
    const other = TapeWriter.create(path, { gap: Gap })
    expect(() => other.write(trades(0, 5))).toThrow(expect.objectContaining({ code: 'FRAME_SCHEMA' }))
    await other.discard()
  })

  test('is TAPE_TRUNCATED when it was cut short anywhere', async () => {
    await tape(trades(0, 3), gap(4), trades(5, 3))
    const bytes = readFileSync(path)
    for (let kept = 0; kept < bytes.length; kept++) {
      writeFileSync(path, bytes.subarray(0, kept))
      expect(() => openTape(path)).toThrow(expect.objectContaining({ code: 'TAPE_TRUNCATED' }))
    }
  })

  test('is TAPE_CORRUPT with the place when a record in it is damaged', async () => {
    await tape(trades(0, 3), trades(5, 3), trades(10, 3))
    const bytes = readFileSync(path)
    const at = 56 + 16 + trades(0, 3).byteLength
    bytes[at + 40] = (bytes[at + 40] as number) ^ 4
    writeFileSync(path, bytes)
    const read = openTape(path)
    for (const range of [{}, { from: 10e6 }])
      expect(() => [...read.frames(range)]).toThrow(
        expect.objectContaining({ code: 'TAPE_CORRUPT', info: expect.objectContaining({ offset: at }) }),
      )
  })

  test('is TAPE_CORRUPT when it is another file', () => {
    writeFileSync(path, 'price,size\n'.repeat(50))
    expect(() => openTape(path)).toThrow(expect.objectContaining({ code: 'TAPE_CORRUPT' }))
  })

  test('never gives other data: a flipped or cut tape is a coded error, or the same frames', async () => {
    const info = await tape(trades(0, 30, ['a:A', 'b:B']), gap(40), trades(50, 7))
    const whole = readFileSync(path)
    const frames = hex(openTape(path).frames())
    const later = hex(openTape(path).frames({ from: 45e6 }))
    const flips = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })), { maxLength: 3 })
    const cut = fc.option(fc.nat(whole.length), { nil: whole.length, freq: 3 })
    fc.assert(
      fc.property(flips, cut, (places, kept) => {
        const bytes = Buffer.from(whole)
        for (const [place, mask] of places) bytes[place] = (bytes[place] as number) ^ mask
        writeFileSync(path, bytes.subarray(0, kept))
        try {
          const read = openTape(path)
          expect(read.info).toEqual(info)
          expect(hex(read.frames({ from: 45e6 }))).toEqual(later)
          expect(hex(read.frames())).toEqual(frames)
          expect(read.verify()).toEqual(info)
        } catch (error) {
          if (!isTidegateError(error)) throw error
          expect(['TAPE_TRUNCATED', 'TAPE_CORRUPT']).toContain(error.code)
        }
      }),
      { numRuns: 1500 },
    )
  })
})
