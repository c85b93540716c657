import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TextFile } from './text_file.ts'

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-text-'))
  path = join(directory, 'fills.csv')
})
afterEach(() => rmSync(directory, { recursive: true }))

test('what is written is in the file after a flush, in place of what was there', () => {
  new TextFile(path).write('old\n')
  const file = new TextFile(path)
  file.write('a\n')
  file.write('b\n')
  file.flush()
  file.flush()
  expect(readFileSync(path, 'utf8')).toBe('a\nb\n')
})
test('a loop that never waits keeps no more than a piece in memory', () => {
  const file = new TextFile(path)
  const line = `${'x'.repeat(99)}\n`
  for (let i = 0; i < 10_000; i++) {
    file.write(line)
    expect((i + 1) * 100 - statSync(path).size).toBeLessThanOrEqual(2 ** 16 + 100)
  }
})
test('a file that cannot be written is told by its path', () => {
  const file = new TextFile(path)
  rmSync(path)
  mkdirSync(path)
  file.write('a\n')
  expect(() => file.flush()).toThrow(expect.objectContaining({ code: 'FILE_UNWRITABLE', info: { path } }))
  expect(() => new TextFile(path)).toThrow(expect.objectContaining({ code: 'FILE_UNWRITABLE' }))
})
