import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openKeyFile, readKeyFile } from './key_file.ts'
import { passphraseOf } from './passphrase.ts'
import { readPrivate } from './private_file.ts'

const key = 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidegate-key-file-'))
})
afterAll(() => rmSync(folder, { recursive: true }))
let made = 0
function file(text: string, mode = 0o600): string {
  const path = join(folder, `${++made}.env`)
  writeFileSync(path, text, { mode })
  return path
}
function failure(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    expect(inspect(error, { depth: 9 })).not.toContain('ac0974')
    return error
  }
}

test('lines of NAME=VALUE are read; comments and empty lines are left out', () => {
  const path = file(`# trading\n\nTRADER=0x${key}\r\nOTHER=${key}\nA=b=c\n`)
  expect([...readKeyFile(path)]).toEqual([
    ['TRADER', `0x${key}`],
    ['OTHER', key],
    ['A', 'b=c'],
  ])
  const address = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
  expect([openKeyFile(path, 'TRADER').address, openKeyFile(path, 'OTHER').address]).toEqual([address, address])
  expect(failure(() => openKeyFile(path, 'NONE'))).toMatchObject({ code: 'KEY_INVALID' })
  expect(failure(() => openKeyFile(path, 'A'))).toMatchObject({ code: 'KEY_INVALID' })
})

test.each([
  ['a space', `TRADER = ${key}`],
  ['quotes', `TRADER="${key}"`],
  ['export', `export TRADER=${key}`],
  ['no name', key],
  ['nothing', 'TRADER='],
  ['a name twice', `TRADER=${key}\nTRADER=${key}`],
])('%s is refused: the message names the line and shows nothing of it', (_what, text) => {
  const error = failure(() => readKeyFile(file(text)))
  expect(error).toMatchObject({ code: 'KEY_INVALID', info: { line: text.includes('\n') ? 2 : 1 } })
})

test.each([0o640, 0o644, 0o620, 0o602, 0o700])('a file of mode %o is KEY_UNSAFE', (mode) => {
  const path = file(`TRADER=${key}`)
  execFileSync('chmod', [mode.toString(8), path])
  expect(failure(() => readKeyFile(path))).toMatchObject({ code: 'KEY_UNSAFE' })
})

test('what is not a plain file of ours is KEY_UNSAFE, what is not there FILE_ABSENT', () => {
  const path = file(`TRADER=${key}`)
  symlinkSync(path, join(folder, 'link'))
  mkdirSync(join(folder, 'folder'), { mode: 0o700 })
  execFileSync('mkfifo', ['-m', '600', join(folder, 'pipe')])
  for (const name of ['link', 'folder', 'pipe'])
    expect([name, failure(() => readPrivate(join(folder, name)))]).toMatchObject([name, { code: 'KEY_UNSAFE' }])
  expect(failure(() => readPrivate(path, 4_000_000))).toMatchObject({ code: 'KEY_UNSAFE' })
  expect(failure(() => readPrivate(join(folder, 'none')))).toMatchObject({ code: 'FILE_ABSENT' })
  expect(failure(() => readPrivate(file('x'.repeat(70_000))))).toMatchObject({ code: 'KEY_INVALID' })
})

test('a passphrase is a variable or the first line of a private file, not both', () => {
  const of = (values: Record<string, string>) => failure(() => passphraseOf((name) => values[name]))
  expect(of({})).toBeUndefined()
  expect(of({ TIDEGATE_KEY_PASSPHRASE: 'a b' })).toBe('a b')
  expect(of({ TIDEGATE_KEY_PASSPHRASE_FILE: file('a b \nrest') })).toBe('a b ')
  expect(of({ TIDEGATE_KEY_PASSPHRASE_FILE: file('a', 0o644) })).toMatchObject({ code: 'KEY_UNSAFE' })
  expect(of({ TIDEGATE_KEY_PASSPHRASE: 'a', TIDEGATE_KEY_PASSPHRASE_FILE: file('a') })).toMatchObject({
    code: 'KEY_INVALID',
  })
})
