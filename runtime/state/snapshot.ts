import type { Engine } from '../engine.ts'
import { DIRTY } from '../network.ts'
import { type Changes, changesOf } from './changes.ts'
import { type Memory, memoryOf, type Slots, slots } from './layout.ts'
import { keyParts, type Part, pipelineParts } from './parts.ts'

/** Rows of slots as they were saved last, each behind its key code: what is equal to them need not be saved again. */
class Saved {
  private rows = slots(0)
  private readonly width: number
  constructor(width: number) {
    this.width = width
  }
  /** Room for rows, kept as they are. */
  hold(count: number): Memory {
    const length = this.rowOf(count)
    if (this.rows.real.length < length) {
      const longer = slots(Math.max(length, 2 * this.rows.real.length))
      longer.whole.set(this.rows.whole)
      this.rows = longer
    }
    return this.rows
  }
  rowOf(code: number): number {
    return Math.max(0, code) * (1 + this.width) + 1
  }
  /** The first rows, whole. */
  first(count: number): BigInt64Array {
    return this.rows.whole.subarray(0, count * (1 + this.width))
  }
}

/** What a record of a key, or of the whole pipeline, begins with; the key code of the latter. */
const PIPELINE = -1
const MASK_BITS = 32
/** Where the records begin: how many there are, and 1 where they are whole. */
const HEAD = 2

/** The records of the keys, or the one of the pipeline: what they are made of, and what was saved of them last. */
interface Records {
  readonly parts: readonly Part[]
  readonly width: number
  readonly saved: Saved
  /** Finds what has changed of a key, where the process allows generated code. */
  readonly changes: Changes | undefined
  readonly masks: Int32Array
}
function recordsOf(parts: readonly Part[], changes: Changes | undefined): Records {
  const width = parts.reduce((sum, part) => sum + part.width, 0)
  return { parts, width, saved: new Saved(width), changes, masks: new Int32Array(Math.ceil(width / MASK_BITS)) }
}

/**
 * Saves and restores everything an engine knows, flat: a record for the whole pipeline and one per key. A full save holds
 * every record whole. A delta holds, of the keys that may have changed since the last save, those slots that did: a mask
 * of a bit a slot, then their values. Key names travel beside it.
 */
export class Snapshots {
  private readonly engine: Engine
  private readonly ofKeys: Records
  private readonly ofPipeline: Records
  private into = slots(0)

  constructor(engine: Engine) {
    this.engine = engine
    const ofKeys = keyParts(engine)
    this.ofKeys = recordsOf(ofKeys, changesOf(engine.network, ofKeys))
    this.ofPipeline = recordsOf(pipelineParts(engine), undefined)
  }

  /** Bytes of a save; clears what counts as changed. */
  save(full: boolean): Uint8Array {
    const bytes = full ? this.saveAll() : this.saveChanged()
    return bytes
  }
  private saveAll(): Uint8Array {
    const { ofPipeline, ofKeys } = this
    const {
      dirty,
      keys: { length },
    } = this.engine.network
    this.bringUp(ofPipeline, PIPELINE)
    for (let code = 0; code < length; code++) {
      this.bringUp(ofKeys, code)
      dirty[code] = (dirty[code] as number) & ~DIRTY
    }
    const [pipeline, keys] = [ofPipeline.saved.first(1), ofKeys.saved.first(length)]
    const { buffer } = Buffer.allocUnsafeSlow(8 * (HEAD + pipeline.length + keys.length))
    const into = memoryOf(new Float64Array(buffer))
    into.real[0] = 1 + length
    into.real[1] = 1
    into.whole.set(pipeline, HEAD)
    into.whole.set(keys, HEAD + pipeline.length)
    return new Uint8Array(buffer)
  }
  private saveChanged(): Uint8Array {
    const { keys, dirty } = this.engine.network
    const codes: number[] = []
    for (let code = 0; code < keys.length; code++) if (((dirty[code] as number) & DIRTY) !== 0) codes.push(code)
    const most = ({ masks, width }: Records) => 1 + masks.length + width
    // what is read of a key stands behind what is kept of it, until it is known what changed
    this.room(HEAD + most(this.ofPipeline) + (codes.length + 1) * most(this.ofKeys))
    let at = HEAD
    let count = 0
    const put = (records: Records, code: number) => {
      const end = this.putChanged(records, code, at)
      if (end > at) count++
      at = end
    }
    put(this.ofPipeline, PIPELINE)
    this.ofKeys.saved.hold(keys.length)
    for (const code of codes) {
      put(this.ofKeys, code)
      dirty[code] = (dirty[code] as number) & ~DIRTY
    }
    this.into.real[0] = count
    this.into.real[1] = 0
    return new Uint8Array(this.into.real.buffer.slice(0, at * 8))
  }
  private room(length: number): void {
    if (this.into.real.length >= length) return
    this.into = slots(Math.max(length, 2 * this.into.real.length))
  }
  /** Makes the saved row of a key what the key is now. */
  private bringUp({ parts, saved, width, changes, masks }: Records, code: number): void {
    const rows = saved.hold(Math.max(0, code) + 1)
    const row = saved.rowOf(code)
    rows.real[row - 1] = code
    if (changes === undefined) read(parts, code, rows, row)
    else {
      this.room(width)
      changes(code, this.into, 0, rows, row, masks)
    }
  }
  private putChanged(records: Records, code: number, at: number): number {
    const { saved, changes, masks } = records
    const rows = saved.hold(Math.max(0, code) + 1)
    const row = saved.rowOf(code)
    masks.fill(0)
    const values = at + 1 + masks.length
    const end =
      changes === undefined
        ? compared(records, code, this.into, values, rows, row)
        : changes(code, this.into, values, rows, row, masks)
    if (end === values) return at
    const { real } = this.into
    real[at] = code
    for (let word = 0; word < masks.length; word++) real[at + 1 + word] = (masks[word] as number) >>> 0
    rows.real[row - 1] = code
    return end
  }

