import { randomBytes } from 'node:crypto'
import { TidegateError } from '../../../schemas/errors.ts'
import { isNoStream } from './api_errors.ts'
import { isChainBroken, isConflict, type Reply, refusalOf } from './exchange.ts'
import type { Link } from './link.ts'
import { lost } from './lost.ts'
import { patiently, pause } from './patience.ts'
import { MISSING_FOR } from './reader.ts'

export interface Outgoing {
  readonly subject: string
  readonly data: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}
/** Where a stream ends: the sequence and the id of its last message. */
export interface End {
  readonly seq: number
  readonly id: string
}
/** The end of a stream as one finds it: what its last message carries, if that message is still there. */
export interface FoundEnd extends End {
  headers(name: string): string
  /** There were messages, and limits or a purge took the last one too: what it carried is not known any more. */
  readonly forgotten: boolean
}
interface Entry extends Outgoing {
  /** Of this publisher alone: what another one wrote is never taken for ours, be it the same message. */
  readonly id: string
  readonly number: number
}

const ID = 'Nats-Msg-Id'
/** Messages on their way at most: servers queue 10,000 per stream and drop what comes on top. */
const WINDOW = 1024
/** The server is asked for an answer at least once in so many messages. */
const BURST = 64
const RETRY = 100

/**
 * Publishes to a stream that has one writer, in order, each message once, with many on their way. Every message names the
 * one that must stand before it: the first after a start or a doubt by its sequence, which holds over restarts of the
 * server; the others by its id, so that none is taken unless its predecessor was, and a writer that was displaced is
 * refused as soon as its successor has published anything. (Predicted sequences would not do: a stale writer's numbers
 * come into phase again.) So a message that is stored tells of all before it, and only the last of those that leave
 * together asks for an answer.
 * In doubt (an outage, a refusal) the end of the stream is read, what it holds is done, and sending begins after it.
 */
export class Publisher {
  private readonly link: Link
  private readonly stream: string
  private readonly chained: boolean
  private readonly writer = randomBytes(8).toString('hex')
  private taken = 0
  private readonly closed = new AbortController()
  private readonly unfollow: () => void
  private readonly waiting: Entry[] = []
  /** Entries of `waiting` that were sent. */
  private sent = 0
  private end: End
  /** The next message goes alone, and by sequence. */
  private doubt = true
  private probing = false
  private settling = false
  /** Rises when everything on its way is given up: answers to older messages tell nothing any more. */
  private round = 0
  private failure: Error | undefined
  private readonly wakers = new Set<() => void>()

  /** `replicas`: each replica checks ids against its own memory, so where there are several every message goes by sequence. */
  constructor(link: Link, stream: string, end: End, replicas = 1) {
    this.chained = replicas === 1
    this.link = link
    this.stream = stream
    this.end = end
    this.unfollow = link.on((event) => {
      if (event === 'closed') this.fail(this.away())
      else void this.settle()
    })
  }

  /** Where the stream ends now. */
  static async endOf(link: Link, stream: string): Promise<FoundEnd> {
    const { state } = await patiently(link, () => link.jsm.streams.info(stream))
    if (state.messages === 0) return { seq: state.last_seq, id: '', headers: () => '', forgotten: state.last_seq > 0 }
    const message = await patiently(link, () => link.jsm.streams.getMessage(stream, { seq: state.last_seq }))
    return {
      seq: state.last_seq,
      id: message?.header.get(ID) ?? '',
      headers: (name) => message?.header.get(name) ?? '',
      forgotten: message === null,
    }
  }

  /** How many are not acknowledged. */
  get open(): number {
    return this.waiting.length
  }

  /**
   * Takes messages, which leave together where they can; settles when all are taken and there is room for the next.
   * @throws LOG_CONFLICT, LOG_LOST, LOG_REFUSED, NATS_REFUSED, NATS_UNREACHABLE when publishing ended
   */
  async publish(given: Outgoing | readonly Outgoing[]): Promise<void> {
    // not as arguments of their own: of those a call takes some hundred thousand at most
    const messages = [given].flat()
    for (let taken = 0; taken < messages.length; ) {
      while (this.waiting.length >= 2 * WINDOW && this.failure === undefined) await this.news()
      if (this.failure !== undefined) throw this.failure
      for (; taken < messages.length && this.waiting.length < 2 * WINDOW; taken++) {
        const number = this.taken++
        this.waiting.push({ ...(messages[taken] as Outgoing), id: `${this.writer}.${number}`, number })
      }
      this.pump()
    }
  }
  /** Settles when everything taken is stored. @throws as `publish` */
  async flush(): Promise<void> {
    while (this.waiting.length > 0 && this.failure === undefined) await this.news()
    if (this.failure !== undefined) throw this.failure
  }
  private news(): Promise<void> {
    return new Promise((resolve) => this.wakers.add(resolve))
  }
  private wake(): void {
    const all = [...this.wakers]
    this.wakers.clear()
    for (const waker of all) waker()
  }

