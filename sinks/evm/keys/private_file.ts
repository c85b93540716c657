import { closeSync, constants, fstatSync, fsyncSync, openSync, readFileSync, type Stats, writeFileSync } from 'node:fs'
import { TidegateError } from '../../../schemas/errors.ts'

/** Longer than any file of keys. */
const longest = 64 * 1024

/**
 * Reads a file that nobody else may read: a plain file (no link), of ours, 0600 or stricter.
 * @throws FILE_ABSENT, KEY_UNSAFE, KEY_INVALID where it is longer than any key
 */
export function readPrivate(path: string, owner = process.getuid?.()): string {
  const file = openToRead(path)
  try {
    const stats = fstatSync(file)
    const trouble = troubleOf(stats, owner)
    if (trouble !== undefined) throw new TidegateError('KEY_UNSAFE', `${path} ${trouble}`, { path })
    if (stats.size > longest) throw new TidegateError('KEY_INVALID', `${path} is too long for a file of keys`, { path })
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

/** What makes a file unsafe for a key; undefined where nothing does. */
export function troubleOf(stats: Stats, owner = process.getuid?.()): string | undefined {
  if (!stats.isFile()) return 'is not a plain file'
  // Windows has neither owners nor modes of this kind.
  if (owner === undefined) return undefined
  if (stats.uid !== owner) return 'belongs to somebody else'
  return (stats.mode & 0o177) === 0 ? undefined : `may be read by others: its mode is ${modeOf(stats)}, expected 600`
}
export const modeOf = ({ mode }: Stats): string => (mode & 0o777).toString(8).padStart(3, '0')

function openToRead(path: string): number {
  try {
    // Not to wait for ever at a pipe.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new TidegateError('FILE_ABSENT', `${path} is not there`, { path })
    if (code === 'ELOOP') throw new TidegateError('KEY_UNSAFE', `${path} is a link, expected a plain file`, { path })
    throw new TidegateError('KEY_UNSAFE', `${path} cannot be read: ${code}`, { path })
  }
}

/** Writes a new file that only we can read, down to the disk; never over one that is there. @throws FILE_UNWRITABLE */
export function writePrivate(path: string, text: string): void {
  let file: number
  try {
    file = openSync(path, 'wx', 0o600)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'is there already' : `cannot be written: ${code}`
    throw new TidegateError('FILE_UNWRITABLE', `${path} ${why}`, { path })
  }
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
