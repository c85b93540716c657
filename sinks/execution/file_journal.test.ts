import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openFileJournal, readFileJournal } from './file_journal.ts'
import { journalContract } from './journal_contract.ts'
import { countOf, groupOf, groupsOf, sample_journal } from './sample_entries.ts'

let folder: string
let directory: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidegate-journal-'))
  directory = join(folder, 'of', 'signer')
  file = join(directory, 'journal.jsonl')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

journalContract('a file', async () => ({
  open: async () => openFileJournal(directory, sample_journal),
  read: async () => readFileJournal(directory)?.entries,
  child: { words: [directory], environment: {} },
  dispose: async () => undefined,
}))

const reopened = async () => {
  const { journal, entries } = openFileJournal(directory, sample_journal)
  await journal.close()
  return entries
}
const written = async (groups: number): Promise<Buffer> => {
  const { journal } = openFileJournal(directory, sample_journal)
  for (let n = 1; n <= groups; n++) await journal.append(groupOf(n))
  await journal.close()
  return readFileSync(file)
}
/** Ends of the lines of a file. */
const endsOf = (bytes: Buffer): readonly number[] =>
  [...bytes.entries()].flatMap(([i, byte]) => (byte === 10 ? [i] : []))

describe('a tail cut short by a crash', () => {
  test('is left out wherever it was cut, and the next entry takes its place', async () => {
    const bytes = await written(5)
    const [from, to] = endsOf(bytes).slice(-2) as [number, number]
    // the last line ends a byte before the end of the file
    expect(to).toBe(bytes.length - 1)
    const cuts = [from + 2, from + 5, from + 10, from + 11, Math.floor((from + to) / 2), to - 1, to]
    for (const cut of cuts) {
      writeFileSync(file, bytes.subarray(0, cut))
      expect(readFileJournal(directory)?.entries, `cut at ${cut}`).toEqual(groupsOf(4))
      const { journal, entries } = openFileJournal(directory, sample_journal)
      expect(entries).toEqual(groupsOf(4))
      await journal.append(groupOf(5))
      await journal.close()
      expect(readFileSync(file).equals(bytes), `cut at ${cut}`).toBe(true)
    }
  })
  test('a header that was cut short is written again', async () => {
    const bytes = await written(0)
    for (const cut of [0, 1, 12, bytes.length - 1]) {
      truncateSync(file, cut)
      expect(readFileJournal(directory)).toBeUndefined()
      expect(await reopened()).toEqual([])
      expect(readFileSync(file).equals(bytes)).toBe(true)
    }
  })
})

describe('a journal that cannot be trusted is neither opened nor changed', () => {
  const refuses = async (bytes: Buffer, code: string) => {
    writeFileSync(file, bytes)
    expect(() => readFileJournal(directory)).toThrow(expect.objectContaining({ code }))
    expect(() => openFileJournal(directory, sample_journal)).toThrow(expect.objectContaining({ code }))
    expect(readFileSync(file).equals(bytes)).toBe(true)
  }
  test('a byte of any whole line flipped: of the header, in the middle, in the last one', async () => {
    const bytes = await written(6)
    const ends = endsOf(bytes)
    for (const [line, end] of ends.entries()) {
      const begin = line === 0 ? 0 : (ends[line - 1] as number) + 1
      for (const at of [begin, begin + 8, begin + 9, Math.floor((begin + end) / 2), end - 1]) {
        const spoiled = Buffer.from(bytes)
        spoiled[at] = (spoiled[at] as number) ^ 1
        await refuses(spoiled, 'JOURNAL_CORRUPT')
      }
    }
    // the lock was given back each time
    writeFileSync(file, bytes)
    expect(await reopened()).toEqual(groupsOf(6))
  })
  test('a line taken out of the middle of another, and one that is no journal at all', async () => {
    const bytes = await written(3)
    await refuses(Buffer.concat([bytes.subarray(0, 30), bytes.subarray(60)]), 'JOURNAL_CORRUPT')
    await refuses(Buffer.from('{"not":"a journal"}\n'), 'JOURNAL_CORRUPT')
  })
  const line = (value: unknown) => {
    const text = JSON.stringify(value)
    return `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`
  }
  test('a sound line with an entry that nobody knows', async () => {
    const bytes = await written(3)
    const unknown = [{ at: 1, id: 'order 1', event: { type: 'teleported' } }]
    await refuses(Buffer.concat([bytes, Buffer.from(line(unknown))]), 'JOURNAL_CORRUPT')
  })
  test('a newer version, whatever its entries are', async () => {
    await written(0)
    const newer = line({ tidegate_journal: 2, ...sample_journal }) + line({ anything: 'else' })
    await refuses(Buffer.from(newer), 'JOURNAL_NEWER')
  })
  test('the journal of another signer, or of another chain', async () => {
    await written(1)
    for (const other of [
      { ...sample_journal, signer: '0xbb' },
      { ...sample_journal, chain: 'eip155:1' },
    ])
      expect(() => openFileJournal(directory, other)).toThrow(expect.objectContaining({ code: 'JOURNAL_FOREIGN' }))
    expect(await reopened()).toEqual(groupsOf(1))
  })
})

