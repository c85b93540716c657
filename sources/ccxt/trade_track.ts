import type { Clock } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { type Gap, Trade } from '../../schemas/market.ts'
import { textOf } from '../feed/invalid.ts'
import type { Outlet } from '../feed/outlet.ts'
import { Pulse } from '../feed/pulse.ts'
import type { CcxtTrade } from './exchange.ts'
import { Told } from './told.ts'

const isTrade = guardOf(Trade)
/** ms trades are known by. */
const WINDOW = 60_000

export interface TrackSettings {
  readonly exchange: string
  readonly page?: number | undefined
  readonly heartbeat_every: number
  readonly heartbeat_lag: number
}

/** The trades of one symbol: told once, with a gap where nothing proves that they go on. */
export class Track {
  readonly symbol: string
  readonly key: string
  /** Why the next trade does not go on from the last one. */
  doubt: Gap['reason'] | undefined
  /** Errors in a row. */
  failures = 0
  /** Event time of the newest trade, 0 before the first. */
  newest = 0
  private readonly settings: TrackSettings
  private readonly clock: Clock
  private readonly outlet: Outlet
  private readonly told = new Told(WINDOW)
  private readonly pulse: Pulse
  private phase: 'beginning' | 'going_on' = 'beginning'
  /** Event time told last, and local time of the last row. */
  private passed = 0
  private received = 0

  constructor(symbol: string, settings: TrackSettings, reason: Gap['reason'], clock: Clock, outlet: Outlet) {
    this.symbol = symbol
    this.key = `${settings.exchange}:${symbol}`
    this.settings = settings
    this.doubt = reason
    this.clock = clock
    this.outlet = outlet
    this.pulse = new Pulse(settings.heartbeat_lag)
  }

  /** Whether the exchange has ever answered for it. */
  get begun(): boolean {
    return this.phase === 'going_on'
  }

  /** A page of trades, asked for at a local time. */
  page(page: readonly CcxtTrade[], asked: number): void {
    const known = this.told.size
    const fresh = this.told.fresh(page, 'overlap')
    if (this.phase === 'beginning') {
      // what was traded before the start is where the sequence begins, and not told
      this.phase = 'going_on'
      this.newest = Math.max(0, ...page.map(({ timestamp = 0 }) => timestamp * 1000))
      this.gap(this.newest || this.clock.now(), this.doubt ?? 'connected')
    } else if (fresh.length > 0) {
      // a trade that was told before stands in the page: what follows it follows
      const proven = fresh.length < page.length || (known === 0 && page.length < (this.settings.page ?? 2))
      this.tell(fresh, proven ? undefined : (this.doubt ?? 'sequence'))
    }
    if (page.length > 0 || known === 0) this.doubt = undefined
    this.pulse.alive(asked)
    this.beat()
  }
  /** Trades that follow those handed on before. */
  heard(trades: readonly CcxtTrade[]): void {
    this.phase = 'going_on'
    const fresh = this.told.fresh(trades, 'follow')
    if (fresh.length === 0) return
    this.tell(fresh, this.doubt)
    this.doubt = undefined
  }

  private tell(trades: readonly CcxtTrade[], doubt: Gap['reason'] | undefined): void {
    const received = this.clock.now()
    let reason = doubt
    for (const trade of trades.toSorted((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0))) {
      const { id = '0', timestamp = 0, price, amount, side } = trade
      const at = timestamp * 1000
      const number = /^\d{1,15}$/.test(id) ? Number(id) : 0
      const value = { price, size: amount, side: side === 'buy' ? 1 : side === 'sell' ? -1 : 0, id: number }
      if (!isTrade(value) || !(at > 0) || !Number.isSafeInteger(at)) {
        this.outlet.invalid(this.key, 'trade_values', textOf(trade.info ?? trade))
        continue
      }
      if (reason !== undefined) this.gap(at, reason)
      reason = undefined
      this.newest = Math.max(this.newest, at)
      this.passed = Math.max(this.passed, at)
      this.received = received
      this.pulse.trade(received, at)
      this.outlet.tell({ type: 'row', at, key: this.key, value })
    }
  }
  private gap(at: number, reason: Gap['reason']): void {
    this.outlet.tell({ type: 'gap', at, key: this.key, value: { reason, missing: 0, since: this.passed } })
    this.passed = Math.max(this.passed, at)
  }
  private beat(): void {
    const passed = this.pulse.passed()
    if (this.clock.now() - this.received < this.settings.heartbeat_every || passed <= this.passed) return
    this.passed = passed
    this.outlet.tell({ type: 'heartbeat', at: passed, key: this.key })
  }
}
