import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isTidegateError } from '../../schemas/errors.ts'
import { bytesOf, collect, fill, logContract, textOf } from './contract.ts'
import { type EmbeddedLogOptions, openEmbeddedLog } from './embedded.ts'
import { recordBytes, SEGMENT_HEADER_BYTES } from './segment.ts'

const smallSegments = 200
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-log-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

for (const options of [{}, { segmentBytes: smallSegments }, { fsync: 'always' }] as const)
  logContract(`the embedded log ${JSON.stringify(options)}`, async () => {
    const at = mkdtempSync(join(tmpdir(), 'tidegate-contract-'))
    let log = await openEmbeddedLog(at, options)
    return {
      log,
      async reopen() {
        await log.close()
        log = await openEmbeddedLog(at, options)
        return log
      },
      async dispose() {
        await log.close()
        rmSync(at, { recursive: true, force: true })
      },
    }
  })

const folder = () => join(directory, 'stage')
const segments = () =>
  readdirSync(folder())
    .sort()
    .map((name) => join(folder(), name))
const newest = () => segments().at(-1) as string

/** Writes texts into the stream `stage` and closes the log. */
async function written(texts: readonly string[], options: EmbeddedLogOptions = {}): Promise<void> {
  const log = await openEmbeddedLog(directory, options)
  await fill(await log.stream('stage'), ...texts)
  await log.close()
}
async function contents(options: EmbeddedLogOptions = {}): Promise<{ texts: unknown[]; notices: readonly string[] }> {
  const log = await openEmbeddedLog(directory, options)
  try {
    return { texts: (await collect((await log.stream('stage')).read(1))).map(textOf), notices: log.notices }
  } finally {
    await log.close()
  }
}
const flip = (path: string, at: number, bit = 1) => {
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] as number) ^ bit
  writeFileSync(path, bytes)
}

describe('a torn end', () => {
  const texts = ['one', 'two and more', 'the last record']
  test('is cut and told, wherever the append was cut short', async () => {
    await written(texts)
    const whole = statSync(newest()).size
    const bytes = readFileSync(newest())
    for (let kept = whole - recordBytes(15); kept < whole; kept++) {
      writeFileSync(newest(), bytes.subarray(0, kept))
      const cut = kept - (whole - recordBytes(15))
      expect(await contents()).toEqual({
        texts: texts.slice(0, 2),
        notices: cut === 0 ? [] : [`stage: cut ${cut} bytes of a torn record at the end`],
      })
    }
  })

  test('may be zeros, or the record with a broken byte', async () => {
    await written(texts)
    appendFileSync(newest(), new Uint8Array(4096))
    expect(await contents()).toMatchObject({ texts, notices: ['stage: cut 4096 bytes of a torn record at the end'] })
    flip(newest(), statSync(newest()).size - 5)
    expect(await contents()).toMatchObject({ texts: texts.slice(0, 2), notices: [expect.stringContaining('cut 32')] })
  })

  test('is followed by good appends after the repair', async () => {
    await written(texts)
    truncateSync(newest(), statSync(newest()).size - 1)
    await written(['instead'])
    expect(await contents()).toEqual({ texts: ['one', 'two and more', 'instead'], notices: [] })
  })

  test('is left alone by a reader, who stops before it and says so', async () => {
    await written(texts)
    truncateSync(newest(), statSync(newest()).size - 1)
    const before = readFileSync(newest())
    const read = await contents({ readonly: true })
    expect(read.texts).toEqual(texts.slice(0, 2))
    expect(read.notices).toEqual(['stage: 31 bytes of an unfinished record at the end are not read'])
    expect(readFileSync(newest())).toEqual(before)
  })

  test('may hold the bytes of another stream without being taken for damage', async () => {
    await written(['a'])
    await written(['b', 'c', 'd', 'e'].map((text) => text.repeat(50)))
    const other = mkdtempSync(join(tmpdir(), 'tidegate-other-'))
    cpSync(directory, other, { recursive: true })
    rmSync(folder(), { recursive: true })
    await written(['a'])
    appendFileSync(newest(), readFileSync(join(other, 'stage', '0000000000000001.seg')).subarray(80))
    rmSync(other, { recursive: true })
    expect(await contents()).toMatchObject({ texts: ['a'], notices: [expect.stringContaining('cut')] })
  })
})

