import type { Subscriber, Subscription } from 'rxjs'
import type { SourceContext, SourceItem } from '../../runtime/define.ts'
import type { Swap } from '../../schemas/chain.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { formatDuration } from '../../schemas/units.ts'
import { Outlet } from '../feed/outlet.ts'
import { Pulse } from '../feed/pulse.ts'
import { Rest } from '../feed/rest.ts'
import { connect, type SocketEvent, type SocketLimits } from '../feed/socket.ts'
import { connectEvents } from '../feed/sse.ts'
import { type Dex, tradesOf } from './actions.ts'
import { Ledger } from './ledger.ts'
import { swapOf } from './pool_params.ts'
import { Resync } from './resync.ts'
import { type Finality, isData, pingEvery, pingText, readStream, type StreamWord, subscription } from './streaming.ts'
import { keyHeaders, toncenter } from './toncenter.ts'
import { type Transaction, transactionOf } from './transaction.ts'

export interface SwapPool {
  readonly dex: Dex
  readonly address: string
  readonly token0: string
  readonly decimals0: number
  readonly decimals1: number
}
export interface SwapFeedParams {
  readonly pools: readonly SwapPool[]
  readonly transport: 'websocket' | 'sse'
  readonly min_finality: Finality
  readonly api_key?: string | undefined
  readonly requests_per_second: number
  readonly stall_after: number
  readonly heartbeat_every: number
  readonly heartbeat_lag: number
  readonly fill_within: number
  readonly settle_within: number
}
const NAME = 'ton_swaps'
/** The index is a few seconds behind the chain: what a question missed is there when it is asked again. */
const ASK_AGAIN = 2e6

interface Followed {
  readonly pool: SwapPool
  readonly key: string
  readonly ledger: Ledger
  /** Heartbeats wait until what a lost connection may have missed is there. */
  state: 'sure' | 'doubtful'
}

/** Follows the transactions of pools: a stream for what happens, API v3 for what the stream has missed. */
export class SwapFeed {
  private readonly given: SwapFeedParams
  private readonly context: SourceContext
  private readonly limits: SocketLimits
  private readonly subscriber: Subscriber<readonly SourceItem[]>
  private readonly outlet: Outlet
  private readonly pulse: Pulse
  private readonly resync: Resync
  private readonly followed: ReadonlyMap<string, Followed>
  private readonly cancels = new Map<string, () => void>()
  private subscription: Subscription | undefined
  private line: 'down' | 'open' = 'down'

  constructor(
    given: SwapFeedParams,
    context: SourceContext,
    limits: SocketLimits,
    subscriber: Subscriber<readonly SourceItem[]>,
  ) {
    this.given = given
    this.context = context
    this.limits = limits
    this.subscriber = subscriber
    this.outlet = new Outlet((items) => subscriber.next(items))
    this.pulse = new Pulse(given.heartbeat_lag)
    const { clock, random } = context
    const base = context.endpoint(`${NAME}.rest`) ?? toncenter
    const pace = 1e6 / given.requests_per_second
    this.resync = new Resync({
      rest: new Rest({ base, clock, random, pace, headers: keyHeaders(given.api_key, context) }),
      ...{ clock, within: given.fill_within, again: Math.min(ASK_AGAIN, given.fill_within / 4) },
      failed: (account, problem) => {
        this.notice(`${account}: ${problem}`)
        this.outlet.event(this.followed.get(account)?.key ?? '*', 'unfilled', problem)
      },
    })
    const reason = context.position > 0 ? 'resumed' : 'connected'
    this.followed = new Map(
      given.pools.map((pool) => {
        const key = `${pool.dex}:${pool.address}`
        return [pool.address, { pool, key, ledger: this.ledgerOf(pool, key, reason), state: 'sure' }]
      }),
    )
  }

