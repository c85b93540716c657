import type { Subscriber } from 'rxjs'
import type { SourceContext, SourceItem } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { Books } from './books.ts'
import { ClockOffset } from './clock_offset.ts'
import type { FeedParams } from './feed.ts'
import { Filler } from './filler.ts'
import { Heartbeats } from './heartbeats.ts'
import { type Line, Lines } from './lines.ts'
import { Outlet } from './outlet.ts'
import type { Rest } from './rest.ts'
import { restOf } from './rest_of.ts'
import type { Numbered } from './sequencer.ts'
import type { Loss, SocketLimits } from './socket.ts'
import { type Track, trackOf } from './track.ts'
import { unknownSymbols } from './unknown_symbols.ts'
import type { BookMessage, Channel, Missing, Row, Unread, Word } from './venue.ts'

/** µs another connection gets to give what one has lost, before it is asked for. */
const PATIENCE = 250e3

/** Turns the words of a venue into items: numbers checked, holes filled, gaps told, books kept whole, time kept going. */
export class LiveFeed<T> {
  private readonly channel: Channel<T>
  private readonly given: FeedParams
  private readonly context: SourceContext
  private readonly subscriber: Subscriber<readonly SourceItem[]>
  private readonly url: string
  private readonly rest: Rest | undefined
  private readonly tracks: ReadonlyMap<string, Track<T>>
  private readonly outlet: Outlet
  private readonly lines: Lines<T>
  private readonly filler: Filler<T>
  private readonly books: Books<T> | undefined
  private readonly heartbeats: Heartbeats<T>
  private readonly offset = new ClockOffset()
  private phase: 'running' | 'stopped' = 'running'
  private silent: 'unnamed' | 'named' = 'unnamed'

  constructor(
    channel: Channel<T>,
    given: FeedParams,
    context: SourceContext,
    subscriber: Subscriber<readonly SourceItem[]>,
  ) {
    this.channel = channel
    this.given = given
    this.context = context
    this.subscriber = subscriber
    const { clock } = context
    const outlet = new Outlet((items) => subscriber.next(items))
    this.outlet = outlet
    const endpoint = context.endpoint(channel.name)
    this.url = channel.url(endpoint)
    const rest = restOf(channel, context, endpoint)
    this.rest = rest
    const count = channel.numbering !== 'none' && channel.book === undefined ? given.connections : 1
    this.lines = new Lines<T>({
      ...{ channel, url: this.url, count, context, outlet },
      heard: (line, word, received, bytes) => this.hear(line, word, received, bytes),
      alive: (at) => this.heartbeats.pulse.alive(at),
      opened: (_line, at, first) => this.opened(at, first),
      lost: (loss, last) => this.lost(loss, last),
      failed: (error) => this.fail(error),
    })
    const { fill } = channel
    const ask =
      fill && rest && given.fill
        ? (missing: Missing, signal: AbortSignal) => fill(missing, rest.until(signal))
        : undefined
    this.tracks = this.tracksOf(ask !== undefined || count > 1)
    const tracks = [...this.tracks.values()]
    const { notice } = this
    const patience = count > 1 ? PATIENCE : 0
    this.filler = new Filler<T>({ clock, outlet, ask, patience, within: given.fill_within, notice })
    const line = () => this.lines.first
    this.books = channel.book && new Books<T>({ rules: channel.book, tracks, rest, context, outlet, line, notice })
    this.heartbeats = new Heartbeats<T>({
      ...{ clock, outlet, tracks, every: given.heartbeat_every, lag: given.heartbeat_lag },
      waiting: () => this.filler.busy,
      also: (now, opened) => this.look(now, opened),
    })
  }

