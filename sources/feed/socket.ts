import { Observable, type Subscriber } from 'rxjs'
import WebSocket from 'ws'
import type { Loss, SourceContext, WireEvent } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { formatDuration } from '../../schemas/units.ts'
import { isBusy, waitOf } from './busy.ts'

export type { Loss }
/** What a connection tells, its messages read. */
export type SocketEvent<T> =
  | Exclude<WireEvent, { readonly type: 'message' }>
  | (WireEvent & { readonly type: 'message'; readonly message: T })

/** Bounds of one connection; times in µs. */
export interface SocketLimits {
  /** Waiting for the answer to the upgrade. */
  readonly openWithin: number
  /** The peer is asked for a sign of life after this much silence. */
  readonly pingAfter: number
  /** Without any sign of life for this long the connection is given up. */
  readonly silentFor: number
  /** Without data for this long it is given up too: a heartbeat is no proof of data. */
  readonly stallAfter: number
  /** Full jitter: the n-th wait is a random part of `backoff` x 2^n, at most `backoffCap`. */
  readonly backoff: number
  readonly backoffCap: number
  /** A connection that held this long starts the backoff afresh. */
  readonly stableAfter: number
  readonly maxBytes: number
  /** How often the very first connection is tried before it counts as a failure to start. */
  readonly startAttempts: number
}
export const socketLimits: SocketLimits = {
  openWithin: 10e6,
  pingAfter: 1e6,
  silentFor: 30e6,
  stallAfter: 60e6,
  backoff: 0.5e6,
  backoffCap: 30e6,
  stableAfter: 2e6,
  maxBytes: 16 * 1024 * 1024,
  startAttempts: 5,
}

export interface SocketSettings<T> {
  /** The source, for error messages. */
  readonly name: string
  readonly url: string
  /** Sent with the upgrade: a key belongs here, for an address is shown when a connection fails. */
  readonly headers?: Readonly<Record<string, string>>
  readonly limits: SocketLimits
  /** Parses a message where it enters. Should not throw. */
  readonly read: (bytes: Buffer, binary: boolean) => T
  /** What a message is whose reader failed all the same: one message must never end the process. */
  readonly unread: T
  /** Asked where the very first connection fails for good: whether that is the end, or others beside it may carry the feed. */
  readonly isEnd?: () => boolean
  /** Whether a message is what the feed is for, rather than an answer or rubbish. */
  readonly isData: (message: T) => boolean
}

type Around = Pick<SourceContext, 'clock' | 'random'>
type Connection =
  | { readonly state: 'connecting'; readonly socket: WebSocket; cancel: () => void }
  | Open
  | { readonly state: 'waiting'; readonly loss: Loss; readonly cancel: () => void }
  | { readonly state: 'closed' }
interface Open {
  readonly state: 'open'
  readonly socket: WebSocket
  readonly since: number
  /** Time since the last sign of life, the last data, the last ping: counted by the watch, see `guard`. */
  unheard: number
  unfed: number
  unasked: number
  cancel: () => void
}

export function messageOf<T>(
  { read, unread }: Pick<SocketSettings<T>, 'read' | 'unread'>,
  bytes: Buffer,
  binary: boolean,
): T {
  try {
    return read(bytes, binary)
  } catch {
    return unread
  }
}

/** One WebSocket connection that mends itself until it is unsubscribed; it errors only if it cannot start. */
export function connect<T>(
  settings: SocketSettings<T>,
  around: Pick<SourceContext, 'clock' | 'random' | 'wire'>,
): Observable<SocketEvent<T>> {
  const live = (outside: Around) =>
    new Observable<SocketEvent<T>>((subscriber) => {
      const link = new Link(settings, outside, subscriber)
      link.dial()
      return () => link.close()
    })
  const again = (event: WireEvent): SocketEvent<T> =>
    event.type === 'message' ? { ...event, message: messageOf(settings, event.bytes, event.binary) } : event
  return around.wire?.socket(live, again) ?? live(around)
}

class Link<T> {
  private connection: Connection = { state: 'closed' }
  private phase: 'starting' | 'started' = 'starting'
  private failures = 0
  private readonly settings: SocketSettings<T>
  private readonly around: Around
  private readonly subscriber: Subscriber<SocketEvent<T>>

  constructor(settings: SocketSettings<T>, around: Around, subscriber: Subscriber<SocketEvent<T>>) {
    this.settings = settings
    this.around = around
    this.subscriber = subscriber
  }

