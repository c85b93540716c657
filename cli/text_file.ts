import { appendFileSync, writeFileSync } from 'node:fs'
import { TidegateError } from '../schemas/errors.ts'

/** @throws FILE_UNWRITABLE in place of what the system says */
export function writing<T>(path: string, write: () => T): T {
  try {
    return write()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new TidegateError('FILE_UNWRITABLE', `${path} could not be written: ${why}`, { path }, cause)
  }
}

const FLUSH_CHARS = 2 ** 16

/** A file of lines, written in pieces at once: a loop that never waits holds no more than a piece. */
export class TextFile {
  private readonly path: string
  private text = ''

  /** @throws FILE_UNWRITABLE */
  constructor(path: string) {
    this.path = path
    writing(path, () => writeFileSync(path, ''))
  }
  /** @throws FILE_UNWRITABLE */
  write(text: string): void {
    this.text += text
    if (this.text.length >= FLUSH_CHARS) this.flush()
  }
  /** @throws FILE_UNWRITABLE */
  flush(): void {
    const { path, text } = this
    this.text = ''
    // opened anew for each piece: a run that fails leaves nothing open
    if (text !== '') writing(path, () => appendFileSync(path, text))
  }
}