test('nobody else can read it, nor the folders that were made for it', async () => {
  const before = process.umask(0)
  try {
    await written(1)
  } finally {
    process.umask(before)
  }
  expect(statSync(file).mode & 0o777).toBe(0o600)
  for (const made of [directory, join(directory, '..')]) expect(statSync(made).mode & 0o777).toBe(0o700)
})

test('a second opener of the same process is refused, and a refused one leaves nothing behind', async () => {
  const { journal } = openFileJournal(directory, sample_journal)
  const before = readdirSync(directory)
  expect(() => openFileJournal(directory, sample_journal)).toThrow(
    expect.objectContaining({ code: 'LOG_LOCKED', info: { directory, pid: process.pid } }),
  )
  expect(readdirSync(directory)).toEqual(before)
  await journal.close()
})

test('a closed journal writes to no file, whoever has the number of its file now', async () => {
  const { journal } = openFileJournal(directory, sample_journal)
  await journal.append(groupOf(1))
  await journal.close()
  await journal.close()
  const other = openFileJournal(join(folder, 'other'), sample_journal)
  const bytes = readFileSync(join(folder, 'other', 'journal.jsonl'))
  await expect(journal.append(groupOf(2))).rejects.toThrow('closed')
  expect(readFileSync(join(folder, 'other', 'journal.jsonl')).equals(bytes)).toBe(true)
  await other.journal.close()
})

test('a writer that was displaced writes no more', async () => {
  const { journal } = openFileJournal(directory, sample_journal)
  await journal.append(groupOf(1))
  // as a process in another PID namespace would see it
  writeFileSync(join(directory, 'writer.4.lock'), JSON.stringify({ pid: 2 ** 30, started: '1' }))
  const other = openFileJournal(directory, sample_journal)
  await expect(journal.append(groupOf(2))).rejects.toMatchObject({ code: 'LOG_LOCKED' })
  await other.journal.append(groupOf(2))
  await other.journal.close()
  expect(await reopened()).toEqual(groupsOf(2))
})

test('a disk that takes no more: the append fails, nothing is written after it, and what stood before stands', async () => {
  const words = ['--import', 'tsx', 'test/crash/journal_child.ts', directory]
  const { stdout } = spawnSync('bash', ['-c', 'ulimit -f 64; exec "$0" "$@"', process.execPath, ...words], {
    encoding: 'utf8',
  })
  const [, code, after, then] = /failed (\w+) after (\d+), then (\w+)/.exec(stdout) ?? []
  expect([code, then]).toEqual(['LOG_UNWRITABLE', 'LOG_UNWRITABLE'])
  expect(existsSync(file) && statSync(file).size).toBe(64 * 1024)
  const entries = await reopened()
  expect(entries).toEqual(groupsOf(Number(after)))
  expect(countOf(entries.length)).toBeGreaterThan(5)
  expect(statSync(file).size).toBeLessThan(64 * 1024)
})
