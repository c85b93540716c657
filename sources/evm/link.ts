import {
  answered,
  type Endpoint,
  failed,
  type Health,
  HttpRpc,
  isFields,
  isRubbish,
  limited,
  RpcFailure,
  type SourceContext,
  unknownHealth,
} from '../../runtime/define.ts'
import type { FeedEvent } from '../../schemas/market.ts'
import type { SocketLimits } from '../feed/socket.ts'
import { SocketRpc } from './socket_rpc.ts'
import { type Head, type Log, readHead, readLog, readQuantity } from './wire.ts'

export interface LogFilter {
  readonly address: readonly string[]
  readonly topics: readonly [readonly string[]]
}
export interface LinkSettings {
  readonly name: string
  readonly chain_id: number
  readonly filter: LogFilter | undefined
  readonly limits: SocketLimits
  readonly timeout: number
  /** µs to the next look for a head. */
  readonly pace: (link: Link) => number
}
export interface LinkHears {
  readonly up: (link: Link) => void
  readonly down: (link: Link, why: string) => void
  readonly head: (link: Link, head: Head) => void
  readonly log: (log: Log) => void
  readonly told: (event: FeedEvent['event'], detail: string, count: number) => void
  readonly invalid: (reason: string, bytes: Buffer | string) => void
}

/** One endpoint: what it pushes, what it is asked, and whether it can be relied on. */
export class Link {
  /** `foreign`: it serves another chain, and is left alone for good. */
  state: 'down' | 'pushed' | 'polled' | 'foreign' = 'down'
  health: Health = unknownHealth
  head: Head | undefined
  /** Local time of the last new head. */
  moved = 0
  trouble = 'no answer yet'
  readonly label: string
  private readonly settings: LinkSettings
  private readonly context: SourceContext
  private readonly hears: LinkHears
  private readonly socket: SocketRpc | undefined
  private readonly http: HttpRpc | undefined
  private heads: 'asked' | 'subscribed' = 'asked'
  private misses = 0
  private stopPoll = () => {}
  private stopGreet = () => {}

  constructor(endpoint: Endpoint, settings: LinkSettings, context: SourceContext, hears: LinkHears) {
    const { label, ws, http } = endpoint
    const { limits, timeout, name } = settings
    this.label = label
    this.settings = settings
    this.context = context
    this.hears = hears
    this.http =
      http === undefined
        ? undefined
        : new HttpRpc({ url: http, clock: context.clock, timeout, maxBytes: limits.maxBytes })
    const socket = {
      opened: () => void this.greet(),
      pushed: (what: unknown, bytes: Buffer) => this.pushed(what, bytes),
      lost: (detail: string) => this.lost(detail),
      retrying: (attempt: number) => hears.told('retrying', label, attempt),
      invalid: hears.invalid,
    }
    this.socket = ws === undefined ? undefined : new SocketRpc({ name, url: ws, limits, timeout, ...socket }, context)
  }

  start(): void {
    if (this.socket !== undefined) this.socket.start()
    if (this.http !== undefined) void this.poll()
  }

  close(): void {
    this.stopPoll()
    this.stopGreet()
    this.socket?.close()
    this.http?.close()
  }

