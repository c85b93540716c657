import { randomBytes } from 'node:crypto'
import { JetStreamApiError, type StoredMsg, type StreamInfo } from '@nats-io/jetstream'
import type { LogRecord, LogStream, ReadOptions, StreamState } from '../log.ts'
import { isNoMessage, isNoStream } from './api_errors.ts'
import type { Link } from './link.ts'
import { lost } from './lost.ts'
import { oneByOne } from './one_by_one.ts'
import { denialOf, patiently, pause, refused } from './patience.ts'
import type { Pulled } from './pulled.ts'
import { createdMark, readFrom } from './reader.ts'
import type { Records } from './records.ts'
import { appendOnce, type Wire } from './settle.ts'

/** Who appended a record, and which append it was: how a writer knows its own again when the answer was lost. */
export const ID = 'Tg-Id'
/** The record did not fit a message: where its body lies. */
export const BODY = 'Tg-Body'
const RETRY = 100

/** What a stream shares with its log. */
export interface StreamContext {
  readonly link: Link
  readonly records: Records
  readonly closed: AbortSignal
}

/** A log stream as a JetStream stream of one subject. */
export class JetStreamStream implements LogStream {
  readonly name: string
  readonly stream: string
  readonly subject: string
  private readonly context: StreamContext
  /** No two writers, and no two appends of one, share an id. */
  private readonly writer = randomBytes(8).toString('hex')
  private appends = 0
  /** A body whose record was refused: it is there for the next try of the same. */
  private unnamed: { readonly place: number; readonly body: string } | undefined

  constructor(name: string, stream: string, subject: string, context: StreamContext) {
    this.name = name
    this.stream = stream
    this.subject = subject
    this.context = context
  }

  private async info(): Promise<StreamInfo> {
    if (this.context.closed.aborted) throw new Error(`${this.name}: the log is closed`)
    const { link, closed } = this.context
    try {
      return await patiently(link, () => link.jsm.streams.info(this.stream), Number.POSITIVE_INFINITY, closed)
    } catch (error) {
      if (isNoStream(error)) throw lost(this.stream, 'the stream is not there')
      throw error
    }
  }
  /** Waits out what may pass; false when the log was closed or the connection is. */
  private async again(): Promise<boolean> {
    const { link, closed } = this.context
    await pause(RETRY, closed)
    return !closed.aborted && !link.nc.isClosed()
  }

  async state(): Promise<StreamState> {
    const info = await this.info()
    const { first_seq, last_seq, messages, bytes } = info.state
    return { first: messages === 0 ? last_seq + 1 : first_seq, last: last_seq, created: createdMark(info), bytes }
  }

  async append(data: Uint8Array, expectedLast: number): Promise<number> {
    const { link, closed, records } = this.context
    if (closed.aborted) throw new Error(`${this.name}: the log is closed`)
    const id = `${this.writer}.${++this.appends}`
    const isLarge = data.byteLength > records.limit
    const body = isLarge ? await this.bodyOf(data, expectedLast + 1, id) : undefined
    const wire: Wire = {
      stream: this.name,
      publish: (bytes, expected, own) =>
        link.exchange.publish(this.subject, bytes, {
          'Nats-Expected-Stream': this.stream,
          'Nats-Expected-Last-Sequence': String(expected),
          [ID]: own,
          ...(body !== undefined && { [BODY]: body }),
        }),
      last: async () => (await this.ask(() => link.jsm.streams.info(this.stream)))?.state.last_seq,
      idAt: async (seq) => {
        const found = await this.ask(() => link.jsm.streams.getMessage(this.stream, { seq }), null)
        return found === undefined ? undefined : (found?.header.get(ID) ?? '')
      },
      again: () => this.again(),
    }
    if (body === undefined) return appendOnce(wire, data, expectedLast, id)
    this.unnamed = { place: expectedLast + 1, body }
    const seq = await appendOnce(wire, new Uint8Array(0), expectedLast, id)
    this.unnamed = undefined
    return seq
  }
  private async bodyOf(data: Uint8Array, place: number, id: string): Promise<string> {
    const { records } = this.context
    const there = this.unnamed
    return there?.place === place && records.holds(there.body, data)
      ? there.body
      : records.put(this.subject, place, id, data)
  }

