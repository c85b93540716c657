import type { Subscriber } from 'rxjs'
import type { SourceContext, SourceItem } from '../../runtime/define.ts'
import type { Swap } from '../../schemas/chain.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { Outlet } from '../feed/outlet.ts'
import { Pulse } from '../feed/pulse.ts'
import { Rest } from '../feed/rest.ts'
import type { SocketLimits } from '../feed/socket.ts'
import { type Dex, tradesOf } from './actions.ts'
import { Ledger } from './ledger.ts'
import { swapOf } from './pool_params.ts'
import { Resync } from './resync.ts'
import { StreamLine } from './stream_line.ts'
import type { Finality, StreamWord } from './streaming.ts'
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
  /** Heartbeats wait until everything that the stream may have missed is there. */
  state: 'sure' | 'doubtful'
}

/** Follows the transactions of pools: a stream for what happens, API v3 for what the stream has missed. */
export class SwapFeed {
  private readonly given: SwapFeedParams
  private readonly context: SourceContext
  private readonly subscriber: Subscriber<readonly SourceItem[]>
  private readonly outlet: Outlet
  private readonly pulse: Pulse
  private readonly line: StreamLine
  private readonly resync: Resync
  private readonly followed: ReadonlyMap<string, Followed>
  private readonly cancels = new Map<string, () => void>()
  private phase: 'first connection' | 'interrupted' | 'stopped' = 'first connection'
  private accepted: 'never' | 'once' = 'never'

  constructor(
    given: SwapFeedParams,
    context: SourceContext,
    limits: SocketLimits,
    subscriber: Subscriber<readonly SourceItem[]>,
  ) {
    this.given = given
    this.context = context
    this.subscriber = subscriber
    const outlet = new Outlet((items) => subscriber.next(items))
    this.outlet = outlet
    this.pulse = new Pulse(given.heartbeat_lag)
    const { clock, random, wire } = context
    const headers = keyHeaders(given.api_key, context)
    const base = context.endpoint(`${NAME}.rest`) ?? toncenter
    this.resync = new Resync({
      rest: new Rest({ base, clock, random, wire, pace: 1e6 / given.requests_per_second, headers }),
      ...{ clock, within: given.fill_within, again: Math.min(ASK_AGAIN, given.fill_within / 4) },
      failed: (account, problem) => {
        context.notice(`${NAME}: ${account}: ${problem}`)
        outlet.event(this.followed.get(account)?.key ?? '*', 'unfilled', problem)
      },
      interrupted: () => this.phase === 'interrupted',
    })
    this.line = new StreamLine({
      ...{ name: NAME, transport: given.transport, finality: given.min_finality, headers, context, outlet },
      addresses: given.pools.map(({ address }) => address),
      limits: { ...limits, stallAfter: given.stall_after },
      heard: (word, received, bytes) => this.hear(word, received, bytes),
      alive: (at) => this.pulse.alive(at),
      lost: () => this.lost(),
      failed: (error) => this.fail(error),
    })
    this.followed = new Map(given.pools.map((pool) => [pool.address, this.follow(pool)]))
  }