  private ledgerOf(pool: SwapPool, key: string, reason: 'connected' | 'resumed'): Ledger {
    const { outlet } = this
    return new Ledger(
      {
        row: (at, value) => outlet.tell({ type: 'row', at, key, value }),
        gap: (at, value) => outlet.tell({ type: 'gap', at, key, value }),
        filled: (at, count) =>
          outlet.tell({ type: 'event', at, key, value: { event: 'filled', detail: 'over API v3', count } }),
        read: (transaction) => this.read(transaction, pool, key),
      },
      reason,
    )
  }
  private read(transaction: Transaction, pool: SwapPool, key: string): readonly Swap[] {
    const { hash, block, trace } = transaction
    try {
      return tradesOf(transaction, pool).flatMap((trade) => {
        const swap = swapOf(trade, pool, { block, index: 0, block_hash: trace, transaction: hash })
        if (swap === undefined) this.outlet.invalid(key, 'amounts', hash)
        return swap ?? []
      })
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      this.outlet.invalid(key, 'message_body', hash)
      return []
    }
  }

  start(): void {
    const { transport, min_finality, pools, stall_after } = this.given
    const sse = transport === 'sse'
    const own = sse ? `${toncenter}/api/streaming/v2/sse` : 'wss://toncenter.com/api/streaming/v2/ws'
    const url = this.context.endpoint(NAME) ?? own
    const limits = { ...this.limits, stallAfter: stall_after }
    const settings = {
      name: NAME,
      url,
      headers: keyHeaders(this.given.api_key, this.context),
      limits,
      read: readStream,
      isData,
    }
    const body = subscription(
      pools.map(({ address }) => address),
      min_finality,
    )
    const events = sse ? connectEvents({ ...settings, body }, this.context) : connect(settings, this.context)
    this.subscription = events.subscribe({
      next: (event) => this.take(event, new URL(url).host, body),
      error: (error: unknown) => this.fail(error),
    })
    this.later('beat', this.given.heartbeat_every, () => this.beat())
  }
  stop(): void {
    this.outlet.begin(this.context.clock.now())
    this.outlet.flush()
    for (const cancel of this.cancels.values()) cancel()
    this.resync.stop()
    this.subscription?.unsubscribe()
  }
  private fail(error: unknown): void {
    this.stop()
    this.subscriber.error(error)
  }
  private readonly notice = (text: string): void => this.context.notice(`${NAME}: ${text}`)
  /** One at a time of each name. */
  private later(name: string, micros: number, call: () => void): void {
    this.cancels.get(name)?.()
    this.cancels.set(name, this.context.clock.after(micros, call))
  }

  private take(event: SocketEvent<StreamWord>, host: string, body: object): void {
    switch (event.type) {
      case 'opened':
        this.line = 'open'
        this.notice(`connected to ${host}`)
        this.outlet.event('*', 'connected', host)
        event.send(JSON.stringify({ operation: 'subscribe', id: 'subscribe', ...body }))
        if (this.given.transport === 'websocket') this.ping(event.send)
        break
      case 'message':
        this.hear(event.message, event.at, event.bytes)
        break
      case 'alive':
        this.pulse.alive(event.at)
        break
      case 'lost':
        this.lost(`${event.loss}: ${event.detail}`)
        break
      case 'retrying':
        this.outlet.event('*', 'retrying', `in ${formatDuration(Math.round(event.after / 1e3) * 1e3)}`, event.attempt)
        break
    }
  }
  private ping(send: (text: string) => void): void {
    this.later('ping', pingEvery, () => {
      send(pingText)
      this.ping(send)
    })
  }
  private lost(detail: string): void {
    this.notice(`connection lost: ${detail}`)
    if (this.line === 'open') this.outlet.event('*', 'lost', detail)
    this.line = 'down'
    this.cancels.get('ping')?.()
    for (const one of this.followed.values()) one.state = 'doubtful'
    // what happened is told though no transaction may ever come
    this.outlet.begin(this.context.clock.now())
  }

