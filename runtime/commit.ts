import { z } from 'zod'
import { TidegateError } from '../schemas/errors.ts'
import { align8, peekFrame } from '../schemas/frame.ts'

/** What one message of a stage stream says beside its outputs and state: everything a restart needs. */
export const CommitHead = z.object({
  version: z.literal(1),
  plan: z.string(),
  /** Which inputs the step took: records `from` to `to` of that very stream. */
  inputs: z.object({ stream: z.string(), created: z.string(), from: z.int(), to: z.int() }),
  /** Names of all key codes so far; absent when none was added since the commit before. */
  keys: z.array(z.string()).optional(),
  /** The commit whose state is whole; those after it are deltas. */
  full: z.int(),
  frames: z.int().nonnegative(),
  state_bytes: z.int().nonnegative(),
})
export type CommitHead = z.output<typeof CommitHead>

/** One message is one transaction: input positions, outputs and state change stand or fall together. */
export interface Commit {
  readonly head: CommitHead
  readonly outputs: readonly Uint8Array[]
  readonly state: Uint8Array
}

export function encodeCommit({ head, outputs, state }: Commit): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(head))
  const start = align8(4 + text.length)
  const bytes = new Uint8Array(start + outputs.reduce((sum, f) => sum + f.byteLength, 0) + state.byteLength)
  new DataView(bytes.buffer).setUint32(0, text.length, true)
  bytes.set(text, 4)
  let at = start
  for (const part of [...outputs, state]) {
    bytes.set(part, at)
    at += part.byteLength
  }
  return bytes
}

/** @throws LOG_CORRUPT when the bytes are no commit */
export function decodeCommit(bytes: Uint8Array, seq: number): Commit {
  const broken = (reason: string) =>
    new TidegateError('LOG_CORRUPT', `commit ${seq} cannot be read: ${reason}`, { seq })
  const length = bytes.byteLength < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  if (length === 0 || 4 + length > bytes.byteLength) throw broken('its head is cut short')
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)))
  } catch {
    throw broken('its head is not JSON')
  }
  const parsed = CommitHead.safeParse(json)
  if (!parsed.success) throw broken(z.prettifyError(parsed.error))
  const head = parsed.data
  let at = align8(4 + length)
  const outputs: Uint8Array[] = []
  try {
    while (outputs.length < head.frames) {
      const frame = bytes.subarray(at, at + peekFrame(bytes.subarray(at)).bytes)
      at += frame.byteLength
      outputs.push(frame)
    }
  } catch (error) {
    throw broken(error instanceof Error ? error.message : String(error))
  }
  if (at + head.state_bytes !== bytes.byteLength) throw broken('its parts do not add up')
  return { head, outputs, state: bytes.subarray(at) }
}