  dial(): void {
    const { url, limits, name, headers } = this.settings
    const socket = open(url, limits.maxBytes, headers)
    if (socket instanceof Error) {
      const problem = `${name}: ${shown(url)} is no address of a WebSocket server; expected ws://… or wss://…`
      this.subscriber.error(new TidegateError('SOURCE_FAILED', problem, { url: shown(url) }))
      return
    }
    socket.on('open', () => this.opened(socket))
    socket.on('message', (data, binary) => this.received(data as Buffer, binary))
    socket.on('ping', () => this.alive())
    socket.on('pong', () => this.alive())
    socket.on('unexpected-response', (_request, { statusCode: status = 0, headers }) =>
      this.lose('refused', `HTTP ${status}`, { passes: isBusy(status), least: waitOf(headers['retry-after']) }),
    )
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const oversized = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
      this.lose(oversized ? 'oversized' : 'failed', error.code ?? error.message)
    })
    socket.on('close', (code, reason) => this.lose('closed', `code ${code}${reason.length > 0 ? `: ${reason}` : ''}`))
    const connection: Connection = { state: 'connecting', socket, cancel: () => {} }
    this.connection = connection
    const patience = (quarters: number) => {
      connection.cancel = this.around.clock.after(limits.openWithin / 4, () => {
        if (quarters > 1) patience(quarters - 1)
        else this.lose('unanswered', `no answer within ${formatDuration(limits.openWithin)}`)
      })
    }
    patience(4)
  }

  private opened(socket: WebSocket): void {
    if (this.connection.state !== 'connecting') return
    this.connection.cancel()
    const at = this.around.clock.now()
    const connection: Open = {
      state: 'open',
      socket,
      since: at,
      unheard: 0,
      unfed: 0,
      unasked: 0,
      cancel: () => {},
    }
    this.connection = connection
    this.phase = 'started'
    this.guard(connection)
    this.subscriber.next({
      type: 'opened',
      at,
      send: (text) => {
        if (this.connection === connection) socket.send(text)
      },
      drop: (detail) => {
        if (this.connection === connection) this.lose('dropped', detail)
      },
    })
  }

  private received(bytes: Buffer, binary: boolean): void {
    if (this.connection.state !== 'open') return
    const at = this.around.clock.now()
    this.connection.unheard = 0
    const message = messageOf(this.settings, bytes, binary)
    if (this.settings.isData(message)) this.connection.unfed = 0
    this.subscriber.next({ type: 'message', at, message, bytes, binary })
  }

  private alive(): void {
    if (this.connection.state !== 'open') return
    const at = this.around.clock.now()
    this.connection.unheard = 0
    this.subscriber.next({ type: 'alive', at })
  }

  /**
   * Looks at the watches again and again. Silence is counted in looks, not read off the clock: when this process sleeps
   * or is busy, what the peer said meanwhile lies unread, and the next look comes after it has been read.
   */
  private guard(connection: Open): void {
    const { pingAfter, silentFor, stallAfter } = this.settings.limits
    const period = Math.min(pingAfter, silentFor, stallAfter) / 4
    connection.cancel = this.around.clock.after(period, () => {
      connection.unheard += period
      connection.unfed += period
      connection.unasked += period
      if (connection.unfed > stallAfter) this.lose('stalled', `no data for ${formatDuration(stallAfter)}`)
      else if (connection.unheard > silentFor) this.lose('silent', `no sign of life for ${formatDuration(silentFor)}`)
      else {
        if (Math.min(connection.unheard, connection.unasked) >= pingAfter) {
          connection.unasked = 0
          connection.socket.ping()
        }
        this.guard(connection)
      }
    })
  }

  /** `passes`: a refusal that may be none a moment later. `least`: µs the server asks to wait. */
  private lose(loss: Loss, detail: string, { passes = false, least = 0 } = {}): void {
    const { connection, phase } = this
    if (connection.state !== 'connecting' && connection.state !== 'open') return
    const { backoff, backoffCap, stableAfter, startAttempts } = this.settings.limits
    const at = this.around.clock.now()
    this.close()
    if (connection.state === 'open' && at - connection.since >= stableAfter) this.failures = 0
    const attempt = ++this.failures
    const { name, url, isEnd = () => true } = this.settings
    if (phase === 'starting' && ((loss === 'refused' && !passes) || attempt >= startAttempts) && isEnd()) {
      const problem = `${name}: could not connect to ${shown(url)}: ${loss} (${detail})`
      this.subscriber.error(new TidegateError('SOURCE_FAILED', problem, { url: shown(url), loss, attempts: attempt }))
      return
    }
    const after = Math.max(least, Math.round(this.around.random() * Math.min(backoffCap, backoff * 2 ** (attempt - 1))))
    this.connection = { state: 'waiting', loss, cancel: this.around.clock.after(after, () => this.dial()) }
    this.subscriber.next({ type: 'lost', at, loss, detail })
    this.subscriber.next({ type: 'retrying', after, attempt })
  }

  /** Leaves no timer and no socket behind. */
  close(): void {
    const { connection } = this
    this.connection = { state: 'closed' }
    if (connection.state === 'closed') return
    connection.cancel()
    if (connection.state === 'waiting') return
    connection.socket.removeAllListeners()
    // A socket that is cut off while it connects still reports it.
    connection.socket.on('error', () => {})
    if (connection.state === 'open') connection.socket.close(1000)
    connection.socket.terminate()
  }
}

/** Paths and queries may hold keys: only the host is told. */
export function shown(url: string): string {
  const { protocol, host } = URL.canParse(url) ? new URL(url) : { protocol: '', host: '' }
  return host === '' ? `"${url.split(/[/?#]/)[0]}"` : `${protocol}//${host}`
}

function open(url: string, maxPayload: number, headers: SocketSettings<unknown>['headers'] = {}): WebSocket | Error {
  try {
    // text that is no UTF-8 is a message that cannot be read, not the end of the connection
    return new WebSocket(url, { perMessageDeflate: false, maxPayload, skipUTF8Validation: true, headers })
  } catch (error) {
    return error as Error
  }
}