  private hear(word: StreamWord, received: number, bytes: Buffer): void {
    switch (word.type) {
      case 'transactions':
        this.heard(word, received, bytes)
        break
      case 'invalidated':
        for (const { ledger } of this.followed.values()) ledger.invalidated(word.trace)
        break
      case 'subscribed':
        this.outlet.event('*', 'subscribed', NAME)
        this.pulse.alive(received)
        // from here on the stream tells everything: what was before is asked for
        for (const one of this.followed.values()) if (one.state === 'doubtful') void this.catchUp(one)
        break
      case 'refused':
        if (this.outlet.newest > 0) this.outlet.invalid('*', 'refused', bytes)
        else
          this.fail(new TidegateError('SOURCE_FAILED', `${NAME}: refused: ${word.message}`, { reason: word.message }))
        break
      case 'invalid':
        this.outlet.invalid('*', word.reason, bytes)
        break
      case 'alive':
      case 'other':
        this.pulse.alive(received)
        break
    }
  }
  private heard(
    { finality, trace, transactions }: StreamWord & { readonly type: 'transactions' },
    received: number,
    bytes: Buffer,
  ): void {
    const ours = new Map<Followed, Transaction[]>()
    for (const one of transactions) {
      const transaction = transactionOf(one)
      if (transaction === undefined) {
        this.outlet.invalid('*', 'transaction_fields', bytes)
        continue
      }
      const followed = this.followed.get(transaction.account)
      // a trace goes through accounts that nobody asked for
      if (followed !== undefined) ours.set(followed, [...(ours.get(followed) ?? []), transaction])
    }
    for (const [followed, mine] of ours) {
      // the newest comes first on the wire
      mine.sort((a, b) => a.lt - b.lt)
      if (finality === 'finalized') this.final(followed, mine, trace, received)
      else followed.ledger.unsettled(mine, trace, received)
    }
  }
  private final(followed: Followed, transactions: readonly Transaction[], trace: string, received: number): void {
    for (const transaction of transactions) {
      if (followed.state === 'sure') this.pulse.trade(received, transaction.at)
      if (followed.ledger.final(transaction, trace) === 'missing') {
        followed.state = 'doubtful'
        void this.catchUp(followed)
      }
    }
  }

  /** Asks for what a pool is missing until nothing can be missing any more. */
  private async catchUp(followed: Followed): Promise<void> {
    const { pool, ledger } = followed
    const whole = await this.resync.ask(pool.address, ledger)
    if (this.subscription?.closed !== false || this.resync.asking(pool.address)) return
    this.outlet.flush()
    // once more, when the index surely holds what was final before the subscription
    if (whole && ledger.missing === false)
      this.later(`again ${pool.address}`, this.given.heartbeat_lag, () => void this.confirm(followed))
    else this.later(`again ${pool.address}`, this.given.fill_within, () => void this.catchUp(followed))
  }
  private async confirm(followed: Followed): Promise<void> {
    const { pool, ledger, key } = followed
    const asked = this.context.clock.now()
    const whole = await this.resync.ask(pool.address, ledger)
    if (this.subscription?.closed !== false) return
    if (!whole || this.line === 'down') {
      this.later(`again ${pool.address}`, this.given.fill_within, () => void this.confirm(followed))
      return
    }
    const expired = ledger.expire(asked - this.given.settle_within)
    if (expired > 0) this.outlet.event(key, 'resynced', 'what never became final is taken back', expired)
    followed.state = 'sure'
  }

  private beat(): void {
    const { clock } = this.context
    const { heartbeat_every, settle_within } = this.given
    const passed = this.pulse.passed()
    for (const followed of this.followed.values()) {
      const { ledger, state, key, pool } = followed
      if (state === 'sure' && ledger.overdue(clock.now() - settle_within) && !this.resync.asking(pool.address)) {
        followed.state = 'doubtful'
        void this.confirm(followed)
      } else if (state === 'sure' && this.line === 'open' && ledger.begun && passed > ledger.told) {
        ledger.told = passed
        this.outlet.tell({ type: 'heartbeat', at: passed, key })
      }
    }
    this.later('beat', heartbeat_every, () => this.beat())
  }
}
