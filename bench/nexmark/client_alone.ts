import type { Link } from '../../runtime/log/jetstream/link.ts'
import { type Spent, stopwatch } from './stopwatch.ts'

export interface Copied {
  /** Names of the JetStream stream to read, and of the subject to publish to. */
  readonly from: string
  readonly to: string
  readonly records: number
  /** Records that do not count. */
  readonly warm: number
  /** Length of each message that is published, and after how many records one is. */
  readonly bytes: number
  readonly every: number
}

/** What the client library can do with nothing between reading and writing: its own ordered consumer, its own publish. */
export async function clientAlone(
  { js, maxPayload }: Link,
  { from, to, records, warm, bytes, every }: Copied,
): Promise<Spent> {
  const messages = await (await js.consumers.get(from)).consume({ max_messages: 500 })
  const most = maxPayload - 512
  const parts = Array.from(
    { length: Math.ceil(bytes / most) },
    (_, part) => new Uint8Array(Math.min(most, bytes - part * most)),
  )
  let elapsed = stopwatch()
  let [read, due] = [0, every]
  for await (const { data } of messages) {
    if (data.byteLength === 0) throw new Error(`${from}: an empty record`)
    read++
    if (read >= due || read === records) {
      due += every
      for (const part of parts) await js.publish(to, part)
    }
    if (read === warm) elapsed = stopwatch()
    if (read === records) break
  }
  return elapsed()
}
