import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { TidegateError } from '../../schemas/errors.ts'
import { type Clock, wallClock } from '../clock.ts'
import { createStream, EmbeddedStream, type Fsync } from './embedded_stream.ts'
import type { Log } from './log.ts'
import { syncDirectory } from './segment_file.ts'
import { holdsStream } from './stream_view.ts'
import { WriterLock } from './writer_lock.ts'

export interface EmbeddedLogOptions {
  /**
   * When appended bytes are forced to the disk. Whatever is chosen, a record that was acknowledged survives `kill -9` of
   * the process; only `always` survives loss of power.
   * - `always`: before each append is acknowledged.
   * - `every_second` (default): beside the work, a second or 16 MiB after the oldest such byte.
   * - `close`: when a segment is full and when the log is closed.
   *
   * After loss of power under the last two the last segment may have a hole with good records behind it: that is reported
   * as LOG_CORRUPT and not cut, because nothing tells it from damage.
   */
  readonly fsync?: Fsync
  /** A segment that would grow past this is closed and the next one begun. */
  readonly segmentBytes?: number
  /** Reads beside a living writer: takes no lock, cuts nothing, stops before an unfinished record. */
  readonly readonly?: boolean
  /** How often a tail looks for what other processes appended. */
  readonly pollMs?: number
  readonly clock?: Clock
}

const guarantees: Readonly<Record<Fsync, string>> = {
  always: 'Committed means written and synced to disk: it survives the death of the process and loss of power.',
  every_second:
    'Committed means handed to the operating system: it survives the death of the process; loss of power can take about the last second.',
  close:
    'Committed means handed to the operating system: it survives the death of the process; loss of power can take what was written since the last segment was full.',
}

/** Stream names become directory names; a leading dot would make a hidden one. */
const encodeName = (name: string): string =>
  encodeURIComponent(name)
    .replace(/[!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\./, '%2E')

/**
 * A log in a directory of this machine, with one writer: a directory per stream, in it segment files.
 * Opening repairs: the torn end a killed append left is cut and told in `notices`.
 * @throws LOG_LOCKED when another process writes it, LOG_CORRUPT when a stream is damaged before its end (nothing is cut),
 * FILE_ABSENT when there is none to read, FILE_UNWRITABLE when there is none and none can be made
 */
export async function openEmbeddedLog(given: string, options: EmbeddedLogOptions = {}): Promise<Log> {
  const { fsync = 'every_second', segmentBytes = 2 ** 26, pollMs = 20, clock = wallClock } = options
  const directory = resolve(given)
  if (!options.readonly && !existsSync(directory)) {
    try {
      mkdirSync(directory, { recursive: true })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new TidegateError('FILE_UNWRITABLE', `${directory} could not be made: ${why}`, { path: directory }, cause)
    }
    syncDirectory(dirname(directory))
  }
  if (!existsSync(directory))
    throw new TidegateError('FILE_ABSENT', `expected a log directory at ${directory}, found none`, { path: directory })
  const lock = options.readonly ? undefined : WriterLock.acquire(directory)
  const notices: string[] = []
  const context = { lock, fsync, segmentBytes, pollMs, clock, notices }
  const opened = new Map<string, EmbeddedStream>()
  let closed = false

  const path = (name: string) => join(directory, encodeName(name))
  const names = () =>
    readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && holdsStream(join(directory, entry.name)))
      .map((entry) => decodeURIComponent(entry.name))
      .sort()
  const find = (name: string): EmbeddedStream | undefined => {
    if (closed) throw new Error(`${directory}: the log is closed`)
    let stream = opened.get(name)
    if (stream === undefined && existsSync(path(name)) && holdsStream(path(name))) {
      stream = new EmbeddedStream(name, path(name), context)
      opened.set(name, stream)
    }
    return stream
  }
  const close = async () => {
    if (closed) return
    closed = true
    const ends = await Promise.allSettled([...opened.values()].map((stream) => stream.close()))
    lock?.release()
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  try {
    for (const name of names()) find(name)
  } catch (error) {
    await close()
    throw error
  }
  return {
    guarantee: guarantees[fsync],
    notices,
    async stream(name) {
      const known = find(name)
      if (known !== undefined) return known
      if (name === '') throw new RangeError('expected a stream name, found an empty text')
      if (lock === undefined)
        throw new TidegateError('FILE_ABSENT', `expected a stream "${name}" in ${directory}, found none`, {
          path: directory,
          stream: name,
        })
      await createStream(path(name))
      return find(name) as EmbeddedStream
    },
    open: async (name) => find(name),
    streams: async () => names(),
    close,
  }
}
