import type { LogStream } from '../log/log.ts'
import type { InputRecord } from '../stage.ts'

/** Records that wait for the next step at most, and their bytes but for the last one's: more are not asked for. */
const MOST_RECORDS = 1024
const MOST_BYTES = 2 ** 25
/** What is handed out at a time comes to no more bytes than this, but for the first record. */
export const TAKEN_BYTES = 2 ** 20

/** Follows several streams and hands out what came, in the order it came. */
export class Mailbox {
  private readonly records: InputRecord[] = []
  private bytes = 0
  private readonly stop = new AbortController()
  private failure: unknown
  private wake: () => void = () => {}
  private roomFor: (() => void)[] = []

  constructor(streams: readonly { readonly stream: LogStream; readonly from: number }[], signal: AbortSignal) {
    const both = AbortSignal.any([signal, this.stop.signal])
    both.addEventListener('abort', () => this.wakeAll(), { once: true })
    for (const [input, { stream, from }] of streams.entries()) void this.follow(stream, from, input, both)
  }

  private async follow(stream: LogStream, from: number, input: number, signal: AbortSignal): Promise<void> {
    try {
      for await (const { seq, data } of stream.tail(from, signal)) {
        this.records.push({ seq, data, input })
        this.bytes += data.byteLength
        this.wake()
        while ((this.records.length >= MOST_RECORDS || this.bytes >= MOST_BYTES) && !signal.aborted)
          await new Promise<void>((resolve) => this.roomFor.push(resolve))
      }
    } catch (error) {
      this.failure ??= error
      this.wake()
    }
  }

  /** The oldest that wait, at least one; none when the signal aborted. @throws what a stream threw */
  async take(most: number, signal: AbortSignal): Promise<readonly InputRecord[]> {
    while (this.records.length === 0 && !signal.aborted && this.failure === undefined)
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    if (signal.aborted) return []
    if (this.records.length === 0) throw this.failure
    let [count, bytes] = [0, 0]
    for (const { data } of this.records) {
      bytes += data.byteLength
      if (count === most || (count > 0 && bytes > TAKEN_BYTES)) break
      count++
    }
    const taken = this.records.splice(0, count)
    for (const { data } of taken) this.bytes -= data.byteLength
    const waiting = this.roomFor
    this.roomFor = []
    for (const go of waiting) go()
    return taken
  }
  /** Settles when a record of each of these inputs is at hand, or the signal aborted. @throws what a stream threw */
  async holds(inputs: readonly number[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !inputs.every((input) => this.records.some((record) => record.input === input))) {
      if (this.failure !== undefined) throw this.failure
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
  }
  private wakeAll(): void {
    this.wake()
    for (const go of this.roomFor) go()
  }
  close(): void {
    this.stop.abort()
  }
}