  private follow(pool: SwapPool): Followed {
    const { outlet } = this
    const key = `${pool.dex}:${pool.address}`
    const teller = {
      row: (at: number, value: Swap) => outlet.tell({ type: 'row', at, key, value }),
      gap: (at: number, value: (SourceItem & { readonly type: 'gap' })['value']) =>
        outlet.tell({ type: 'gap', at, key, value }),
      filled: (at: number, count: number) =>
        outlet.tell({ type: 'event', at, key, value: { event: 'filled', detail: 'over API v3', count } }),
      read: (transaction: Transaction) => this.read(transaction, pool, key),
    }
    const ledger = new Ledger(teller, this.context.position > 0 ? 'resumed' : 'connected')
    return { pool, key, ledger, state: 'doubtful' }
  }
  private read(transaction: Transaction, pool: SwapPool, key: string): readonly Swap[] {
    const { hash, block, trace, at } = transaction
    try {
      return tradesOf(transaction, pool).flatMap((trade) => {
        const swap = swapOf(trade, pool, { block, block_time: at, index: 0, block_hash: trace, transaction: hash })
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
    this.line.start()
    this.later('beat', this.given.heartbeat_every, () => this.beat())
  }
  stop(): void {
    this.outlet.begin(this.context.clock.now())
    this.outlet.flush()
    this.phase = 'stopped'
    for (const cancel of this.cancels.values()) cancel()
    this.resync.stop()
    this.line.stop()
  }
  private fail(error: unknown): void {
    this.stop()
    this.subscriber.error(error)
  }
  /** One at a time of each name. */
  private later(name: string, micros: number, call: () => void): void {
    this.cancels.get(name)?.()
    this.cancels.set(name, this.context.clock.after(micros, call))
  }
  private lost(): void {
    this.phase = 'interrupted'
    for (const one of this.followed.values()) one.state = 'doubtful'
    // what happened is told though no transaction may ever come
    this.outlet.begin(this.context.clock.now())
  }

  // ---- words --------------------------------------------------------------------------------------

  private hear(word: StreamWord, received: number, bytes: Buffer): void {
    switch (word.type) {
      case 'transactions':
        this.heard(word, received, bytes)
        break
      case 'invalidated':
        for (const { ledger } of this.followed.values()) ledger.invalidated(word.trace)
        break
      case 'subscribed':
        this.accepted = 'once'
        this.outlet.event('*', 'subscribed', NAME)
        this.pulse.alive(received)
        // from here on the stream tells everything: what was before is asked for
        for (const one of this.followed.values()) if (one.state === 'doubtful') void this.catchUp(one)
        break
      case 'refused':
        this.refused(word.message, bytes)
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
  /** What was accepted once is refused for a while: too many connections, before the last one counts as closed. */
  private refused(message: string, bytes: Buffer): void {
    if (this.accepted === 'never') {
      this.fail(new TidegateError('SOURCE_FAILED', `${NAME}: refused: ${message}`, { reason: message }))
      return
    }
    this.outlet.invalid('*', 'refused', bytes)
    this.line.drop(`refused: ${message}`)
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
      if (finality !== 'finalized') followed.ledger.unsettled(mine, trace, received)
      else for (const transaction of mine) this.final(followed, transaction, trace, received)
    }
  }
  private final(followed: Followed, transaction: Transaction, trace: string, received: number): void {
    if (followed.state === 'sure') this.pulse.trade(received, transaction.at)
    if (followed.ledger.final(transaction, trace) !== 'missing') return
    followed.state = 'doubtful'
    void this.catchUp(followed)
  }

  // ---- what the stream has missed -------------------------------------------------------------------

  /** Asks for what a pool is missing until nothing can be missing any more. */
  private async catchUp(followed: Followed): Promise<void> {
    const { pool, ledger } = followed
    const whole = await this.resync.ask(pool.address, ledger)
    if (this.phase === 'stopped' || this.resync.asking(pool.address)) return
    const again = `again ${pool.address}`
    if (!whole || ledger.missing) this.later(again, this.given.fill_within, () => void this.catchUp(followed))
    // once more, when the index surely holds what was final before the subscription
    else this.later(again, this.given.heartbeat_lag, () => void this.confirm(followed))
  }
  private async confirm(followed: Followed): Promise<void> {
    const { pool, ledger, key } = followed
    const asked = this.context.clock.now()
    const whole = await this.resync.ask(pool.address, ledger)
    if (this.phase === 'stopped') return
    if (!whole || !this.line.open) {
      this.later(`again ${pool.address}`, this.given.fill_within, () => void this.confirm(followed))
      return
    }
    const expired = ledger.expire(asked - this.given.settle_within)
    if (expired > 0) this.outlet.event(key, 'resynced', 'what never became final is taken back', expired)
    followed.state = 'sure'
  }

  private beat(): void {
    const overdue = this.context.clock.now() - this.given.settle_within
    const passed = this.pulse.passed()
    for (const followed of this.followed.values()) {
      const { ledger, key } = followed
      if (followed.state !== 'sure') continue
      if (ledger.overdue(overdue)) {
        followed.state = 'doubtful'
        void this.confirm(followed)
      } else if (this.line.open && ledger.begun && passed > ledger.told) {
        ledger.told = passed
        this.outlet.tell({ type: 'heartbeat', at: passed, key })
      }
    }
    this.later('beat', this.given.heartbeat_every, () => this.beat())
  }
}
