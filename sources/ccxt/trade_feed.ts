import type { Subscriber } from 'rxjs'
import { pause, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { formatDuration } from '../../schemas/units.ts'
import { Outlet } from '../feed/outlet.ts'
import { type Ccxt, ccxtPackage, checkSymbols, type Exchange, exchangeOf, type Wanted } from './exchange.ts'
import { Track } from './trade_track.ts'

export interface TradeFeedParams {
  readonly exchange: string
  readonly symbols: readonly string[]
  readonly by: 'poll' | 'watch'
  readonly poll_every: number
  readonly page?: number | undefined
  readonly rate_limit?: number | undefined
  readonly heartbeat_every: number
  readonly heartbeat_lag: number
}
/** ms a page begins before the newest trade that was told. */
const OVERLAP = 1000
const BACKOFF = 0.5e6
const BACKOFF_CAP = 30e6
/** How often the first answer of an exchange is tried for. */
const START_ATTEMPTS = 5

/** Trades of an exchange as ccxt gives them: pages that overlap, or what its WebSocket part hands on. */
export class TradeFeed {
  private readonly wanted: Wanted
  private readonly given: TradeFeedParams
  private readonly context: SourceContext
  private readonly outlet: Outlet
  private readonly tracks: readonly Track[]
  private readonly stopping = new AbortController()
  private exchange: Exchange | undefined

  constructor(
    name: string,
    given: TradeFeedParams,
    context: SourceContext,
    subscriber: Subscriber<readonly SourceItem[]>,
  ) {
    const { exchange, by, symbols, rate_limit } = given
    this.wanted = { name, exchange, method: by === 'poll' ? 'fetchTrades' : 'watchTrades', rate_limit }
    this.given = given
    this.context = context
    this.outlet = new Outlet((items) => subscriber.next(items))
    const reason = context.position > 0 ? 'resumed' : 'connected'
    this.tracks = symbols.map((symbol) => new Track(symbol, given, reason, context.clock, this.outlet))
    this.run().catch((error: unknown) => {
      if (this.stopping.signal.aborted) return
      this.stop()
      subscriber.error(error)
    })
  }
  stop(): void {
    this.stopping.abort()
    // what it still waits for is refused by that, and nobody hears it any more
    this.exchange?.close?.().catch(() => {})
  }

  private async run(): Promise<void> {
    const ccxt = await ccxtPackage()
    const exchange = await exchangeOf(ccxt, this.wanted, this.context)
    this.exchange = exchange
    await this.markets(ccxt, exchange)
    checkSymbols(exchange, this.given.symbols, this.wanted)
    this.outlet.event('*', 'connected', `${this.given.exchange} by ccxt ${ccxt.version}`)
    const { tracks, given } = this
    if (given.by === 'watch') await Promise.all(tracks.map((track) => this.watch(ccxt, exchange, track)))
    else await this.poll(ccxt, exchange)
  }
  private async markets(ccxt: Ccxt, exchange: Exchange): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await exchange.loadMarkets()
        return
      } catch (error) {
        if (attempt === START_ATTEMPTS || !(error instanceof ccxt.NetworkError)) throw this.problem(error)
        await this.backOff(attempt, error)
      }
    }
  }

  private async poll(ccxt: Ccxt, exchange: Exchange): Promise<void> {
    const { clock } = this.context
    const { poll_every, page } = this.given
    while (!this.stopping.signal.aborted) {
      const began = clock.now()
      for (const track of this.tracks) {
        const asked = clock.now()
        const since = track.newest > 0 ? track.newest / 1000 - OVERLAP : undefined
        const given = await this.asked(ccxt, track, () => exchange.fetchTrades(track.symbol, since, page))
        if (given !== undefined) track.page(given, asked)
        if (this.stopping.signal.aborted) return
      }
      await pause(clock, began + poll_every - clock.now(), this.stopping.signal)
    }
  }
  private async watch(ccxt: Ccxt, exchange: Exchange, track: Track): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const given = await this.asked(ccxt, track, () => exchange.watchTrades(track.symbol))
      if (given === undefined) continue
      track.heard(given)
    }
  }

  /** What worked before is tried again; what fails at first for another reason than the network cannot be mended. */
  private async asked<T>(ccxt: Ccxt, track: Track, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await ask()
      if (track.failures > 0) this.outlet.event(track.key, 'connected', this.given.exchange)
      track.failures = 0
      return answer
    } catch (error) {
      if (this.stopping.signal.aborted) return undefined
      if (!track.begun && !(error instanceof ccxt.NetworkError)) throw this.problem(error)
      if (++track.failures === 1) this.outlet.event(track.key, 'lost', wordsOf(error))
      track.doubt ??= 'disconnected'
      await this.backOff(track.failures, error)
      return undefined
    }
  }

  private async backOff(attempt: number, error: unknown): Promise<void> {
    const wait = Math.round(this.context.random() * Math.min(BACKOFF_CAP, BACKOFF * 2 ** (attempt - 1)))
    const shown = formatDuration(Math.round(wait / 1e3) * 1e3)
    this.context.notice(`${this.wanted.name}: ${wordsOf(error)}; trying again in ${shown} (attempt ${attempt})`)
    this.outlet.event('*', 'retrying', `in ${shown}`, attempt)
    await pause(this.context.clock, wait, this.stopping.signal)
  }
  private problem(error: unknown): TidegateError {
    const { name, exchange } = this.wanted
    return new TidegateError('SOURCE_FAILED', `${name}: ${exchange} by ccxt: ${wordsOf(error)}`, { exchange }, error)
  }
}
const wordsOf = (error: unknown): string =>
  (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).replaceAll(/\s+/g, ' ').slice(0, 200)
