import fs, { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  array,
  assert,
  asyncProperty,
  boolean,
  constantFrom,
  integer,
  oneof,
  record,
  string,
  uint8Array,
} from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { decodeLine, encodeLine, type Stamped } from './raw_line.ts'
import { readRaw } from './raw_reader.ts'
import { type RawLimits, RawWriter, rawLimits } from './raw_writer.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'raw-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  rmSync(directory, { recursive: true, force: true })
})
const at = 1_700_000_000_000_000
const start = { tidegate_raw: 1, node: 'a', source: 'b', version: 1, params: {}, position: 0, seed: 7 } as const
const writer = (limits: Partial<RawLimits> = {}) =>
  new RawWriter(directory, start, at, { ...rawLimits, ...limits }, () => {})
const message = (text: string, after = 0): Stamped => ({
  at: at + after,
  connection: 0,
  line: { word: 'in', bytes: Buffer.from(text), binary: false },
})
async function lines(): Promise<readonly Stamped[]> {
  const found: Stamped[] = []
  for await (const stamped of readRaw(directory, () => {})) found.push(stamped)
  return found.filter(({ line }) => line.word !== 'start' && line.word !== 'continued')
}

test('whatever bytes a message has, and however files are cut, it is read as it came', async () => {
  const line = oneof(
    record({
      word: constantFrom('in' as const),
      bytes: uint8Array({ maxLength: 200 }).map((b) => Buffer.from(b)),
      binary: boolean(),
    }),
    record({ word: constantFrom('out' as const), text: string({ unit: 'grapheme' }) }),
    record({ word: constantFrom('alive' as const, 'opened' as const) }),
  )
  const events = record({ line, after: integer({ min: 0, max: 3600e6 }), connection: integer({ min: 0, max: 2 }) })
  await assert(
    asyncProperty(array(events), integer({ min: 1, max: 2000 }), async (given, bytes) => {
      rmSync(directory, { recursive: true, force: true })
      let now = at
      const stamped: Stamped[] = []
      for (const { line, after, connection } of given) {
        now += after
        stamped.push({ at: now, connection, line })
      }
      const file = writer({ bytes })
      for (const one of stamped) file.write(one)
      await file.close()
      expect(await lines()).toEqual(stamped)
    }),
    { numRuns: 30 },
  )
})

test('what a person or another tool reads of it is the message itself', () => {
  const text = '{"e":"trade","p":"0.001"}'
  expect(encodeLine(message(text)).toString()).toBe(`1700000000000000000 0 in ${text}\n`)
  expect(decodeLine(Buffer.from('1700000000000000000 0 in '))).toMatchObject({ line: { word: 'in' } })
  expect(decodeLine(Buffer.from('1700000000000000000 0 inn '))).toBe('"inn" is no word of a recording')
})

test('a full disk is told, and every line before it is kept whole', async () => {
  const file = writer()
  for (let n = 0; n < 10; n++) file.write(message(`{"n":${n}}`))
  const { writeSync } = fs
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  // the disk takes five bytes more
  vi.spyOn(fs, 'writeSync')
    .mockImplementationOnce(((fd: number, bytes: Buffer, from: number, _: number, place: number) =>
      writeSync(fd, bytes, from, 5, place)) as never)
    .mockImplementationOnce(() => {
      throw full
    })
  syncBuiltinESMExports()
  expect(() => file.write(message('{"n":10}'))).toThrow(
    expect.objectContaining({ code: 'RECORDING_UNWRITABLE', message: expect.stringContaining('wrote 5 (ENOSPC') }),
  )
  const [name = ''] = readdirSync(directory)
  expect(readFileSync(join(directory, name), 'utf8').endsWith('0 in {"n":9}\n')).toBe(true)
  await file.close()
  expect(await lines()).toHaveLength(10)
})

test('a folder that cannot be made is told at once', () => {
  const inTheWay = join(directory, 'file')
  fs.writeFileSync(inTheWay, '')
  expect(() => new RawWriter(join(inTheWay, 'below'), start, at, rawLimits, () => {})).toThrow(
    expect.objectContaining({ code: 'RECORDING_UNWRITABLE' }),
  )
})

test('a file is closed after its time, and its name says when it began', async () => {
  const file = writer({ micros: 60e6 })
  file.write(message('a', 1))
  file.write(message('b', 61e6))
  await file.close()
  expect(readdirSync(directory)).toEqual(['000001-20231114T221320Z.raw.gz', '000002-20231114T221421Z.raw.gz'])
  expect(await lines()).toHaveLength(2)
})

test('a file that was about to be gzipped when the power went is read once', async () => {
  const file = writer()
  file.write(message('a'))
  const [name = ''] = readdirSync(directory)
  const plain = readFileSync(join(directory, name))
  await file.close()
  fs.writeFileSync(join(directory, name), plain)
  expect(await lines()).toHaveLength(1)
})
