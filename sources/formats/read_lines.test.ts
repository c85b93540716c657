import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateRawSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { detect, formatNamed } from './catalogue.ts'
import { headOf, importFile } from './import_file.ts'
import { readLines } from './read_lines.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidegate-lines-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function linesOf(name: string, bytes: Uint8Array | string): Promise<string[]> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  const lines: string[] = []
  for await (const block of readLines(path)) lines.push(...block)
  return lines
}

/** A zip archive with one entry, as the exchanges publish them. */
function zip(name: string, text: string, members = 1): Buffer {
  const [body, title] = [deflateRawSync(text), Buffer.from(name)]
  const head = Buffer.alloc(30)
  head.writeUInt32LE(0x04034b50, 0)
  head.writeUInt16LE(8, 8)
  head.writeUInt32LE(crc32(text), 14)
  head.writeUInt32LE(body.length, 18)
  head.writeUInt16LE(title.length, 26)
  const central = Buffer.alloc(46 + title.length)
  central.writeUInt32LE(0x02014b50, 0)
  const tail = Buffer.alloc(22)
  tail.writeUInt32LE(0x06054b50, 0)
  tail.writeUInt16LE(members, 10)
  return Buffer.concat([head, title, body, central, tail])
}

test('splits lines of plain text, with and without a last line break, with and without carriage returns', async () => {
  expect(await linesOf('a.csv', 'a\nb\n')).toEqual(['a', 'b'])
  expect(await linesOf('b.csv', 'a\r\nb\r\n\r\nc')).toEqual(['a', 'b', '', 'c'])
  expect(await linesOf('c.csv', '')).toEqual([])
  expect(await linesOf('d.csv', '\uFEFFa')).toEqual(['a'])
})

test('unpacks gzip whatever the name says, and a zip archive of one file', async () => {
  expect(await linesOf('a.txt', gzipSync('a\nb'))).toEqual(['a', 'b'])
  expect(await linesOf('b.zip', zip('x.csv', 'a\nb'))).toEqual(['a', 'b'])
  await expect(linesOf('c.zip', zip('x.csv', 'a', 2))).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: 'c.zip is a zip archive of several files: unpack it first',
  })
})

test('keeps lines whole across blocks, and characters whole across chunks', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `${i},µ€${'x'.repeat(i % 97)}`)
  expect(await linesOf('long.csv', lines.join('\n'))).toEqual(lines)
  const [endless] = await linesOf('endless.json', 'µ'.repeat(1_000_000))
  expect(endless?.length).toBe(1_000_000)
})

test('tells where a damaged gzip file ends', async () => {
  const text = Array.from({ length: 50_000 }, (_, i) => `${i},${(i * 7919) % 65_536}`).join('\n')
  const packed = gzipSync(text)
  await expect(linesOf('cut.gz', packed.subarray(0, packed.length / 2))).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringMatching(/^line \d+: the compressed data of cut.gz are damaged or cut short$/),
  })
})

test('says which file is not there', async () => {
  await expect(readLines(join(folder, 'none.csv')).next()).rejects.toMatchObject({ code: 'FILE_ABSENT' })
  await expect(readLines(folder).next()).rejects.toMatchObject({ code: 'FILE_ABSENT' })
})

test('suggests a format from the head of a file, and reads it', async () => {
  const path = join(folder, 'trades.csv.gz')
  await writeFile(path, gzipSync(formatNamed('mtgox_csv').example))
  const head = await headOf(path)
  expect(detect(head.file, head.lines)?.name).toBe('mtgox_csv')
  let rows = 0
  for await (const block of importFile(formatNamed('mtgox_csv'), path)) rows += block.length
  expect(rows).toBe(2)
})
