import fc from 'fast-check'
import { expect, test } from 'vitest'
import { wordsOf } from './dictionary.ts'

const bytesOf = (words: readonly string[]): Uint8Array =>
  new Uint8Array(
    Buffer.concat(
      words.flatMap((word) => {
        const text = Buffer.from(word)
        const length = Buffer.alloc(4)
        length.writeUInt32LE(text.length)
        return [length, text]
      }),
    ),
  )
/** The words of a dictionary that lies between other bytes. */
function within(dictionary: Uint8Array, words: number): readonly string[] | undefined {
  const bytes = new Uint8Array(dictionary.byteLength + 16).fill(7)
  bytes.set(dictionary, 8)
  return wordsOf(new DataView(bytes.buffer), bytes, 8, 8 + dictionary.byteLength, words)
}
const decoded = (words: readonly string[]) => within(bytesOf(words), words.length)

test('words come back as they were, of any length and script, however many were seen before', () => {
  const word = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.string({ minLength: 28, maxLength: 40 }))
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => {
      expect(decoded(words)).toEqual(words)
    }),
    { numRuns: 500 },
  )
})
test('words that share a place, a length or a beginning are told apart', () => {
  // more than there are places for
  const words = Array.from({ length: 50_000 }, (_, i) => `venue:${i.toString(36).padStart(6, '0')}`)
  for (let round = 0; round < 2; round++)
    for (let from = 0; from < words.length; from += 100) {
      const some = words.slice(from, from + 100)
      expect(decoded(some)).toEqual(some)
    }
  const near = ['', 'a', 'aa', 'aaa', 'aaaa', 'aaaaa', 'a\0', 'a\0\0', '\0', '\0\0', 'aaaa\0']
  expect(decoded(near)).toEqual(near)
})
test('a word outside its bytes is none', () => {
  expect(within(bytesOf(['venue:A']).subarray(0, 10), 1)).toBeUndefined()
  expect(within(bytesOf(['venue:A']), 2)).toBeUndefined()
})