describe('damage before the end', () => {
  test('stops the opening with LOG_CORRUPT and the place, and nothing is cut', async () => {
    await written(['one', 'two', 'three'])
    const at = SEGMENT_HEADER_BYTES + recordBytes(3)
    for (const place of [at, at + 4, at + 8, at + 16]) {
      flip(newest(), place)
      const before = readFileSync(newest())
      for (const readonly of [false, true])
        await expect(openEmbeddedLog(directory, { readonly })).rejects.toMatchObject({
          code: 'LOG_CORRUPT',
          info: { stream: 'stage', offset: at },
        })
      expect(readFileSync(newest())).toEqual(before)
      flip(newest(), place)
    }
    expect((await contents()).texts).toEqual(['one', 'two', 'three'])
  })

  test('in an older segment is noticed by its length at the opening, by its bytes when it is read', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => `record ${i}`)
    await written(texts, { segmentBytes: smallSegments })
    const old = segments()[1] as string
    flip(old, 90)
    await expect(contents()).rejects.toMatchObject({ code: 'LOG_CORRUPT', info: { path: old } })
    flip(old, 90)
    truncateSync(old, statSync(old).size - 8)
    await expect(openEmbeddedLog(directory)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    unlinkSync(old)
    await expect(openEmbeddedLog(directory)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
  })

  test('of any bit never gives other data: it is LOG_CORRUPT, or the records before the last', async () => {
    const texts = Array.from({ length: 12 }, (_, i) => `${i}`.repeat(i * 5))
    await written(texts, { segmentBytes: 400 })
    const files = segments().map((path) => ({ path, bytes: readFileSync(path) }))
    const places = fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 0, max: 7 }))
    await fc.assert(
      fc.asyncProperty(places, async ([file, place, bit]) => {
        const { path, bytes } = files[file % files.length] as (typeof files)[0]
        flip(path, place % bytes.length, 1 << bit)
        try {
          const { texts: found, notices } = await contents()
          if (notices.length === 0) expect(found).toEqual(texts)
          else expect(found).toEqual(texts.slice(0, 11))
        } catch (error) {
          if (!isTidegateError(error)) throw error
          expect(error.code).toBe('LOG_CORRUPT')
        }
        for (const { path: p, bytes: b } of files) writeFileSync(p, b)
      }),
      { numRuns: 300 },
    )
  })
})

