import { type Msg, nanos, type Subscription } from '@nats-io/transport-node'
import type { Link } from './link.ts'
import { lost } from './lost.ts'
import { denialOf, refused } from './patience.ts'
import { Pulled } from './pulled.ts'
import { numberAt } from './wire.ts'

export interface PullFrom {
  readonly stream: string
  readonly consumer: string
  /** The first message that is due, and the last. */
  readonly from: number
  readonly until: number
  readonly expires: number
  /** The shortest heartbeat servers allow: who hears nothing for twice this looks again. */
  readonly heartbeat: number
}

/** Messages that are asked for and not taken, at most; and their bytes, by what the last ones had. */
const WINDOW = 1000
const WINDOW_BYTES = 2 ** 24
/** Before anything is known of their length. */
const FIRST = 16
/** In how many messages what is expected of their length follows what they have. */
const FOLLOWS = 32
const DOT = 46
const HEARTBEAT = 100
const TIMEOUT = 408
/** What servers say of a request whose bytes do not suffice for the next message, and of one that leaves some over. */
const TOO_LARGE = 'Message Size Exceeds MaxBytes'
const COMPLETED = 'Batch Completed'

/**
 * The messages of a consumer that wants no acknowledgements, in order, as they come. Of each only its number is read, where
 * it came: the client's own consumer makes two objects of every one, and hands them over one by one.
 */
export class Pull {
  private readonly link: Link
  private readonly options: PullFrom
  private readonly subject: string
  private readonly inbox: string
  private readonly subscription: Subscription
  private readonly clock: NodeJS.Timeout
  private came: Pulled[] = []
  private due: number
  /** How many came, and of those before the last request. */
  private count = 0
  private countAsked = 0
  private asked = 0
  /** Bytes that are expected of a message, and that a request may bring: messages may grow faster than what is expected. */
  private length = 0
  private room = WINDOW_BYTES / 2
  /** Where in a reply subject the numbers of this consumer begin. */
  private numbers = 0
  private silent = 0
  private ended = false
  private failure: unknown
  private wake: () => void = () => {}

  constructor(link: Link, options: PullFrom) {
    this.link = link
    this.options = options
    this.due = options.from
    this.subject = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.consumer}`
    this.inbox = link.inbox()
    this.subscription = link.nc.subscribe(this.inbox, {
      callback: (error, message) => (error === null ? this.status(message) : this.fail(error)),
    })
    link.wire.tap(this.subscription.getID(), (bytes, line, reply, head, body, end) =>
      this.receive(bytes, line, reply, head, body, end),
    )
    // where the client looks for whom a publish concerns that is not allowed
    Object.assign(this.subscription, { requestSubject: this.subject })
    // a process that was busy finds the clock before what came meanwhile: only the third turn counts
    this.clock = setInterval(() => ++this.silent > 2 && this.stop(), options.heartbeat)
    this.clock.unref()
    this.ask()
  }

  /**
   * All that came, at least one; undefined when no more will come: another consumer has to be made.
   * @throws NATS_REFUSED, LOG_LOST, after what came before
   */
  async take(): Promise<readonly Pulled[] | undefined> {
    while (this.came.length === 0 && !this.ended)
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    if (this.came.length === 0) {
      if (this.failure !== undefined) throw this.failure
      return undefined
    }
    const taken = this.came
    this.came = []
    this.ask()
    return taken
  }
  stop(): void {
    if (this.ended) return
    this.ended = true
    clearInterval(this.clock)
    this.link.wire.release(this.subscription.getID())
    if (!this.subscription.isClosed()) this.subscription.unsubscribe()
    this.wake()
  }
  private fail(error: unknown): void {
    const denied = denialOf(error)
    this.failure = denied === undefined ? error : refused(denied)
    this.stop()
  }

  /** Asks for more where less than half of the window is on its way or waits. */
  private ask(): void {
    const { asked, came, due, length, room } = this
    const { until, expires, heartbeat } = this.options
    const window = length === 0 ? FIRST : Math.min(WINDOW, Math.max(1, Math.floor(WINDOW_BYTES / length)))
    const batch = Math.min(window - asked - came.length, until - due + 1 - asked)
    if (this.ended || batch <= 0 || 2 * (asked + came.length) > window) return
    const request = { batch, max_bytes: room, expires: nanos(expires), idle_heartbeat: nanos(heartbeat) }
    this.asked += batch
    this.countAsked = this.count
    try {
      this.link.nc.publish(this.subject, JSON.stringify(request), { reply: this.inbox })
    } catch {
      // the connection is closed
      this.stop()
    }
  }

  private receive(bytes: Uint8Array, line: number, reply: number, head: number, body: number, end: number): void {
    this.silent = 0
    if (this.numbers === 0) this.numbers = this.numbersOf(bytes, reply)
    const seq = numberAt(bytes, reply + this.numbers)
    const place = numberAt(bytes, bytes.indexOf(DOT, reply + this.numbers) + 1)
    // one that is missing was dropped on its way
    if (place !== ++this.count) {
      this.stop()
      return
    }
    if (seq > this.due) {
      this.fail(lost(this.options.stream, `record ${this.due} is due, and ${seq} came: what lies between was deleted`))
      return
    }
    this.asked--
    // a replica that was behind when the consumer was made begins before what is due
    if (seq === this.due) {
      const length = end - body + 64
      this.length += this.length === 0 ? length : (length - this.length) / FOLLOWS
      this.due++
      this.came.push(new Pulled(seq, bytes, line, head, body, end))
      if (this.came.length === 1) this.wake()
    }
    this.ask()
  }
  /** A reply subject is `$JS.ACK.`, perhaps more, stream, consumer, how often delivered, and then the numbers. */
  private numbersOf(bytes: Uint8Array, reply: number): number {
    const own = `.${this.options.consumer}.`
    const delivered = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(own, reply) + own.length
    return bytes.indexOf(DOT, delivered) + 1 - reply
  }
  private status({ headers }: Msg): void {
    this.silent = 0
    const { code, description } = headers ?? {}
    const said = (name: string) => Number(headers?.get(name) || Number.NaN)
    if (code === HEARTBEAT) {
      this.compare(said('Nats-Last-Consumer'), said('Nats-Last-Stream'))
      return
    }
    if (description === COMPLETED) return
    const left = said('Nats-Pending-Messages')
    if ((code !== TIMEOUT && description !== TOO_LARGE) || !(left > 0)) {
      this.stop()
      return
    }
    this.asked -= left
    if (description === TOO_LARGE && this.asked === 0 && this.count === this.countAsked) this.room *= 2
    this.ask()
  }
  /** How many messages the server has sent, and up to where in the stream. */
  private compare(sent: number, last: number): void {
    if (sent > this.count) this.stop()
    else if (last >= this.due)
      this.fail(lost(this.options.stream, `record ${this.due} is due, and the server, at ${last}, does not have it`))
  }
}
