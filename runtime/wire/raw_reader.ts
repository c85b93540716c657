import { createReadStream, statSync } from 'node:fs'
import { join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { TidegateError } from '../../schemas/errors.ts'
import { decodeLine, type Stamped } from './raw_line.ts'
import { rawFiles } from './raw_writer.ts'

/**
 * The lines of a recording, file by file. A torn line at the end of a file is left out and told.
 * @throws FILE_ABSENT, RECORDING_CORRUPT naming file and line
 */
export async function* readRaw(directory: string, notice: (text: string) => void): AsyncGenerator<Stamped> {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new TidegateError('FILE_ABSENT', `expected a folder of raw frames at ${directory}, found none`, { directory })
  const files = rawFiles(directory)
  if (files.length === 0)
    throw new TidegateError(
      'FILE_ABSENT',
      `expected files such as 000001-20260101T000000Z.raw in ${directory}, found none`,
      { directory },
    )
  for (const file of files) yield* linesOf(join(directory, file), notice)
}

async function* linesOf(path: string, notice: (text: string) => void): AsyncGenerator<Stamped> {
  let rest: Buffer = Buffer.alloc(0)
  let number = 0
  for await (const chunk of chunksOf(path)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let from = 0
    for (let to = bytes.indexOf(10); to >= 0; to = bytes.indexOf(10, from)) {
      number++
      const stamped = decodeLine(bytes.subarray(from, to))
      if (typeof stamped === 'string') throw corrupt(path, number, stamped)
      yield stamped
      from = to + 1
    }
    rest = bytes.subarray(from)
  }
  if (rest.length > 0) notice(`${path}: the last ${rest.length} bytes are no whole line, and left out`)
}

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 2 ** 20 })
  const bytes = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  // `pipe` hands no error on
  file.on('error', (error) => bytes.destroy(error))
  try {
    for await (const chunk of bytes) yield chunk as Buffer
  } catch (error) {
    throw corrupt(path, 0, (error as Error).message)
  }
}

const corrupt = (path: string, line: number, reason: string) =>
  new TidegateError('RECORDING_CORRUPT', `${path}${line > 0 ? ` line ${line}` : ''}: ${reason}`, { path, line, reason })
