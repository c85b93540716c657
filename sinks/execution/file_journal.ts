import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { WriterLock } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { Entry } from './entry.ts'
import { JOURNAL_VERSION, type Journal, type JournalOf, type OpenedJournal } from './journal.ts'

const Header = z.looseObject({ tidegate_journal: z.int(), chain: z.string(), signer: z.string() })
const name = 'journal.jsonl'

/** A line: the checksum of what follows, then JSON. */
const lineOf = (value: unknown): string => {
  const text = JSON.stringify(value)
  return `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`
}

/** `undefined` where the line is not what was written. */
function contentOf(line: string): unknown {
  const text = line.slice(9)
  return line.slice(0, 9) === `${crc32(text).toString(16).padStart(8, '0')} ` ? JSON.parse(text) : undefined
}

interface Read {
  readonly entries: readonly Entry[]
  /** Bytes that hold whole groups of entries. */
  readonly whole: number
  readonly header: z.output<typeof Header> | undefined
}
const corrupt = (file: string, line: number, what: string) =>
  new TidegateError(
    'JOURNAL_CORRUPT',
    `${file}: line ${line}: ${what}; nothing is signed from a journal that cannot be trusted`,
    { file, line },
  )

/**
 * Reads a journal. A last line without its end was cut short by a crash and never relied upon: it is left out.
 * @throws JOURNAL_CORRUPT, JOURNAL_NEWER
 */
function read(file: string): Read {
  if (!existsSync(file)) return { entries: [], whole: 0, header: undefined }
  const bytes = readFileSync(file)
  let header: Read['header']
  const entries: Entry[] = []
  let whole = 0
  for (let number = 1; ; number++) {
    // line by line: one text of all of them has an end at 512 MB
    const end = bytes.indexOf(10, whole)
    if (end < 0) return { entries, whole, header }
    const value = contentOf(bytes.toString('utf8', whole, end))
    if (value === undefined) throw corrupt(file, number, 'its checksum does not fit')
    if (number === 1) header = headerOf(file, value)
    else {
      const parsed = z.array(Entry).safeParse(value)
      if (!parsed.success) throw corrupt(file, number, `unknown entry: ${parsed.error.issues[0]?.message ?? ''}`)
      entries.push(...(parsed.data as readonly Entry[]))
    }
    whole = end + 1
  }
}

function headerOf(file: string, value: unknown): z.output<typeof Header> {
  const header = Header.safeParse(value)
  if (!header.success) throw corrupt(file, 1, 'expected the header of a journal')
  if (header.data.tidegate_journal <= JOURNAL_VERSION) return header.data
  throw new TidegateError(
    'JOURNAL_NEWER',
    `${file}: expected a journal of version ${JOURNAL_VERSION} or older, found ${header.data.tidegate_journal}`,
    { file, version: header.data.tidegate_journal },
  )
}

/** Reads the journal in a directory beside a living writer, or after one. @throws JOURNAL_CORRUPT, JOURNAL_NEWER */
export const readFileJournal = (
  directory: string,
): { readonly of: JournalOf; readonly entries: readonly Entry[] } | undefined => {
  const { header, entries } = read(join(directory, name))
  return header === undefined ? undefined : { of: { chain: header.chain, signer: header.signer }, entries }
}

/**
 * A journal of one signer on one chain in a directory of its own: lines of JSON with checksums, forced to disk.
 * @throws JOURNAL_CORRUPT, JOURNAL_NEWER, JOURNAL_FOREIGN; LOG_LOCKED where another process writes to it
 */
export function openFileJournal(directory: string, of: JournalOf): OpenedJournal {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const lock = WriterLock.acquire(directory)
  const file = join(directory, name)
  try {
    const { entries, whole, header } = read(file)
    if (header !== undefined && (header.chain !== of.chain || header.signer !== of.signer))
      throw new TidegateError(
        'JOURNAL_FOREIGN',
        `${file}: expected the journal of ${of.signer} on ${of.chain}, found that of ${header.signer} on ${header.chain}`,
        { file },
      )
    const handle = openSync(file, existsSync(file) ? 'r+' : 'wx+', 0o600)
    ftruncateSync(handle, whole)
    const journal = new FileJournal(handle, whole, lock, directory)
    if (header === undefined) journal.write({ tidegate_journal: JOURNAL_VERSION, ...of })
    // the name of a new file is durable once its directory is
    const folder = openSync(directory, 'r')
    fsyncSync(folder)
    closeSync(folder)
    return { journal, entries }
  } catch (error) {
    lock.release()
    throw error
  }
}

class FileJournal implements Journal {
  private readonly handle: number
  private end: number
  private readonly lock: WriterLock
  private readonly directory: string
  private closed = false
  /** Why nothing can be written any more. The number of a closed file is used again: it must not be written to. */
  private ended: Error | undefined

  constructor(handle: number, end: number, lock: WriterLock, directory: string) {
    this.handle = handle
    this.end = end
    this.lock = lock
    this.directory = directory
  }

  async append(entries: readonly Entry[]): Promise<void> {
    if (entries.length > 0) this.write(entries)
  }

  /** @throws LOG_LOCKED where another process took over; LOG_UNWRITABLE, and from then on always */
  write(value: unknown): void {
    if (this.ended !== undefined) throw this.ended
    if (!this.lock.held())
      throw new TidegateError('LOG_LOCKED', `${this.directory}: another process has taken this journal over`, {
        directory: this.directory,
      })
    const line = Buffer.from(lineOf(value))
    try {
      for (let at = 0; at < line.length; ) at += writeSync(this.handle, line, at, line.length - at, this.end + at)
      fsyncSync(this.handle)
    } catch (error) {
      // Whether the line is there is not known, and a later fsync may succeed without having written it (fsync(2)).
      const { code = 'unknown' } = error as NodeJS.ErrnoException
      const info = { directory: this.directory, reason: code, outcome: 'unknown' }
      this.ended = new TidegateError(
        'LOG_UNWRITABLE',
        `${this.directory}: an entry was not written: ${code}`,
        info,
        error,
      )
      throw this.ended
    }
    this.end += line.length
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.ended = new Error('the journal is closed')
    closeSync(this.handle)
    this.lock.release()
  }
}
