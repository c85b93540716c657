import { KEY_GROUPS, keyGroup } from '../../runtime/key_groups.ts'
import { WHOLE } from '../../runtime/network.ts'
import { rowReader } from '../../schemas/frame_reader.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import { Heartbeat } from '../../schemas/market.ts'
import { Auction, Bid, Person } from './kinds.ts'
import { decoded, ROWS_PER_FRAME } from './market.ts'

const kinds = [Person, Auction, Bid, Heartbeat]

/** The records of a market as `parts` streams of key groups, as a feed that is cut into ranges stores them. */
export function shared(records: readonly Uint8Array[], parts: number): readonly (readonly Uint8Array[])[] {
  const width = KEY_GROUPS / parts
  const all = Array.from({ length: parts }, () => ({
    records: [] as Uint8Array[],
    writers: new Map<string, FrameWriter>(),
  }))
  for (const frame of decoded(records)) {
    const kind = kinds.find((k) => k.kind === frame.kind)!
    const read = rowReader(kind)
    const beat = kind === Heartbeat
    for (const [p, part] of all.entries()) {
      const name = `${frame.origin} ${kind.kind}`
      const writer = part.writers.get(name) ?? new FrameWriter(kind, frame.origin, { capacity: ROWS_PER_FRAME })
      part.writers.set(name, writer)
      // what came before a heartbeat is in the log before it
      if (beat) for (const w of part.writers.values()) if (w.rows > 0) part.records.push(w.take())
      for (let i = 0; i < frame.rows; i++) {
        const key = frame.keys[frame.key[i]!]!
        if (key !== WHOLE && Math.floor(keyGroup(key) / width) !== p) continue
        writer.push(frame.at[i]!, key, read(frame, i))
        if (writer.rows === ROWS_PER_FRAME) part.records.push(writer.take())
      }
      if (beat && writer.rows > 0) part.records.push(writer.take())
    }
  }
  return all.map((part) => part.records)
}