describe('segments', () => {
  test('roll at their size, and records are read across them from any place', async () => {
    const texts = Array.from({ length: 50 }, (_, i) => `record ${i}`)
    await written(texts, { segmentBytes: smallSegments })
    expect(segments().length).toBeGreaterThan(10)
    for (const path of segments()) expect(statSync(path).size).toBeLessThanOrEqual(smallSegments)
    const log = await openEmbeddedLog(directory, { segmentBytes: smallSegments })
    const stream = await log.stream('stage')
    for (let from = 1; from <= 51; from++)
      expect((await collect(stream.read(from))).map(textOf)).toEqual(texts.slice(from - 1))
    await log.close()
  })

  test('take a record larger than themselves alone', async () => {
    const texts = ['a', 'x'.repeat(1000), 'b']
    await written(texts, { segmentBytes: smallSegments })
    expect((await contents()).texts).toEqual(texts)
    expect(segments()).toHaveLength(3)
  })

  test('are found by marks: the middle of a large stream reads the same as a walk from its start', async () => {
    const log = await openEmbeddedLog(directory, { fsync: 'close', segmentBytes: 2 ** 21 })
    const stream = await log.stream('stage')
    for (let last = 0; last < 3000; last++) await stream.append(bytesOf(`${last + 1}`.padEnd(2000)), last)
    await log.close()
    const again = await (await openEmbeddedLog(directory, { readonly: true })).stream('stage')
    for (const from of [3000, 1, 1500, 2999, 700, 701])
      expect(Number(textOf((await collect(again.read(from, { limit: 1 })))[0]))).toBe(from)
  })

  test('that were removed from the start raise first, and reading them is LOG_LOST', async () => {
    await written(
      Array.from({ length: 20 }, (_, i) => `record ${i}`),
      { segmentBytes: smallSegments },
    )
    unlinkSync(segments()[0] as string)
    const log = await openEmbeddedLog(directory)
    const stream = await log.stream('stage')
    const { first } = await stream.state()
    expect(first).toBeGreaterThan(1)
    await expect(collect(stream.read(1))).rejects.toMatchObject({ code: 'LOG_LOST', info: { expected: 1, first } })
    expect((await collect(stream.read(first))).length).toBe(21 - first)
    await log.close()
  })

  test('of zeros, as loss of power leaves them, are removed and told', async () => {
    await written(['a', 'b'])
    writeFileSync(join(folder(), '0000000000000003.seg'), new Uint8Array(200))
    const { texts, notices } = await contents()
    expect(texts).toEqual(['a', 'b'])
    expect(notices).toEqual(['stage: removed an empty segment that loss of power left'])
  })

  test('with a header and no record leave the last record in the one before', async () => {
    await written(
      Array.from({ length: 8 }, (_, i) => `record ${i}`),
      { segmentBytes: smallSegments },
    )
    truncateSync(newest(), SEGMENT_HEADER_BYTES)
    const log = await openEmbeddedLog(directory)
    const stream = await log.stream('stage')
    const { last } = await stream.state()
    expect(textOf(await stream.last())).toBe(`record ${last - 1}`)
    expect(await stream.append(bytesOf('next'), last)).toBe(last + 1)
    await log.close()
  })
})

describe('syncing', () => {
  test.for(['always', 'every_second', 'close'] as const)('%s keeps what was appended', async (fsync) => {
    await written(['a', 'b'], { fsync })
    expect((await contents()).texts).toEqual(['a', 'b'])
  })
  test('each mode says what loss of power can take', async () => {
    const said = new Set<string>()
    for (const fsync of ['always', 'every_second', 'close'] as const) {
      const log = await openEmbeddedLog(directory, { fsync })
      said.add(log.guarantee)
      await log.close()
    }
    expect(said.size).toBe(3)
  })
})

describe('readers beside a writer', () => {
  test('follow appends, rolls and new streams', async () => {
    const log = await openEmbeddedLog(directory, { segmentBytes: smallSegments })
    const stream = await log.stream('stage')
    const reader = await openEmbeddedLog(directory, { readonly: true, pollMs: 2 })
    const read = await reader.stream('stage')
    const stop = new AbortController()
    const tailed = collect(read.tail(1, stop.signal), 40)
    for (let i = 0; i < 40; i++) {
      await fill(stream, `record ${i}`)
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 10))
      expect(await read.state()).toEqual(await stream.state())
      expect(textOf(await read.last())).toBe(`record ${i}`)
    }
    expect((await tailed).map(textOf)).toEqual(Array.from({ length: 40 }, (_, i) => `record ${i}`))
    stop.abort()
    await fill(await log.stream('later'), 'x')
    expect(await (await reader.open('later'))?.state()).toMatchObject({ last: 1 })
    await reader.close()
    await log.close()
  })

  test('cannot append, and cannot make a log or a stream', async () => {
    await expect(openEmbeddedLog(join(directory, 'none'), { readonly: true })).rejects.toMatchObject({
      code: 'FILE_ABSENT',
    })
    await written(['a'])
    const reader = await openEmbeddedLog(directory, { readonly: true })
    await expect(reader.stream('none')).rejects.toMatchObject({ code: 'FILE_ABSENT' })
    await expect((await reader.stream('stage')).append(bytesOf('b'), 1)).rejects.toThrow('reading only')
    await reader.close()
  })

  test('notice that the stream was deleted under them', async () => {
    await written(['a'])
    const reader = await openEmbeddedLog(directory, { readonly: true })
    const stream = await reader.stream('stage')
    rmSync(folder(), { recursive: true })
    await written(['other'])
    await expect(stream.state()).rejects.toMatchObject({ code: 'LOG_LOST' })
    await reader.close()
  })
})
