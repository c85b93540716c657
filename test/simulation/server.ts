import type { Reply } from '../../runtime/log/jetstream/exchange.ts'

export interface Stored {
  readonly data: Uint8Array
  /** What it was appended with. */
  readonly id: string
}
/** The expectation of a message without one. */
export const ANY = -1

/** What a server keeps: it takes a message where it stands as expected, as JetStream does, and forgets nothing. */
export class Server {
  conflicts = 0
  private readonly streams = new Map<string, Stored[]>()

  records(stream: string): Stored[] {
    let records = this.streams.get(stream)
    if (records === undefined) {
      records = []
      this.streams.set(stream, records)
    }
    return records
  }
  publish(stream: string, data: Uint8Array, expectedLast: number, id: string): Reply {
    const records = this.records(stream)
    if (expectedLast !== ANY && expectedLast !== records.length) {
      this.conflicts++
      return { type: 'refused', code: 10071, reason: `wrong last sequence: ${records.length}` }
    }
    return { type: 'stored', seq: records.push({ data, id }), duplicate: false }
  }
}
