import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isTidegateError } from '../schemas/errors.ts'
import { Scalar } from '../schemas/features.ts'
import { FrameWriter } from '../schemas/frame_writer.ts'
import { COMMIT_VERSION, type Commit, type CommitHead, decodeCommit, encodeCommit } from './commit.ts'

const head = (frames: number, state: number, keys?: readonly string[]): CommitHead => ({
  version: COMMIT_VERSION,
  seq: 7,
  plan: 'abc',
  epoch: 1,
  inputs: [{ stream: 'inputs.p', created: 'now', from: 1, to: 9 }],
  ...(keys !== undefined && { keys: [...keys] }),
  full: 1,
  frames,
  state_bytes: state,
})
function frameOf(rows: number): Uint8Array {
  const writer = new FrameWriter(Scalar, 'trend', { outputs: true })
  for (let i = 0; i < rows; i++) writer.push(i, 'v:Å', i / 3, 0, i)
  return writer.take()
}
const unwritten = (frame: Uint8Array) => ({
  byteLength: frame.byteLength,
  writeTo: (bytes: Uint8Array) => bytes.set(frame),
})
const encoded = (head: CommitHead, outputs: readonly Uint8Array[], state: Uint8Array) =>
  encodeCommit({ head, outputs: outputs.map(unwritten), state }).bytes
const commits = fc
  .record({
    rows: fc.array(fc.nat(9), { maxLength: 4 }),
    state: fc.uint8Array({ maxLength: 5 }).map((words) => new Uint8Array(words.length * 8).fill(7)),
    keys: fc.option(fc.array(fc.string({ unit: 'grapheme' })), { nil: undefined }),
  })
  .map(
    ({ rows, state, keys }): Commit => ({
      head: head(rows.length, state.length, keys),
      outputs: rows.map(frameOf),
      state,
    }),
  )

test('a commit comes back whole, its parts at multiples of 8 so that nothing is copied', () => {
  fc.assert(
    fc.property(commits, (commit) => {
      const { bytes, outputs } = encodeCommit({ ...commit, outputs: commit.outputs.map(unwritten) })
      const found = decodeCommit(bytes, 7)
      expect(found.outputs).toEqual(outputs)
      expect(found.head).toEqual(commit.head)
      expect(found.outputs.map((f) => [...f])).toEqual(commit.outputs.map((f) => [...f]))
      expect([...found.state]).toEqual([...commit.state])
      for (const part of [...found.outputs, found.state]) {
        expect(part.buffer).toBe(bytes.buffer)
        expect(part.byteOffset % 8).toBe(0)
      }
    }),
  )
})

const outcome = (bytes: Uint8Array) => {
  try {
    decodeCommit(bytes, 7)
    return 'read'
  } catch (error) {
    if (!isTidegateError(error)) throw error
    expect(error.message).toContain('commit 7')
    return error.code
  }
}
const sound = encoded(head(2, 16), [frameOf(2), frameOf(1)], new Uint8Array(16))
test('cut short anywhere it is LOG_CORRUPT', () => {
  for (let length = 0; length < sound.length; length++)
    expect(outcome(sound.slice(0, length)), `${length} bytes`).toBe('LOG_CORRUPT')
})
test('damaged it is read, LOG_CORRUPT or of another release, never another failure', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (spots) => {
      const spoilt = sound.slice()
      for (const [place, byte] of spots) spoilt[place] = byte
      expect(['read', 'LOG_CORRUPT', 'PLAN_MISMATCH']).toContain(outcome(spoilt))
    }),
    { numRuns: 3000 },
  )
})
test.each([
  ['more frames than there are', { frames: 3 }],
  ['absurdly many frames', { frames: 2 ** 53 - 1 }],
  ['fewer than none', { frames: -1 }],
  ['a state of negative length', { state_bytes: -8 }],
  ['no version', { version: undefined }],
  ['a copy of a commit at another place', { seq: 6 }],
])('%s is LOG_CORRUPT', (_what, change) => {
  const odd = { ...head(2, 16), ...change } as CommitHead
  expect(outcome(encoded(odd, [frameOf(2), frameOf(1)], new Uint8Array(16)))).toBe('LOG_CORRUPT')
})

test('a commit of another release is said to be one', () => {
  const bytes = encoded({ ...head(0, 0), version: 2 as never }, [], new Uint8Array(0))
  expect(() => decodeCommit(bytes, 7)).toThrow('another release: expected version 7 of its form, found 2')
})
