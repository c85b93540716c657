import { createHash } from 'node:crypto'
import type { SourceItem } from '../../runtime/define.ts'

/** The item that says a message was kept out; its bytes are found again by their hash. */
export function invalidItem(at: number, key: string, reason: string, bytes: Uint8Array | string): SourceItem {
  const data = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  const hash = createHash('sha256').update(data).digest('hex').slice(0, 16)
  return { type: 'invalid', at, key, value: { reason, hash, bytes: data.length } }
}

/** What was answered, as a text it is found again by. Answers may be nested too deep to be written: they have none. */
export function textOf(answer: unknown): string {
  try {
    return JSON.stringify(answer) ?? ''
  } catch {
    return ''
  }
}