  /** An answer of the API; undefined where there is none for now. `absent` is for what the server does not hold. */
  private async ask<T>(question: () => Promise<T>, absent?: null): Promise<T | null | undefined> {
    try {
      return await question()
    } catch (error) {
      const denied = denialOf(error)
      if (denied !== undefined) throw refused(denied)
      if (!(error instanceof JetStreamApiError)) return undefined
      if (isNoMessage(error) && absent === null) return null
      if (isNoStream(error)) throw lost(this.stream, 'the stream is not there')
      return undefined
    }
  }

  async last(): Promise<LogRecord | undefined> {
    for (let missing = 0; ; ) {
      const { first, last } = await this.state()
      if (last < first) return undefined
      if (last === missing) throw lost(this.stream, `its last record ${last} was deleted`)
      const message = await this.stored(last)
      if (message !== undefined) return this.record(message.seq, message.data, message.header.get(BODY))
      missing = last
    }
  }
  /** A stored message; undefined when it is not there any more. */
  private async stored(seq: number): Promise<StoredMsg | undefined> {
    for (;;) {
      const message = await this.ask(() => this.context.link.jsm.streams.getMessage(this.stream, { seq }), null)
      if (message !== undefined) return message ?? undefined
      if (!(await this.again())) throw new Error(`${this.name}: the log is closed`)
    }
  }

  private async record(seq: number, data: Uint8Array, body: string | undefined): Promise<LogRecord> {
    return placed(seq, body === undefined || body === '' ? data : await this.context.records.get(body))
  }

  async *read(from: number, options: ReadOptions = {}): AsyncIterable<LogRecord> {
    const { first, last, created } = await this.state()
    if (!(from >= 1 && from <= last + 1)) throw lost(this.stream, `it holds ${first} to ${last}, not ${from}`)
    if (from < first && last >= first) throw lost(this.stream, `it holds ${first} to ${last}, not ${from}`)
    const until = Math.min(last, from + (options.limit ?? Number.POSITIVE_INFINITY) - 1)
    if (until < from) return
    if (until === from) {
      const message = await this.stored(from)
      if (message === undefined) throw lost(this.stream, `record ${from} is not there`)
      yield await this.record(message.seq, message.data, message.header.get(BODY))
      return
    }
    yield* this.follow(from, created, this.context.closed, until)
  }

  async *tail(from: number, signal: AbortSignal): AsyncIterable<LogRecord> {
    const { last, created, first } = await this.state()
    if (!(from >= 1 && from <= last + 1)) throw lost(this.stream, `it holds ${first} to ${last}, not ${from}`)
    yield* this.follow(from, created, AbortSignal.any([signal, this.context.closed]))
  }

  private follow(from: number, created: string, signal: AbortSignal, until?: number): AsyncIterable<LogRecord> {
    const options = { stream: this.stream, from, created, signal, ...(until !== undefined && { until }) }
    // of a read that is cut short no part is given as if it were all
    return oneByOne(this.records(readFrom(this.context.link, options)), until === undefined ? signal : undefined)
  }
  private async *records(batches: AsyncIterable<readonly Pulled[]>): AsyncGenerator<readonly LogRecord[]> {
    for await (const batch of batches) {
      let from = 0
      for (const [at, message] of batch.entries()) {
        const { seq, data } = message
        if (data.length > 0) continue
        // only a record whose body lies elsewhere has none here; what came before it waits for nobody
        yield batch.slice(from, at)
        yield [await this.record(seq, data, message.headers?.get(BODY))]
        from = at + 1
      }
      yield from === 0 ? batch : batch.slice(from)
    }
  }
}

/** What the client delivers begins anywhere; columns need a multiple of 8. */
const placed = (seq: number, data: Uint8Array): LogRecord => ({
  seq,
  data: data.byteOffset % 8 === 0 ? data : new Uint8Array(data),
})
