import { spawnSync } from 'node:child_process'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { columnsOf, isBare } from './columns.ts'
import { isTidegateError } from './errors.ts'
import { decodeFrame, type Frame, HEADER_BYTES, peekFrame, vouchFor } from './frame.ts'
import { rowReader } from './frame_reader.ts'
import { FrameWriter } from './frame_writer.ts'
import { guardOf } from './guard.ts'
import { type Kind, kind } from './kind.ts'
import { kinds } from './kinds.ts'

const all = Object.entries(kinds)
const numbers = fc.oneof(fc.double(), fc.constantFrom(0, -0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53))
const bigs = fc.oneof(
  fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }),
  fc.constantFrom(0n, -1n, 2n ** 64n, -(2n ** 64n)),
)
/** Messages whose fields have the right types, sensible or not. */
function messagesOf(kind: Kind): fc.Arbitrary<unknown> {
  const fields = columnsOf(kind).map(({ name, type, values }) => {
    if (type === 'fixed') return [name, bigs] as const
    if (type === 'dict') return [name, fc.string({ unit: 'grapheme' })] as const
    if (type === 'u8') return [name, fc.constantFrom(...(values ?? []))] as const
    return [name, numbers] as const
  })
  return isBare(kind)
    ? (fields[0]?.[1] as fc.Arbitrary<unknown>)
    : fc.record(Object.fromEntries(fields), { noNullPrototype: true })
}
const rowsOf = (kind: Kind) =>
  fc.array(
    fc.record({
      at: fc.integer({ min: 0 }),
      key: fc.string({ unit: 'grapheme', maxLength: 8 }),
      value: messagesOf(kind),
      ordinal: fc.nat(2 ** 31),
      order: fc.nat(),
    }),
    { maxLength: 30 },
  )
type Row = { at: number; key: string; value: unknown; ordinal: number; order: number }
function written(kind: Kind, rows: readonly Row[], options: { outputs?: boolean } = {}): Uint8Array {
  const writer = new FrameWriter(kind, 'origin', { capacity: 2, outputs: options.outputs ?? false })
  for (const { at, key, value, ordinal, order } of rows) writer.push(at, key, value, ordinal, order)
  return writer.take()
}
const read = (kind: Kind, frame: Frame): Pick<Row, 'at' | 'key' | 'value'>[] =>
  Array.from({ length: frame.rows }, (_, i) => ({
    at: frame.at[i] as number,
    key: frame.keys[frame.key[i] as number] as string,
    value: rowReader(kind)(frame, i),
  }))
const text = kind('note', z.object({ text: z.string(), big: z.bigint() }), { summary: 'Has text.' })
const known = { ...kinds, note: text as Kind }

describe.each([...all, ['note', text as Kind] as const])('a frame of kind %s', (_name, kind) => {
  test('gives back every row, bit for bit', () => {
    fc.assert(
      fc.property(rowsOf(kind), fc.boolean(), (rows, outputs) => {
        const frame = decodeFrame(written(kind, rows, { outputs }), known)
        expect(read(kind, frame)).toStrictEqual(rows.map(({ at, key, value }) => ({ at, key, value })))
        expect([frame.kind, frame.origin, frame.rows]).toEqual([kind.kind, 'origin', rows.length])
        if (rows.length > 0) {
          const times = rows.map((r) => r.at)
          expect([frame.first, frame.last]).toEqual([Math.min(...times), Math.max(...times)])
        }
        expect(frame.ordinal && [...frame.ordinal]).toEqual(outputs ? rows.map((r) => r.ordinal) : undefined)
        expect(frame.order && [...frame.order]).toEqual(outputs ? rows.map((r) => r.order) : undefined)
      }),
      { numRuns: 40 },
    )
  })
  test('its guard says what its schema says', () => {
    const guard = guardOf(kind)
    const [near] = [messagesOf(kind)]
    const spoilt = near.chain((value) =>
      isBare(kind)
        ? fc.anything()
        : fc
            .tuple(fc.constantFrom(...Object.keys(value as object)), fc.oneof(fc.anything(), fc.constant(undefined)))
            .map(([field, odd]) => ({ ...(value as object), [field]: odd })),
    )
    fc.assert(
      fc.property(fc.oneof(near, spoilt, fc.anything()), (value) => {
        expect(guard(value)).toBe(z.safeParse(kind.schema, value).success)
      }),
      { numRuns: 200 },
    )
  })
})