  /** One question, one attempt; how it went is remembered. @throws RpcFailure */
  async ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const { clock } = this.context
    const asked = clock.now()
    const by = this.socket?.open === true ? this.socket : (this.http ?? this.socket)
    try {
      const answer = await (by as SocketRpc | HttpRpc).ask(method, params)
      this.health = answered(this.health, clock.now() - asked)
      return answer
    } catch (error) {
      const failure = error as RpcFailure
      // Who asks for less without saying how long is left alone for about as long as a connection that failed.
      const rest = Math.max(failure.after, this.settings.limits.backoff)
      if (failure.reason === 'limited') this.health = limited(this.health, clock.now() + rest)
      else if (failure.reason !== 'refused') this.health = failed(this.health)
      if (isRubbish(failure)) this.hears.invalid(failure.reason, failure.said ?? '')
      throw failure
    }
  }

  private async isOurs(): Promise<boolean> {
    const chain = readQuantity(await this.ask('eth_chainId', []))
    if (chain === this.settings.chain_id) return true
    this.close()
    this.trouble = `it serves chain ${chain ?? 'unknown'}, expected ${this.settings.chain_id}`
    this.state = 'foreign'
    this.hears.down(this, this.trouble)
    return false
  }

  /** A new connection: is it our chain, and does it push? */
  private async greet(): Promise<void> {
    const { filter, limits } = this.settings
    try {
      if (!(await this.isOurs())) return
      if (this.heads === 'asked') await this.ask('eth_subscribe', ['newHeads'])
      this.heads = 'subscribed'
      if (filter !== undefined) await this.askForLogs(filter)
      this.state = 'pushed'
      this.stopPoll()
      this.hears.told('subscribed', this.label, 0)
      const head = readHead(await this.ask('eth_getBlockByNumber', ['latest', false]))
      // A newer one may have been pushed while this was on its way.
      if (head === undefined || head.number >= (this.head?.number ?? 0)) this.arrived(head)
      // What is held may be news to who follows: the last one may have been lost on the way to its end.
      if (this.head !== undefined) this.hears.head(this, this.head)
      this.hears.up(this)
    } catch (failure) {
      if (this.state === 'foreign' || this.socket?.open !== true) return
      this.trouble = (failure as RpcFailure).message
      // A node without subscriptions (-32601, method not found) is asked instead.
      if ((failure as RpcFailure).reason === 'refused' && this.heads === 'asked') void this.poll()
      else this.stopGreet = this.context.clock.after(limits.backoff, () => void this.greet())
    }
  }

  /** What is pushed is only held against what is asked for: a node that refuses to push logs is as good. */
  private async askForLogs(filter: LogFilter): Promise<void> {
    try {
      await this.ask('eth_subscribe', ['logs', filter])
    } catch (failure) {
      if ((failure as RpcFailure).reason !== 'refused') throw failure
    }
  }

  private lost(detail: string): void {
    const { state } = this
    this.stopGreet()
    ;[this.heads, this.trouble] = ['asked', detail]
    this.hears.told('lost', `${this.label}: ${detail}`, 0)
    if (state === 'foreign') return
    this.stopPoll()
    this.state = 'down'
    if (state !== 'down') this.hears.down(this, detail)
    if (this.http !== undefined) void this.poll()
  }

  private pushed(what: unknown, bytes: Buffer): void {
    const head = readHead(what)
    if (head !== undefined) this.arrived(head)
    else if (isFields(what) && 'topics' in what) {
      // `removed` is not relied on: the heads say which blocks are gone.
      const log = readLog(what)
      if (log === undefined) this.hears.invalid('log_fields', bytes)
      else if (what['removed'] !== true) this.hears.log(log)
    } else this.hears.invalid('head_fields', bytes)
  }

  private arrived(head: Head | undefined): void {
    if (head === undefined) throw new RpcFailure('malformed', 'a head that is none')
    if (head.hash === this.head?.hash) return
    this.head = head
    this.moved = this.context.clock.now()
    this.hears.head(this, head)
  }

  /** Asks for the newest head again and again, where none is pushed. */
  private async poll(): Promise<void> {
    this.stopPoll()
    let going = true
    this.stopPoll = () => {
      going = false
    }
    try {
      if (this.state === 'down' && !(await this.isOurs())) return
      const head = readHead(await this.ask('eth_getBlockByNumber', ['latest', false]))
      if (!going) return
      this.misses = 0
      this.arrived(head)
      if (this.state === 'down') {
        this.state = 'polled'
        this.hears.told('connected', this.label, 0)
        this.hears.up(this)
      }
    } catch (failure) {
      if (!going) return
      this.trouble = (failure as RpcFailure).message
      if (++this.misses >= 2 && this.state === 'polled') {
        this.state = 'down'
        this.hears.told('lost', `${this.label}: ${this.trouble}`, 0)
        this.hears.down(this, this.trouble)
      }
    }
    const resting = this.health.rests - this.context.clock.now()
    if (going)
      this.stopPoll = this.context.clock.after(Math.max(this.settings.pace(this), resting), () => void this.poll())
  }
}
