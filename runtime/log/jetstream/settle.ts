import { TidegateError } from '../../../schemas/errors.ts'
import { isConflict, type Reply, refusalOf } from './exchange.ts'

/** What an append needs of a server; `undefined` where no answer could be had. */
export interface Wire {
  readonly stream: string
  publish(data: Uint8Array, expectedLast: number, id: string): Promise<Reply>
  /** The sequence of the last record. */
  last(): Promise<number | undefined>
  /** The id a record was appended with; '' where there is no such record or it has none. */
  idAt(seq: number): Promise<string | undefined>
  /** Waits before the next attempt; false when nobody waits for the append any more. */
  again(reason: string): Promise<boolean>
}

/**
 * Appends a record exactly once, whatever becomes of answers. A lost answer and a conflict are the same question: what
 * stands at the place we wanted? Ours: it was stored. Nothing: send the same again with the same expectation, so that of
 * all copies on their way one at most is taken. Another's: we are fenced.
 * @throws LOG_CONFLICT, LOG_REFUSED, NATS_REFUSED
 */
export async function appendOnce(wire: Wire, data: Uint8Array, expectedLast: number, id: string): Promise<number> {
  const place = expectedLast + 1
  for (;;) {
    const reply = await wire.publish(data, expectedLast, id)
    if (reply.type === 'stored') return reply.seq
    if (reply.type === 'refused' && !isConflict(reply.code)) throw refusalOf(wire.stream, reply)
    const found = await known(wire, () => wire.last(), reply.reason)
    if (found >= place && (await known(wire, () => wire.idAt(place), reply.reason)) === id) return place
    if (found !== expectedLast)
      throw new TidegateError(
        'LOG_CONFLICT',
        `${wire.stream}: expected the last record to be ${expectedLast}, found ${found}: another writer was here`,
        { stream: wire.stream, expected: expectedLast, found },
      )
    if (!(await wire.again(reply.reason))) throw closed(wire)
  }
}

async function known<T>(wire: Wire, ask: () => Promise<T | undefined>, reason: string): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (!(await wire.again(reason))) throw closed(wire)
  }
}
const closed = (wire: Wire): Error => new Error(`${wire.stream}: the log is closed`)