const trade = kinds['trade'] as Kind
const row = (at: number, price: number): Row => ({
  at,
  key: 'v:A',
  value: { price, size: 1, side: 1, id: 0 },
  ordinal: 0,
  order: 0,
})
test('columns are views of the bytes, not copies; only misaligned bytes are copied once', () => {
  const bytes = written(trade, [row(1, 10), row(2, 20)])
  const frame = decodeFrame(bytes, kinds)
  for (const column of [frame.at, frame.key, ...frame.columns]) expect(column.buffer).toBe(bytes.buffer)
  const shifted = new Uint8Array(bytes.byteLength + 3)
  shifted.set(bytes, 3)
  expect(read(trade, decodeFrame(shifted.subarray(3), kinds))).toEqual(read(trade, frame))
})
test('a writer starts afresh after each frame', () => {
  const writer = new FrameWriter(trade, 'o', { capacity: 1 })
  for (const r of [row(1, 10), row(2, 20)]) writer.push(r.at, r.key, r.value)
  const first = writer.take()
  writer.push(3, 'v:B', row(3, 30).value)
  expect(read(trade, decodeFrame(writer.take(), kinds))).toEqual([{ at: 3, key: 'v:B', value: row(3, 30).value }])
  expect(decodeFrame(first, kinds).rows).toBe(2)
  expect(decodeFrame(writer.take(), kinds).rows).toBe(0)
})
test('a writer whose dictionary grows repeats it, and readers come to get the same array of words for the same bytes', () => {
  const trade = kinds['trade'] as Kind
  const writer = new FrameWriter(trade, 'o', { dictionary: 'growing' })
  const frames = [['a:B', 'c:D'], ['c:D'], ['a:B', 'a:B'], ['e:F'], ['a:B'], ['e:F']].map((keys) => {
    keys.forEach((key, i) => {
      writer.push(i, key, { price: 1, size: 1, side: 0, id: i })
    })
    return decodeFrame(writer.take(), kinds)
  })
  const [first, second, third, grown, again, last] = frames as [Frame, Frame, Frame, Frame, Frame, Frame]
  expect(first.keys).toEqual(['a:B', 'c:D'])
  // what comes a second time is kept
  expect(second.keys).toEqual(first.keys)
  expect(third.keys).toBe(second.keys)
  expect(grown.keys).toEqual(['a:B', 'c:D', 'e:F'])
  expect(last.keys).toBe(again.keys)
  expect(frames.map(({ keys, key }) => Array.from(key, (code) => keys[code]))).toEqual([
    ['a:B', 'c:D'],
    ['c:D'],
    ['a:B', 'a:B'],
    ['e:F'],
    ['a:B'],
    ['e:F'],
  ])
})

test('a dictionary that grows starts afresh before words nobody repeats fill the frames', () => {
  const note = kind('note', z.object({ text: z.string() }), { summary: 'Has text.' }) as Kind
  const writer = new FrameWriter(note, 'o', { dictionary: 'growing' })
  const lengths = Array.from({ length: 200 }, (_, i) => {
    writer.push(i, 'a:B', { text: `${i}`.padEnd(1000) })
    return decodeFrame(writer.take(), { note }).keys.length
  })
  expect(Math.max(...lengths)).toBeLessThan(80)
  expect(lengths.filter((n) => n === 2).length).toBeGreaterThan(1)
})

test('a number that comes with a key is only a help: the key decides', () => {
  const write = (numbers: (i: number) => number) => {
    const writer = new FrameWriter(trade, 'o', { outputs: true })
    return Array.from({ length: 3 }, (_, frame) => {
      for (let i = 0; i < 9; i++)
        writer.push(i, `v:${(i + frame) % 4}`, { price: 1, size: 1, side: 0, id: i }, 0, i, numbers(i))
      return writer.take()
    })
  }
  const expected = write(() => -1)
  expect(write((i) => i % 4)).toEqual(expected)
  expect(write(() => 0)).toEqual(expected)
})

test('a frame its container vouches for is not summed again, and is still checked in every other way', () => {
  const trade = kinds['trade'] as Kind
  const frame = written(trade, [
    { at: 1, key: 'a:B', value: { price: 1, size: 1, side: 0, id: 0 }, ordinal: 0, order: 0 },
  ])
  const flipped = new Uint8Array(frame)
  flipped[12] = (flipped[12] as number) ^ 1
  expect(() => decodeFrame(flipped, kinds)).toThrow('its checksum does not hold')
  expect(decodeFrame(vouchFor(flipped), kinds).keys).toEqual(['a:B'])
  const wrong = new Uint8Array(frame)
  wrong[HEADER_BYTES + 6 * 8 + 8] = 9
  expect(() => decodeFrame(vouchFor(wrong), kinds)).toThrow('row 0 of column key has code 9')
})

test('frames lie one behind the other: each says how long it is', () => {
  const frames = [written(trade, [row(1, 10)]), written(trade, [row(2, 20), row(3, 30)])]
  const joined = new Uint8Array(Buffer.concat(frames))
  const first = peekFrame(joined)
  expect(first).toMatchObject({ kind: 'trade', origin: 'origin', rows: 1, bytes: frames[0]?.byteLength })
  expect(decodeFrame(joined.subarray(first.bytes), kinds).rows).toBe(2)
})

