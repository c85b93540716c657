import { type Msg, nanos, type Subscription } from '@nats-io/transport-node'
import type { Link } from './link.ts'
import { lost } from './lost.ts'
import { denialOf, refused } from './patience.ts'

export interface Pulled {
  readonly seq: number
  readonly data: Uint8Array
  readonly message: Msg
}
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
const HEARTBEAT = 100
const TIMEOUT = 408
/** What servers say of a request whose bytes do not suffice for the next message, and of one that leaves some over. */
const TOO_LARGE = 'Message Size Exceeds MaxBytes'
const COMPLETED = 'Batch Completed'

/**
 * The messages of a consumer that wants no acknowledgements, in order, as they come. Of each only its number is read: the
 * client's own consumer makes a message of its own of every one, and hands them over one by one (twice the time).
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
  private numbers = -1
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
      callback: (error, message) => (error === null ? this.hear(message) : this.fail(error)),
    })
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

  private hear(message: Msg): void {
    this.silent = 0
    const { reply = '' } = message
    if (reply === '') this.status(message)
    else this.receive(reply, message)
  }
  private receive(reply: string, message: Msg): void {
    if (this.numbers < 0) {
      const own = `.${this.options.consumer}.`
      // how often it was delivered stands before the numbers
      this.numbers = reply.indexOf('.', reply.indexOf(own) + own.length) + 1
    }
    const seq = numberAt(reply, this.numbers)
    const place = numberAt(reply, reply.indexOf('.', this.numbers) + 1)
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
      const { data } = message
      const length = data.length + 64
      this.length += this.length === 0 ? length : (length - this.length) / FOLLOWS
      this.due++
      this.came.push({ seq, data, message })
      if (this.came.length === 1) this.wake()
    }
    this.ask()
  }
  private status({ headers }: Msg): void {
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

/** The number in decimal digits that begins there. */
function numberAt(text: string, from: number): number {
  let number = 0
  for (let at = from; ; at++) {
    const digit = text.charCodeAt(at) - 48
    if (!(digit >= 0 && digit <= 9)) return number
    number = number * 10 + digit
  }
}
