import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { createGunzip, createInflateRaw } from 'node:zlib'
import { TidegateError } from '../../schemas/errors.ts'

/** The lines of a text file in blocks, unpacked if it is gzip or a zip archive of one file. Holds one block at a time. */
export async function* readLines(path: string): AsyncGenerator<readonly string[]> {
  const packing = await packingOf(path)
  const { start, end } = packing
  const source = createReadStream(path, { start, end, highWaterMark: 1 << 18 })
  const bytes =
    packing.type === 'plain' ? source : source.pipe(packing.type === 'gzip' ? createGunzip() : createInflateRaw())
  const decoder = new TextDecoder()
  let parts: string[] = []
  let lines = 0
  try {
    for await (const chunk of bytes as AsyncIterable<Uint8Array>) {
      const block = decoder.decode(chunk, { stream: true }).split('\n')
      parts.push(block[0] as string)
      // A file of one endless line stays linear: its parts are joined once.
      if (block.length === 1) continue
      block[0] = parts.join('')
      parts = [block.pop() as string]
      lines += block.length
      yield block.map(withoutReturn)
    }
  } catch (error) {
    // zlib's own codes tell damaged data from a failing disk.
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))) throw error
    const reason = `line ${lines + 1}: the compressed data of ${basename(path)} are damaged or cut short`
    throw new TidegateError('INPUT_INVALID', reason, { line: lines + 1, file: path }, error)
  } finally {
    source.destroy()
  }
  const rest = parts.join('') + decoder.decode()
  if (rest !== '') yield [withoutReturn(rest)]
}
const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line)

interface Packing {
  readonly type: 'plain' | 'gzip' | 'deflate'
  readonly start: number
  readonly end: number
}
async function packingOf(path: string): Promise<Packing> {
  let file: FileHandle
  try {
    file = await open(path)
  } catch (cause) {
    throw new TidegateError('FILE_ABSENT', `cannot read ${path}`, { file: path }, cause)
  }
  try {
    const head = Buffer.alloc(30)
    const { bytesRead } = await file.read(head, 0, 30, 0).catch((cause: unknown) => {
      throw new TidegateError('FILE_ABSENT', `cannot read ${path}: is it a file?`, { file: path }, cause)
    })
    if (bytesRead >= 2 && head.readUInt16BE(0) === 0x1f8b)
      return { type: 'gzip', start: 0, end: Number.POSITIVE_INFINITY }
    if (bytesRead < 30 || head.readUInt32LE(0) !== 0x04034b50)
      return { type: 'plain', start: 0, end: Number.POSITIVE_INFINITY }
    await refuseManyMembers(file, path)
    const start = 30 + head.readUInt16LE(26) + head.readUInt16LE(28)
    return head.readUInt16LE(8) === 0
      ? { type: 'plain', start, end: start + head.readUInt32LE(18) - 1 }
      : { type: 'deflate', start, end: Number.POSITIVE_INFINITY }
  } finally {
    await file.close()
  }
}

async function refuseManyMembers(file: FileHandle, path: string): Promise<void> {
  const { size } = await file.stat()
  const tail = Buffer.alloc(22)
  await file.read(tail, 0, 22, Math.max(0, size - 22))
  if (tail.readUInt32LE(0) === 0x06054b50 && tail.readUInt16LE(10) === 1) return
  throw new TidegateError('INPUT_INVALID', `${basename(path)} is a zip archive of several files: unpack it first`, {
    file: path,
  })
}