  /** Applies a save; `keys` are the names of all key codes at that time. Call `engine.resume()` after the last one. */
  load(bytes: Uint8Array, keys: readonly string[]): void {
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes)
    const length = aligned.byteLength / 8
    const from = memoryOf(new Float64Array(aligned.buffer as ArrayBuffer, aligned.byteOffset, length))
    const { network } = this.engine
    for (const key of keys) network.keyCode(key)
    this.ofKeys.saved.hold(network.keys.length)
    const full = from.real[1] === 1
    let at = HEAD
    for (let i = 0; i < (from.real[0] as number); i++) {
      const code = from.real[at++] as number
      const { parts, width, saved } = code === PIPELINE ? this.ofPipeline : this.ofKeys
      const into = saved.hold(Math.max(0, code) + 1)
      const row = saved.rowOf(code)
      into.real[row - 1] = code
      if (full) {
        into.whole.set(from.whole.subarray(at, at + width), row)
        at += width
      } else at = patch(from, at, width, into, row)
      let place = row
      for (const part of parts) {
        part.load(Math.max(0, code), into, place)
        place += part.width
      }
    }
    network.dirty.fill(0)
  }
}

function read(parts: readonly Part[], code: number, into: Memory, at: number): void {
  let place = at
  for (const part of parts) {
    part.save(Math.max(0, code), into, place)
    place += part.width
  }
}

/** As a program that finds changes, without one: all is read where the values will stand, and those that changed move forward. */
function compared(
  { parts, width, masks }: Records,
  code: number,
  into: Memory,
  values: number,
  rows: Memory,
  row: number,
): number {
  read(parts, code, into, values)
  const [now, old] = [into.halves, rows.halves]
  let end = values
  for (let i = 0; i < width; i++) {
    const [from, before] = [2 * (values + i), 2 * (row + i)]
    const [low, high] = [now[from] as number, now[from + 1] as number]
    if (low === old[before] && high === old[before + 1]) continue
    old[before] = low
    old[before + 1] = high
    now[2 * end] = low
    now[2 * end + 1] = high
    end++
    masks[i >> 5] = (masks[i >> 5] as number) | (1 << (i & 31))
  }
  return end
}

/** Puts the slots a mask names in their places; gives where the next record begins. */
function patch(from: Slots, at: number, width: number, into: Slots, row: number): number {
  const masks = Math.ceil(width / MASK_BITS)
  let next = at + masks
  for (let word = 0; word < masks; word++) {
    const mask = from.real[at + word] as number
    for (let bit = 0; bit < MASK_BITS; bit++)
      if (((mask >>> bit) & 1) === 1) into.whole[row + word * MASK_BITS + bit] = from.whole[next++] as bigint
  }
  return next
}