  private pump(): void {
    if (this.settling || !this.link.up || this.failure !== undefined) return
    while (this.sent < this.waiting.length && this.sent < WINDOW && !(this.probing && this.sent > 0)) {
      const entry = this.waiting[this.sent] as Entry
      const before = this.sent === 0 ? this.end.id : (this.waiting[this.sent - 1] as Entry).id
      const expected: Record<string, string> = this.doubt
        ? { 'Nats-Expected-Last-Sequence': String(this.end.seq) }
        : { 'Nats-Expected-Last-Msg-Id': before }
      this.probing = this.doubt
      this.doubt = !this.chained
      this.sent++
      const { round } = this
      const isLast = this.sent === this.waiting.length || this.sent === WINDOW
      this.link.exchange.send(
        entry.subject,
        entry.data,
        { [ID]: entry.id, 'Nats-Expected-Stream': this.stream, ...expected, ...entry.headers },
        (reply) => {
          if (round === this.round) this.answered(entry, reply)
        },
        this.probing || isLast || entry.number % BURST === 0,
      )
      if (round !== this.round) return
    }
  }

  private answered(entry: Entry, reply: Reply): void {
    const place = this.waiting.indexOf(entry)
    if (place < 0) return
    if (reply.type === 'stored' && !reply.duplicate) {
      this.probing = false
      // nothing is stored unless what was sent before it is
      this.waiting.splice(0, place + 1)
      this.sent -= place + 1
      this.end = { seq: reply.seq, id: entry.id }
      this.pump()
      this.wake()
      return
    }
    if (reply.type === 'refused' && !isConflict(reply.code) && !isChainBroken(reply.code)) {
      this.fail(refusalOf(this.stream, reply))
      return
    }
    void this.settle()
  }

  /** Reads where the stream ends, and begins again after it. */
  private async settle(): Promise<void> {
    if (this.settling || this.failure !== undefined) return
    this.settling = true
    this.round++
    const before = this.end
    let missingSince: number | undefined
    try {
      for (;;) {
        if (this.closed.signal.aborted) return
        if (this.link.nc.isClosed()) {
          this.fail(this.away())
          return
        }
        let end: End
        try {
          if (!this.link.up) throw new Error('no connection')
          end = await Publisher.endOf(this.link, this.stream)
        } catch (error) {
          // what the server says itself is for good; a cluster that elects a leader may miss a stream for a moment
          missingSince = isNoStream(error) ? (missingSince ?? performance.now()) : undefined
          if (missingSince !== undefined && performance.now() - missingSince > MISSING_FOR)
            this.fail(lost(this.stream, 'the stream is not there'))
          if (error instanceof TidegateError && error.code === 'NATS_REFUSED') this.fail(error)
          if (this.failure !== undefined) return
          await pause(RETRY, this.closed.signal)
          continue
        }
        const same = end.seq === before.seq || (end.id !== '' && end.id === before.id)
        const stored = same ? 0 : this.waiting.findIndex(({ id }) => id === end.id) + 1
        if (!same && stored === 0) {
          this.fail(
            new TidegateError(
              'LOG_CONFLICT',
              `${this.stream}: expected to end with a message of ours, found ${end.seq} (${end.id}): another writer was here`,
              { stream: this.stream, expected: before.seq, found: end.seq },
            ),
          )
          return
        }
        this.waiting.splice(0, stored)
        this.end = end
        this.sent = 0
        this.doubt = true
        this.probing = false
        break
      }
    } finally {
      this.settling = false
      this.wake()
    }
    this.pump()
  }

  private away(): TidegateError {
    const { stream, open } = this
    const reason = `${stream}: the connection is closed, and ${open} messages are not acknowledged`
    return new TidegateError('NATS_UNREACHABLE', reason, { stream, open })
  }
  private fail(error: Error): void {
    this.failure ??= error
    this.round++
    this.wake()
  }
  /** Gives up what was not sent; call `flush` first to lose nothing. */
  close(): void {
    this.failure ??= new Error(`${this.stream}: the publisher is closed`)
    this.round++
    this.closed.abort()
    this.unfollow()
    this.wake()
  }
}
