import { headers, type Msg, type MsgHdrs } from '@nats-io/transport-node'
import { TidegateError } from '../../../schemas/errors.ts'
import type { Link } from './link.ts'
import { pause } from './patience.ts'

/** What became of a message that was published to a stream. */
export type Reply =
  | { readonly type: 'stored'; readonly seq: number; readonly duplicate: boolean }
  | { readonly type: 'refused'; readonly code: number; readonly reason: string }
  /** It may be stored or not: no answer came, or one that leaves it open. */
  | { readonly type: 'unknown'; readonly reason: string }

/** Wrong last sequence, of the stream or, in clusters from 2.11 on, with another message on its way. */
export const isConflict = (code: number): boolean => code === 10071 || code === 10164
/** Wrong last message id: the server forgets the id over restarts. */
export const isChainBroken = (code: number): boolean => code === 10070

/** No answer, duplicate in process, leader changing, queue full: what was sent may be sent again. */
const open = new Set([503, 408, 429, 10008, 10158, 10167])
/** "Insufficient resources": the server's own limit, or its disk, is full. It says so as if it were away for a moment (503). */
const NO_ROOM = 10023
/** A limit of the stream is reached: servers say it with the number of what failed for the moment (10077, nats-server 2.9 to 2.12). */
const isFull = (code: number, reason: string): boolean => code === NO_ROOM || /^maximum (messages|bytes)/.test(reason)

interface Waiting {
  readonly subject: string
  readonly settle: (reply: Reply) => void
  readonly since: number
}
const PATIENCE = 2_000
const RETRY = 100
/** Room for the headers of a message in what a server takes. */
export const HEADERS = 512
/** Stands for a permission that is missing; servers have no code for it. */
const DENIED = -1
/** What servers say of a message that is larger than a stream takes. */
const TOO_LARGE = 10054

/**
 * Publishes to streams, and tells what became of it. The client's own request costs an error, a timer and a promise for
 * each message, and does not tell of a lost connection before its timeout; this is one subscription and one clock for all.
 */
export class Exchange {
  private readonly link: Link
  private readonly inbox: string
  private readonly waiting = new Map<number, Waiting>()
  private readonly unfollow: () => void
  private readonly clock: NodeJS.Timeout
  private next = 0
  private deaf = false

  constructor(link: Link) {
    this.link = link
    this.inbox = link.inbox()
    link.nc.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => (error === null ? this.answer(message) : this.hearNothing()),
    })
    this.unfollow = link.on((event) => event !== 'up' && this.abandon('the connection was lost'))
    this.clock = setInterval(() => this.expire(), 100)
    this.clock.unref()
  }

  /** Never rejects. The bytes may be reused when this returns. */
  publish(subject: string, data: Uint8Array, fields: Readonly<Record<string, string>>): Promise<Reply> {
    return new Promise((settle) => this.send(subject, data, fields, settle))
  }

  /** Publishes until the server has answered: for messages that may be stored twice, or that a stream takes once. */
  async insist(
    subject: string,
    data: Uint8Array,
    fields: Readonly<Record<string, string>>,
  ): Promise<Exclude<Reply, { type: 'unknown' }>> {
    for (;;) {
      const reply = await this.publish(subject, data, fields)
      if (reply.type !== 'unknown') return reply
      if (this.link.nc.isClosed())
        throw new TidegateError('NATS_UNREACHABLE', `${subject}: no answer from the server: ${reply.reason}`, {
          subject,
        })
      await pause(RETRY)
    }
  }

  /**
   * As `publish`, with a callback. Where no answer is asked for, it is called only if the message cannot leave: for who
   * learns the rest from the answer to a later one.
   */
  send(
    subject: string,
    data: Uint8Array,
    fields: Readonly<Record<string, string>>,
    settle: (reply: Reply) => void,
    asks = true,
  ): void {
    if (!this.link.up || this.link.nc.isClosed()) {
      settle({ type: 'unknown', reason: 'there is no connection' })
      return
    }
    const most = this.link.maxPayload - HEADERS
    if (data.byteLength > most) {
      settle({ type: 'refused', code: TOO_LARGE, reason: `expected at most ${most} bytes, found ${data.byteLength}` })
      return
    }
    if (this.deaf) {
      settle(this.unheard())
      return
    }
    const number = this.next++
    if (asks) this.waiting.set(number, { subject, settle, since: performance.now() })
    const reply = asks ? { reply: `${this.inbox}.${number}` } : {}
    try {
      this.link.nc.publish(subject, data, { ...reply, headers: headersOf(fields) })
    } catch (error) {
      this.waiting.delete(number)
      settle({ type: 'unknown', reason: error instanceof Error ? error.message : String(error) })
    }
  }

  private answer(message: Msg): void {
    const number = Number(message.subject.slice(this.inbox.length + 1))
    this.settle(number, readReply(message))
  }
  private settle(number: number, reply: Reply): void {
    const waiting = this.waiting.get(number)
    this.waiting.delete(number)
    waiting?.settle(reply)
  }
  private expire(): void {
    const limit = performance.now() - PATIENCE
    for (const [number, { since }] of this.waiting) {
      if (since > limit) return
      this.settle(number, { type: 'unknown', reason: `no answer in ${PATIENCE} ms` })
    }
  }
  /** The server did not allow us to publish there. */
  deny(subject: string): void {
    for (const [number, waiting] of [...this.waiting])
      if (waiting.subject === subject)
        this.settle(number, { type: 'refused', code: DENIED, reason: `our role may not publish "${subject}"` })
  }
  /** Our key is that of another role: answers to this one's inbox do not come. */
  private hearNothing(): void {
    this.deaf = true
    for (const number of [...this.waiting.keys()]) this.settle(number, this.unheard())
  }
  private unheard(): Reply {
    return { type: 'refused', code: DENIED, reason: `our role may not hear "${this.inbox}"` }
  }
  private abandon(reason: string): void {
    for (const number of [...this.waiting.keys()]) this.settle(number, { type: 'unknown', reason })
  }
  close(): void {
    clearInterval(this.clock)
    this.unfollow()
    this.abandon('the connection was closed')
  }
}

function headersOf(fields: Readonly<Record<string, string>>): MsgHdrs {
  const all = headers()
  for (const field in fields) all.set(field, fields[field] as string)
  return all
}

function readReply(message: Msg): Reply {
  if (message.headers !== undefined && message.headers.code >= 400)
    return { type: 'unknown', reason: `status ${message.headers.code} ${message.headers.description}` }
  const { error, seq, duplicate } = message.json() as {
    error?: { code: number; err_code?: number; description?: string }
    seq?: number
    duplicate?: boolean
  }
  if (error !== undefined) {
    const code = error.err_code ?? error.code
    const reason = error.description ?? `error ${code}`
    const leaves_open = (open.has(code) || open.has(error.code)) && !isFull(code, reason)
    return leaves_open ? { type: 'unknown', reason } : { type: 'refused', code, reason }
  }
  return { type: 'stored', seq: seq ?? 0, duplicate: duplicate === true }
}

/** What a refusal becomes for people: LOG_REFUSED, or NATS_REFUSED where our role may not do it. */
export function refusalOf(stream: string, { code, reason }: Extract<Reply, { type: 'refused' }>): TidegateError {
  return code === DENIED
    ? new TidegateError('NATS_REFUSED', `${stream}: ${reason}`, { stream })
    : new TidegateError('LOG_REFUSED', `${stream}: the server refused a record: ${reason}`, { stream, code })
}