describe('bytes that are no frame', () => {
  const sound = written(trade, [row(1, 10), row(2, 20)], { outputs: true })
  const same = (frame: Frame) => read(trade, frame)
  const outcome = (bytes: Uint8Array) => {
    try {
      return same(decodeFrame(bytes, kinds))
    } catch (error) {
      if (!isTidegateError(error)) throw error
      return error.code
    }
  }
  test('cut short anywhere they are told as FRAME_CORRUPT', () => {
    for (let length = 0; length < sound.length; length++)
      expect(outcome(sound.slice(0, length)), `${length} bytes`).toBe('FRAME_CORRUPT')
  })
  test('with any bit turned they are told by code, or nothing of the rows has changed', () => {
    for (let bit = 0; bit < sound.length * 8; bit++) {
      const turned = sound.slice()
      turned[bit >> 3] = (turned[bit >> 3] as number) ^ (1 << (bit & 7))
      const found = outcome(turned)
      if (found !== 'FRAME_CORRUPT' && found !== 'FRAME_SCHEMA')
        expect(found, `bit ${bit}`).toEqual(same(decodeFrame(sound, kinds)))
    }
  })
  test('spoilt with a checksum that fits they are still told by code, or read without a throw of another kind', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 4, max: sound.length - 1 }), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (spots) => {
          const spoilt = sound.slice()
          for (const [place, byte] of spots) if (place < 12 || place > 15) spoilt[place] = byte
          const total = new DataView(spoilt.buffer).getUint32(8, true)
          if (total >= 16 && total <= spoilt.length)
            new DataView(spoilt.buffer).setUint32(12, crc32(spoilt.subarray(16, total)), true)
          outcome(spoilt)
        },
      ),
      { numRuns: 2000 },
    )
  })
  test('that name a value or a word there is not are FRAME_CORRUPT, whatever the column', () => {
    const signals = kinds['signal'] as Kind
    const spoilt = (kind: Kind, value: unknown, column: number, code: number) => {
      const bytes = written(kind, [{ ...row(1, 10), value }])
      const words = new DataView(bytes.buffer, bytes.byteOffset)
      words.setUint8(words.getUint32(HEADER_BYTES + column * 8, true), code)
      words.setUint32(12, crc32(bytes.subarray(16)), true)
      return () => decodeFrame(bytes, known)
    }
    const signal = { direction: 1, strength: 1, price: 1 }
    expect(spoilt(signals, signal, 2, 2)).not.toThrow()
    expect(spoilt(signals, signal, 2, 3)).toThrow(/row 0 of column direction has code 3/)
    const note = { text: 'words', big: 1n }
    expect(spoilt(text as Kind, note, 2, 0)).not.toThrow()
    expect(spoilt(text as Kind, note, 2, 9)).toThrow(expect.objectContaining({ code: 'FRAME_CORRUPT' }))
    expect(spoilt(text as Kind, note, 1, 9)).toThrow(/row 0 of column key has code 9/)
  })
  test('noise is no frame', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(outcome(noise)).toBe('FRAME_CORRUPT')
      }),
    )
  })
  test('a kind that is unknown, or has other columns now, is FRAME_SCHEMA', () => {
    const older = kind('trade', z.object({ price: z.number() }), { summary: 'As it was.' })
    expect(() => decodeFrame(written(older, [{ ...row(1, 1), value: { price: 1 } }]), kinds)).toThrow(/other columns/)
    expect(() => decodeFrame(sound, {})).toThrow(/expected a known kind, found "trade"/)
    const inherited = kind('constructor', z.object({ price: z.number() }), { summary: 'A name every object has.' })
    expect(() => decodeFrame(written(inherited, []), kinds)).toThrow(/expected a known kind, found "constructor"/)
  })
})

test('where code must not be generated, readers, writers and guards say the same', () => {
  const script = `
    import { kinds } from './schemas/kinds.ts'
    import { decodeFrame } from './schemas/frame.ts'
    import { rowReader } from './schemas/frame_reader.ts'
    import { FrameWriter } from './schemas/frame_writer.ts'
    import { guardOf } from './schemas/guard.ts'
    import { messageOf, chanceOf } from './testing/tapes.ts'
    const chance = chanceOf(5)
    const lines = []
    for (const kind of Object.values(kinds)) {
      const writer = new FrameWriter(kind, 'o')
      for (let i = 0; i < 20; i++) writer.push(i, 'v:' + (i % 3), messageOf(kind, chance, 100 + i, i))
      const bytes = writer.take()
      const frame = decodeFrame(bytes, kinds)
      const rows = Array.from({ length: 20 }, (_, i) => rowReader(kind)(frame, i))
      const guard = guardOf(kind)
      const odd = [undefined, null, 1, {}, rows[0], { ...rows[0], price: -1 }]
      lines.push(Buffer.from(bytes).toString('base64'), JSON.stringify(rows, (_k, v) => typeof v === 'bigint' ? v + 'n' : v), odd.map(guard).join())
    }
    try { new Function('return 1'); lines.unshift('generated') } catch { lines.unshift('refused') }
    console.log(lines.join('\\n'))`
  const run = (...flags: string[]) => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [...flags, '--import', 'tsx', '--input-type=module', '-e', script],
      { encoding: 'utf8' },
    )
    const [mode, ...lines] = stdout.trim().split('\n')
    return { mode: mode || stderr, lines }
  }
  const [free, bound] = [run(), run('--disallow-code-generation-from-strings')]
  expect([free.mode, bound.mode]).toEqual(['generated', 'refused'])
  expect(free.lines).toHaveLength(3 * all.length)
  expect(bound.lines).toEqual(free.lines)
})
