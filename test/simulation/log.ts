import type { appendOnce } from '../../runtime/log/jetstream/settle.ts'
import type { Log, LogRecord, LogStream, ReadOptions, StreamState } from '../../runtime/log/log.ts'
import { TidegateError } from '../../schemas/errors.ts'
import type { Network, Process } from './network.ts'
import type { Stored } from './server.ts'

export type Append = typeof appendOnce

/** A stream as a process sees it, over the network, as `JetStreamStream` sees its own. */
class SimulatedStream implements LogStream {
  readonly name: string
  private readonly process: Process
  private readonly network: Network
  private readonly appendOnce: Append
  private appends = 0

  constructor(name: string, process: Process, network: Network, append: Append) {
    this.name = name
    this.process = process
    this.network = network
    this.appendOnce = append
  }

  private async ask<T>(question: (records: readonly Stored[]) => T): Promise<T> {
    for (;;) {
      const answer = await this.network.ask(this.process, this.name, question)
      if (answer !== undefined) return answer
    }
  }
  state(): Promise<StreamState> {
    return this.ask(({ length }) => ({ first: 1, last: length, created: `${this.name}@1`, bytes: 0 }))
  }
  append(data: Uint8Array, expectedLast: number): Promise<number> {
    const { name, network, process } = this
    const id = `${process.name}.${++this.appends}`
    return this.appendOnce(
      {
        stream: name,
        publish: (bytes, expected, own) => network.publish(process, name, bytes, expected, own),
        last: () => network.ask(process, name, ({ length }) => length),
        idAt: (seq) => network.ask(process, name, (records) => records[seq - 1]?.id ?? ''),
        again: async () => true,
      },
      data,
      expectedLast,
      id,
    )
  }
  async last(): Promise<LogRecord | undefined> {
    const found = await this.ask((records) => ({ seq: records.length, stored: records.at(-1) }))
    return found.stored && { seq: found.seq, data: found.stored.data }
  }
  async *read(from: number, { limit = Number.POSITIVE_INFINITY }: ReadOptions = {}): AsyncIterable<LogRecord> {
    const { last } = await this.state()
    if (from > last + 1)
      throw new TidegateError('LOG_LOST', `${this.name} ends at ${last}, not before ${from}`, { stream: this.name })
    const until = Math.min(last, from + limit - 1)
    for (let next = from; next <= until; ) {
      // what is there comes in parts
      const count = 1 + this.network.chance.below(until - next + 1)
      for (const { data } of await this.ask((records) => records.slice(next - 1, next - 1 + count)))
        yield { seq: next++, data }
    }
  }
  tail(): AsyncIterable<LogRecord> {
    throw new Error(`${this.name}: tails are not simulated`)
  }
}

/** The log as one process sees it. */
export function logOf(process: Process, network: Network, append: Append): Log {
  const stream = async (name: string) => new SimulatedStream(name, process, network, append)
  return {
    stream,
    open: stream,
    streams: async () => [],
    close: async () => {},
    guarantee: 'Committed means stored by a simulated server.',
    notices: [],
  }
}