  private tracksOf(waits: boolean): ReadonlyMap<string, Track<T>> {
    const { channel, given, context, outlet } = this
    const reason = context.position > 0 ? 'resumed' : 'connected'
    const on = {
      row: (track: Track<T>, { at, value }: Numbered<T>) => {
        if (at > track.told) track.told = at
        if (value === undefined) return
        track.judgeOfOld.believe(value as object, at, track.received)
        outlet.tell({ type: 'row', at, key: track.key, value })
      },
      filled: (track: Track<T>, at: number, count: number) =>
        outlet.tell({ type: 'event', at, key: track.key, value: { event: 'filled', detail: 'over REST', count } }),
      gap: (track: Track<T>, at: number, value: (SourceItem & { readonly type: 'gap' })['value']) =>
        outlet.tell({ type: 'gap', at, key: track.key, value }),
    }
    const settings = { maxJump: given.max_jump, waits, on }
    return new Map(given.symbols.map((symbol) => [symbol, trackOf(channel, symbol, reason, settings)]))
  }

  start(limits: SocketLimits): void {
    void this.checkSymbols()
    this.lines.start(limits)
  }
  stop(): void {
    if (this.phase === 'stopped') return
    this.filler.giveUp('the feed is closed')
    this.outlet.begin(this.context.clock.now())
    this.outlet.flush()
    this.phase = 'stopped'
    this.heartbeats.stop()
    this.books?.stop()
    this.lines.stop()
  }
  private fail(error: unknown): void {
    this.stop()
    this.subscriber.error(error)
  }
  private readonly notice = (text: string): void => this.context.notice(`${this.channel.name}: ${text}`)

  private async checkSymbols(): Promise<void> {
    if (this.rest === undefined) return
    try {
      const unknown = await unknownSymbols(this.channel, this.given.symbols, this.rest)
      if (unknown !== undefined && this.phase === 'running') this.fail(unknown)
    } catch (error) {
      this.notice(`symbols could not be checked: ${(error as Error).message}`)
    }
  }

  private opened(at: number, first: boolean): void {
    this.books?.begin(at)
    if (!first) return
    for (const track of this.tracks.values()) track.standing = 'asked'
    this.heartbeats.start(at)
  }
  private lost(loss: Loss, last: boolean): void {
    if (last) {
      this.heartbeats.stop()
      const reason = loss === 'stalled' ? 'stalled' : 'disconnected'
      for (const track of this.tracks.values()) {
        track.sequencer.lose(reason)
        track.doubt ??= reason
      }
      this.books?.lose()
    }
    if (loss === 'oversized') this.outlet.invalid('*', 'oversized', '')
    // what happened is told though the venue may never tell a time
    this.outlet.begin(this.context.clock.now())
    if (loss === 'stalled') this.nameSilent()
  }
  /** At every heartbeat. */
  private look(now: number, opened: number): void {
    const offset = this.offset.news()
    if (offset !== undefined) this.outlet.event('*', 'clock', 'local clock less venue clock, latency included', offset)
    if (now - opened > this.given.stall_after) this.nameSilent()
    this.books?.check(now)
  }
  /** Some venues answer a misspelt symbol with silence. */
  private nameSilent(): void {
    if (this.silent === 'named') return
    this.silent = 'named'
    const silent = [...this.tracks].filter(([, track]) => track.received === 0).map(([symbol]) => symbol)
    if (silent.length > 0) this.notice(`nothing yet from ${silent.join(', ')}`)
  }

  private hear(line: Line, word: Word<T>, received: number, bytes: Buffer): void {
    switch (word.type) {
      case 'row':
        this.row(word.row, received, bytes)
        break
      case 'rows':
        this.rows(word, received, bytes)
        break
      case 'left_out': {
        const track = this.trackOf(word.symbol, bytes)
        if (track !== undefined) this.place(track, { ...word, value: undefined }, received, bytes)
        break
      }
      case 'book':
        this.book(word.message, received, bytes)
        break
      case 'refused':
        this.refused(word, line, bytes)
        break
      case 'invalid':
        this.unread(word, bytes)
        break
      case 'subscribed': {
        const track = this.tracks.get(word.symbol ?? '')
        if (track !== undefined) track.standing = 'asked'
        this.outlet.event(track?.key ?? '*', 'subscribed', this.channel.name)
        this.heartbeats.pulse.alive(received)
        break
      }
      case 'leave':
        this.notice(`the venue asks for a new connection: ${word.detail}`)
        line.drop(word.detail)
        break
      case 'other':
      case 'alive':
        this.heartbeats.pulse.alive(received)
        break
    }
  }
  private trackOf(symbol: string, bytes: Buffer): Track<T> | undefined {
    const track = this.tracks.get(symbol)
    if (track === undefined) this.outlet.invalid('*', 'unasked_symbol', bytes)
    return track
  }

