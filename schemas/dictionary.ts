const SLOTS = 64
const MOST_BYTES = 2 ** 20
const text = new TextDecoder('utf-8', { fatal: false })

interface Known {
  readonly words: number
  readonly bytes: Uint8Array
  readonly keys: readonly string[]
}
const known: (Known | undefined)[] = new Array(SLOTS).fill(undefined)
/** What was in a slot's place last: only a dictionary that comes again is worth a copy. */
const seen = new Int32Array(SLOTS)

/** Tells dictionaries apart by their length and their last bytes: those of one that has grown are others. */
function hashOf(bytes: Uint8Array, from: number, end: number, words: number): number {
  let hash = Math.imul(words, 0x9e3779b1) ^ (end - from)
  for (let i = Math.max(from, end - 16); i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  return hash ^ (hash >>> 16)
}

/**
 * The words of a dictionary that fills `bytes` between two places; undefined when it does not lie within them. The same
 * bytes give the same array time after time, so that readers can keep by the array what they have made of its words.
 */
export function wordsOf(
  d: DataView,
  bytes: Uint8Array,
  from: number,
  end: number,
  words: number,
): readonly string[] | undefined {
  const hash = hashOf(bytes, from, end, words)
  const slot = hash & (SLOTS - 1)
  const last = known[slot]
  const length = end - from
  if (last !== undefined && last.words === words && last.bytes.byteLength === length)
    if (Buffer.compare(last.bytes, bytes.subarray(from, end)) === 0) return last.keys
  const keys = decoded(d, bytes, from, end, words)
  if (seen[slot] === hash && keys !== undefined && length <= MOST_BYTES)
    known[slot] = { words, bytes: bytes.slice(from, end), keys }
  seen[slot] = hash
  return keys
}

function decoded(
  d: DataView,
  bytes: Uint8Array,
  from: number,
  end: number,
  words: number,
): readonly string[] | undefined {
  const keys: string[] = []
  let place = from
  for (let i = 0; i < words; i++) {
    if (place + 4 > end) return undefined
    const stop = place + 4 + d.getUint32(place, true)
    if (stop > end) return undefined
    keys.push(wordIn(d, bytes, place + 4, stop))
    place = stop
  }
  return keys
}

/** Words that were decoded before, in places by a hash of their bytes: eight numbers of 4 bytes a place, and the word. */
const PLACES = 2 ** 15
const PLACE_NUMBERS = 8
const held = new Int32Array(PLACES * PLACE_NUMBERS)
const lengths = new Uint8Array(PLACES)
const heldWords: string[] = new Array(PLACES).fill('')
/** The word at hand. */
const numbers = new Int32Array(PLACE_NUMBERS)

/** The word of these bytes. The same bytes mostly give the same string, which is decoded once and hashed once. */
export function wordIn(d: DataView, bytes: Uint8Array, from: number, end: number): string {
  const length = end - from
  if (length > 4 * PLACE_NUMBERS) return text.decode(bytes.subarray(from, end))
  let hash = length
  let count = 0
  for (let at = from; at < end; at += 4) {
    const number = end - at >= 4 ? d.getInt32(at, true) : rest(d, at, end)
    numbers[count++] = number
    hash = Math.imul(hash ^ number, 0x85ebca6b)
    hash ^= hash >>> 13
  }
  hash = Math.imul(hash, 0xc2b2ae35)
  const place = (hash ^ (hash >>> 16)) & (PLACES - 1)
  const start = place * PLACE_NUMBERS
  if (lengths[place] === length) {
    let i = 0
    while (i < count && held[start + i] === numbers[i]) i++
    if (i === count) return heldWords[place] as string
  }
  const word = text.decode(bytes.subarray(from, end))
  for (let i = 0; i < count; i++) held[start + i] = numbers[i] as number
  lengths[place] = length
  heldWords[place] = word
  return word
}
/** The last one to three bytes as a number. */
function rest(d: DataView, at: number, end: number): number {
  let number = 0
  for (let i = at; i < end; i++) number |= d.getUint8(i) << (8 * (i - at))
  return number
}
