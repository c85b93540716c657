import { z } from 'zod'
import { TidegateError } from '../schemas/errors.ts'
import { align8, peekFrame } from '../schemas/frame.ts'

/** Records `from` to `to` of that very stream; `to` is `from` - 1 where none was taken. */
export const TakenInput = z.object({ stream: z.string(), created: z.string(), from: z.int(), to: z.int() })
export type TakenInput = z.output<typeof TakenInput>

/** An input record that could not be read: it was left out, and stands here for who mends it. */
export const DeadLetter = z.object({ input: z.int(), seq: z.int(), code: z.string(), reason: z.string() })
export type DeadLetter = z.output<typeof DeadLetter>

/** Of the head and of the states beside it, which no other version reads. */
export const COMMIT_VERSION = 7

/** What one message of a stage stream says beside its outputs and state: everything a restart needs. */
export const CommitHead = z.object({
  version: z.literal(COMMIT_VERSION),
  /** Its own place in the stream: a copy that lands elsewhere is no commit. */
  seq: z.int(),
  plan: z.string(),
  /** The run trades: paper has the same plan, and other nodes. */
  live: z.literal(true).optional(),
  /** Rises with each owner of the stage: the first record of an owner takes nothing, and fences those before. */
  epoch: z.int(),
  /** Who committed. */
  owner: z.string().optional(),
  inputs: z.array(TakenInput).min(1),
  /** How several inputs were interleaved: input, count, input, count. Absent where there is one. */
  runs: z.array(z.int()).optional(),
  dead: z.array(DeadLetter).optional(),
  /** Names of the key codes that came since the commit before, of all where the state is whole; absent where none did. */
  keys: z.array(z.string()).optional(),
  /** The commit whose state is whole; those after it are deltas. */
  full: z.int(),
  frames: z.int().nonnegative(),
  state_bytes: z.int().nonnegative(),
})
export type CommitHead = z.output<typeof CommitHead>

/** The inputs of a commit in the order they were taken, as stretches of one input each. */
export function* stretches({ inputs, runs }: CommitHead): Generator<{ input: number; from: number; to: number }> {
  const next = inputs.map(({ from }) => from)
  const all = runs ?? inputs.flatMap(({ from, to }, i) => [i, to - from + 1])
  for (let i = 0; i < all.length; i += 2) {
    const [input, count] = [all[i] as number, all[i + 1] as number]
    const from = next[input] as number
    next[input] = from + count
    if (count > 0) yield { input, from, to: from + count - 1 }
  }
}

/** One message is one transaction: input positions, outputs and state change stand or fall together. */
export interface Commit {
  readonly head: CommitHead
  readonly outputs: readonly Uint8Array[]
  readonly state: Uint8Array
}

/** An output frame that is still to be written. */
export interface Unwritten {
  readonly byteLength: number
  writeTo(bytes: Uint8Array): void
}
export interface Uncommitted extends Omit<Commit, 'outputs'> {
  readonly outputs: readonly Unwritten[]
}

/** The bytes of a commit, and its output frames in them. */
export function encodeCommit({ head, outputs, state }: Uncommitted): {
  readonly bytes: Uint8Array
  readonly outputs: readonly Uint8Array[]
} {
  const text = new TextEncoder().encode(JSON.stringify(head))
  const start = align8(4 + text.length)
  const lengths = outputs.map(({ byteLength }) => byteLength)
  const bytes = new Uint8Array(start + lengths.reduce((sum, length) => sum + length, 0) + state.byteLength)
  new DataView(bytes.buffer).setUint32(0, text.length, true)
  bytes.set(text, 4)
  let at = start
  const written = outputs.map((output, i) => {
    const frame = bytes.subarray(at, at + (lengths[i] as number))
    output.writeTo(frame)
    at += frame.byteLength
    return frame
  })
  bytes.set(state, at)
  return { bytes, outputs: written }
}

/** @throws LOG_CORRUPT when the bytes are no commit, PLAN_MISMATCH when another release wrote it */
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
  const { data: version } = z
    .object({ version: z.number() })
    .transform((h) => h.version)
    .safeParse(json)
  if (version !== undefined && version !== COMMIT_VERSION)
    throw new TidegateError(
      'PLAN_MISMATCH',
      `commit ${seq} is of another release: expected version ${COMMIT_VERSION} of its form, found ${version}`,
      { seq, expected: COMMIT_VERSION, found: version },
    )
  const parsed = CommitHead.safeParse(json)
  if (!parsed.success) throw broken(z.prettifyError(parsed.error))
  const head = parsed.data
  if (head.seq !== seq) throw broken(`it was written as commit ${head.seq}`)
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