  private refused({ message, code, symbol }: Word<T> & { readonly type: 'refused' }, line: Line, bytes: Buffer): void {
    // A feed that has spoken goes on with what it has.
    if (this.outlet.newest > 0) {
      const track = symbol === undefined ? undefined : this.tracks.get(symbol)
      this.outlet.invalid(track?.key ?? '*', 'refused', bytes)
      if (track !== undefined) this.refuse(track, line, message)
      return
    }
    const what = symbol === undefined ? '' : ` "${symbol}"`
    const problem = `${this.channel.name}: ${new URL(this.url).host} refused${what}: ${message}`
    const info = { ...(code !== undefined && { code }), ...(symbol !== undefined && { symbol }) }
    this.fail(new TidegateError('SOURCE_FAILED', problem, info))
  }
  private refuse(track: Track<T>, line: Line, message: string): void {
    this.notice(`${track.symbol}: refused: ${message}`)
    line.askAgain(track.symbol)
    track.standing = 'refused'
    if (track.keeper === undefined && track.sequencer.doubted !== undefined) track.sequencer.pass(this.outlet.newest)
  }

  private unread({ reason, symbol = '' }: Unread, bytes: Buffer): void {
    this.outlet.invalid('*', reason, bytes)
    if (this.books !== undefined) this.books.unread(this.tracks.get(symbol))
    else this.tracks.get(symbol)?.sequencer.lose('sequence')
  }
  private rows({ rows, lost = [] }: Word<T> & { readonly type: 'rows' }, received: number, bytes: Buffer): void {
    for (let n = 0; n <= rows.length; n++) {
      for (const unread of lost) if (unread.before === n) this.unread(unread, bytes)
      if (n < rows.length) this.row(rows[n] as Row<T>, received, bytes)
    }
  }
  private row(given: Row<T>, received: number, bytes: Buffer): void {
    const row = given.at > 0 ? given : { ...given, at: received }
    const track = this.trackOf(row.symbol, bytes)
    if (track === undefined) return
    if (track.sequencer.isRepeat(row.id, row.at)) {
      this.repeated(track, row, bytes)
      return
    }
    const suspicion = track.judge.of(row.value as object, row.at, received)
    if (suspicion === undefined) {
      this.place(track, row, received, bytes)
      return
    }
    this.outlet.invalid(track.key, suspicion, bytes)
    if (this.channel.numbering !== 'contiguous') return
    // its number is part of the sequence all the same
    const at = suspicion === 'time_ahead' || suspicion === 'time_backwards' ? track.sequencer.newest : row.at
    this.place(track, { ...row, at, value: undefined }, received, bytes)
  }
  private place(track: Track<T>, row: Numbered<T>, received: number, bytes: Buffer): void {
    this.timed(track, row.at, received)
    switch (track.sequencer.take(row)) {
      case 'repeat':
        this.repeated(track, row, bytes)
        break
      case 'missing':
        this.filler.missing(track)
        break
      case 'told':
      case 'held':
        if (this.filler.busy) this.filler.look(track)
        break
    }
  }
  private timed(track: Track<T>, at: number, received: number): void {
    this.heartbeats.pulse.trade(received, at)
    this.offset.take(received, at)
    track.received = received
    track.standing = 'asked'
  }
  /** Where numbers only rise an unchanged row comes again. */
  private repeated({ key, sequencer }: Track<T>, row: Numbered<T>, bytes: Buffer): void {
    if (this.channel.numbering !== 'contiguous') return
    if (this.lines.count === 1 || sequencer.isOddRepeat(row)) this.outlet.invalid(key, 'duplicate', bytes)
  }

  private book(given: BookMessage, received: number, bytes: Buffer): void {
    const message = given.at > 0 ? given : { ...given, at: received }
    const track = this.trackOf(message.symbol, bytes)
    if (track === undefined) return
    this.timed(track, message.at, received)
    this.books?.take(track, message, bytes)
  }
}
