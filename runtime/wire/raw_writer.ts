import {
  closeSync,
  createReadStream,
  createWriteStream,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { TidegateError } from '../../schemas/errors.ts'
import { formatTime } from '../../schemas/units.ts'
import { syncDirectory } from '../log/segment_file.ts'
import { encodeLine, type RawStart, type Stamped } from './raw_line.ts'

export interface RawLimits {
  /** A file that is larger than this, or holds more than this many µs, is closed, and gzipped beside the work. */
  readonly bytes: number
  readonly micros: number
}
export const rawLimits: RawLimits = { bytes: 64 * 2 ** 20, micros: 3600e6 }
const SYNC_EVERY = 1e6

/**
 * Appends lines to files of a directory. What is written is in the file whole or not at all; after a crash no file is
 * appended to again, so that only the last line of a file can be torn.
 */
export class RawWriter {
  private readonly directory: string
  private readonly start: RawStart
  private readonly limits: RawLimits
  private readonly notice: (text: string) => void
  private path = ''
  private fd = -1
  private end = 0
  private began = 0
  private synced = 0
  /** After a failed sync the kernel may have dropped what was written and forgotten the error. */
  private failure: unknown
  private number: number
  private readonly zipping = new Set<Promise<void>>()

  /** @throws RECORDING_UNWRITABLE */
  constructor(directory: string, start: RawStart, at: number, limits: RawLimits, notice: (text: string) => void) {
    this.directory = directory
    this.start = start
    this.limits = limits
    this.notice = notice
    try {
      mkdirSync(directory, { recursive: true })
      this.number = Math.max(0, ...rawFiles(directory).map(numberOf))
    } catch (cause) {
      throw unwritable(directory, 'no files can be made there', cause)
    }
    this.open(at, 'start')
  }

  /** @throws RECORDING_UNWRITABLE when disk or limits do not let it; the file then ends where it ended before */
  write(stamped: Stamped): void {
    if (this.failure !== undefined) throw unwritable(this.path, 'it could not be synced', this.failure)
    if (this.end >= this.limits.bytes || stamped.at - this.began >= this.limits.micros) {
      this.seal()
      this.open(stamped.at, 'continued')
    }
    this.append(stamped)
    if (stamped.at - this.synced >= SYNC_EVERY) {
      this.synced = stamped.at
      fdatasync(this.fd, (error) => {
        if (error !== null && error.code !== 'EBADF') this.failure ??= error
      })
    }
  }
  /** Makes everything durable. @throws RECORDING_UNWRITABLE */
  async close(): Promise<void> {
    this.seal()
    await Promise.all(this.zipping)
  }

  private open(at: number, word: 'start' | 'continued'): void {
    this.number++
    const day = formatTime(at).slice(0, 19).replaceAll(/[-:]/g, '')
    this.path = join(this.directory, `${String(this.number).padStart(6, '0')}-${day}Z.raw`)
    try {
      this.fd = openSync(this.path, 'wx')
      syncDirectory(this.directory)
    } catch (cause) {
      throw unwritable(this.path, 'it could not be created', cause)
    }
    this.end = 0
    this.began = at
    this.synced = at
    this.append({ at, connection: -1, line: { word, value: this.start } })
  }
  private append(stamped: Stamped): void {
    const bytes = encodeLine(stamped)
    let written = 0
    try {
      while (written < bytes.length)
        written += writeSync(this.fd, bytes, written, bytes.length - written, this.end + written)
    } catch (cause) {
      ftruncateSync(this.fd, this.end)
      throw unwritable(this.path, `expected to write ${bytes.length} bytes, wrote ${written}`, cause)
    }
    this.end += bytes.length
  }
  private seal(): void {
    const { path, fd } = this
    if (fd < 0) return
    this.fd = -1
    try {
      fsyncSync(fd)
    } catch (cause) {
      throw unwritable(path, 'it could not be synced', cause)
    } finally {
      closeSync(fd)
    }
    const zipped = zip(path).catch((error: Error) => this.notice(`${path} stays as it is: ${error.message}`))
    this.zipping.add(zipped)
    void zipped.then(() => this.zipping.delete(zipped))
  }
}

/** The file goes only when all of it stands gzipped beside it. */
async function zip(path: string): Promise<void> {
  const partial = `${path}.gz.partial`
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(partial, { flush: true }))
    renameSync(partial, `${path}.gz`)
    unlinkSync(path)
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
}

const unwritable = (path: string, reason: string, cause: unknown): TidegateError => {
  const why = cause instanceof Error ? ` (${cause.message})` : ''
  return new TidegateError('RECORDING_UNWRITABLE', `${path}: ${reason}${why}`, { path }, cause)
}

const NAME = /^(\d{6,})-[0-9TZ]+\.raw(\.gz)?$/
const numberOf = (file: string): number => Number(NAME.exec(file)?.[1])
/** The files of a recording, in order. One that was about to be gzipped stands there twice: the plain one is whole. */
export function rawFiles(directory: string): readonly string[] {
  const found = readdirSync(directory).filter((name) => NAME.test(name))
  const plain = new Set(found)
  return found
    .filter((name) => !plain.has(name.replace(/\.gz$/, '')) || name.endsWith('.raw'))
    .toSorted((a, b) => numberOf(a) - numberOf(b))
}
