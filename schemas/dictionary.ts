const SLOTS = 64
const MOST_BYTES = 2 ** 20
const text = new TextDecoder('utf-8', { fatal: false })

interface Known {
  readonly words: number
  readonly bytes: Uint8Array
  readonly keys: readonly string[]
}
const known: (Known | undefined)[] = new Array(SLOTS).fill(undefined)

/** Where a dictionary is remembered: by its length and its last bytes, which tell one that has grown from its beginning. */
function slotOf(bytes: Uint8Array, words: number): number {
  let hash = Math.imul(words, 0x9e3779b1) ^ bytes.byteLength
  for (let i = Math.max(0, bytes.byteLength - 16); i < bytes.byteLength; i++)
    hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  return (hash ^ (hash >>> 16)) & (SLOTS - 1)
}

/**
 * The words of a dictionary that begins at the start of `bytes`; undefined when it does not lie within them. The same
 * bytes give the same array as the last time, so that readers can keep by the array what they have made of its words.
 */
export function wordsOf(bytes: Uint8Array, words: number): readonly string[] | undefined {
  const slot = slotOf(bytes, words)
  const last = known[slot]
  if (last !== undefined && last.words === words && Buffer.compare(last.bytes, bytes) === 0) return last.keys
  const keys = decoded(bytes, words)
  if (keys !== undefined && bytes.byteLength <= MOST_BYTES) known[slot] = { words, bytes: bytes.slice(), keys }
  return keys
}

function decoded(bytes: Uint8Array, words: number): readonly string[] | undefined {
  const { byteLength } = bytes
  const d = new DataView(bytes.buffer, bytes.byteOffset, byteLength)
  const keys: string[] = []
  let place = 0
  for (let i = 0; i < words; i++) {
    if (place + 4 > byteLength) return undefined
    const end = place + 4 + d.getUint32(place, true)
    if (end > byteLength) return undefined
    keys.push(text.decode(bytes.subarray(place + 4, end)))
    place = end
  }
  return keys
}
