import type { Subscriber, Subscription } from 'rxjs'
import { nearest, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { formatDuration } from '../../schemas/units.ts'
import type { Booked } from './book_keeper.ts'
import { BookSync } from './book_sync.ts'
import { ClockOffset } from './clock_offset.ts'
import type { FeedParams } from './feed.ts'
import { Filler } from './filler.ts'
import { priceOf } from './judge.ts'
import { Outlet } from './outlet.ts'
import { Pulse } from './pulse.ts'
import { Rest } from './rest.ts'
import type { Numbered, Ruling } from './sequencer.ts'
import { connect, type SocketEvent, type SocketLimits } from './socket.ts'
import { type Track, trackOf } from './track.ts'
import type { BookMessage, Channel, Missing, Row, Word } from './venue.ts'

/** Silent symbols wait this many heartbeats after a reconnection for a number that proves continuity. */
const PROOF_BEATS = 5
/** µs another connection gets to give what one has lost, before it is asked for. */
const PATIENCE = 250e3

/** One of the connections that carry the same rows. */
interface Line {
  state: 'down' | 'open'
  since: number
  send: (text: string) => void
  drop: (detail: string) => void
  subscription: Subscription | undefined
  stopPing: () => void
}

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
  private readonly filler: Filler<T>
  private readonly books: BookSync<T> | undefined
  private readonly pulse: Pulse
  private readonly offset = new ClockOffset()
  private readonly lines: Line[]
  private stopBeat = () => {}
  private phase: 'starting' | 'told' | 'stopped' = 'starting'
  private silent: 'unnamed' | 'named' = 'unnamed'
  private others = 0

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
    const { clock, random } = context
    const endpoint = context.endpoint(channel.name)
    this.url = channel.url(endpoint)
    const base = context.endpoint(`${channel.name}.rest`) ?? (endpoint === undefined ? channel.rest : undefined)
    this.rest = base === undefined ? undefined : new Rest({ base, clock, random })
    this.outlet = new Outlet((items) => subscriber.next(items))
    this.pulse = new Pulse(given.heartbeat_lag)
    const redundant = channel.numbering !== 'none' && channel.book === undefined ? given.connections : 1
    this.lines = Array.from({ length: redundant }, () => closed())
    const { fill } = channel
    const { rest } = this
    const ask =
      fill && rest && given.fill
        ? (missing: Missing, signal: AbortSignal) => fill(missing, rest.until(signal))
        : undefined
    const reason = context.position > 0 ? 'resumed' : 'connected'
    const waits = ask !== undefined || redundant > 1
    const rule = (track: Track<T>, ruling: Ruling<T>) => this.rule(track, ruling)
    this.tracks = new Map(
      given.symbols.map((s) => [s, trackOf(channel, s, reason, { maxJump: given.max_jump, waits, rule })]),
    )
    const patience = redundant > 1 ? PATIENCE : 0
    const { outlet } = this
    this.filler = new Filler<T>({ clock, outlet, ask, patience, within: given.fill_within, notice: this.notice })
    this.books =
      channel.book &&
      new BookSync<T>({
        ...{ rules: channel.book, rest, context },
        booked: (track, message, booked) => this.booked(track, message, booked, ''),
        failed: (track, message) => this.notice(`${track.symbol}: no whole book: ${message}`),
      })
  }

  start(limits: SocketLimits): void {
    const { name, read } = this.channel
    const isData = ({ type }: Word<T>) => type === 'row' || type === 'rows' || type === 'left_out' || type === 'book'
    void this.checkSymbols()
    for (const line of this.lines)
      line.subscription = connect({ name, url: this.url, limits, read, isData }, this.context).subscribe({
        next: (event) => this.take(line, event),
        error: (error) => this.fail(error),
      })
  }

  stop(): void {
    if (this.phase !== 'stopped') {
      this.filler.giveUp()
      this.outlet.begin(this.context.clock.now())
      this.outlet.flush()
    }
    this.phase = 'stopped'
    this.stopBeat()
    this.books?.stop()
    for (const { subscription, stopPing } of this.lines) {
      stopPing()
      subscription?.unsubscribe()
    }
  }

  private readonly notice = (text: string): void => this.context.notice(`${this.channel.name}: ${text}`)

  private fail(error: unknown): void {
    this.stop()
    this.subscriber.error(error)
  }

  /** Venues answer a misspelt symbol with an error, with silence, or with rubbish: their list of symbols is plain. */
  private async checkSymbols(): Promise<void> {
    const { listing, name } = this.channel
    if (listing === undefined || this.rest === undefined) return
    try {
      const listed = await listing(this.rest)
      const unknown = this.given.symbols.filter((symbol) => !listed.includes(symbol))
      if (unknown.length === 0 || this.phase === 'stopped') return
      const words = unknown.map((symbol) => {
        const near = nearest(symbol, listed)
        return near === undefined ? `"${symbol}"` : `"${symbol}" (did you mean "${near}"?)`
      })
      const problem = `${name}: ${this.channel.venue} does not list ${words.join(', ')}`
      this.fail(new TidegateError('SOURCE_FAILED', problem, { unknown }))
    } catch (error) {
      this.notice(`symbols could not be checked: ${(error as Error).message}`)
    }
  }

  // ---- connections --------------------------------------------------------------------------------

  private take(line: Line, event: SocketEvent<Word<T>>): void {
    switch (event.type) {
      case 'message':
        this.hear(line, event.message, event.at, event.bytes)
        break
      case 'alive':
        this.pulse.alive(event.at)
        break
      case 'opened':
        this.opened(line, event)
        break
      case 'lost':
        this.lost(line, event)
        break
      case 'retrying': {
        const wait = formatDuration(Math.round(event.after / 1e3) * 1e3)
        this.notice(`trying again in ${wait} (attempt ${event.attempt})`)
        this.outlet.event('*', 'retrying', `in ${wait}`, event.attempt)
        break
      }
    }
  }

  private opened(line: Line, { at, send, drop }: SocketEvent<Word<T>> & { readonly type: 'opened' }): void {
    const first = this.lines.every(({ state }) => state === 'down')
    const { host } = new URL(this.url)
    Object.assign(line, { state: 'open', since: at, send, drop })
    this.notice(`connected to ${host}`)
    this.outlet.event('*', 'connected', host)
    for (const text of this.channel.greet) send(text)
    const { ping } = this.channel
    if (ping !== undefined) this.ping(line, ping)
    for (const track of this.tracks.values()) this.books?.begin(track)
    if (first) this.beat(at)
  }
  private ping(line: Line, ping: { readonly every: number; readonly text: string }): void {
    line.stopPing = this.context.clock.after(ping.every, () => {
      line.send(ping.text)
      this.ping(line, ping)
    })
  }

  private lost(line: Line, { loss, detail }: SocketEvent<Word<T>> & { readonly type: 'lost' }): void {
    const wasOpen = line.state === 'open'
    line.stopPing()
    Object.assign(line, closed(line.subscription))
    if (this.lines.every(({ state }) => state === 'down')) {
      this.stopBeat()
      this.books?.stop()
      const reason = loss === 'stalled' ? 'stalled' : 'disconnected'
      for (const track of this.tracks.values()) {
        track.sequencer.lose(reason)
        track.doubt ??= reason
        if (track.keeper?.whole) this.gap(track, this.outlet.newest, 0)
        track.keeper?.reset()
      }
    }
    if (loss === 'oversized') this.outlet.invalid('*', 'oversized', '')
    const others = this.others > 0 ? `; ${this.others} messages of other streams so far` : ''
    this.notice(`connection lost: ${loss} (${detail})${others}`)
    if (wasOpen) this.outlet.event('*', 'lost', `${loss}: ${detail}`)
    if (this.phase === 'starting') this.outlet.begin(this.context.clock.now())
    if (loss === 'stalled') this.nameSilent()
  }

  // ---- words --------------------------------------------------------------------------------------

  private hear(line: Line, word: Word<T>, received: number, bytes: Buffer): void {
    switch (word.type) {
      case 'row':
        this.row(word.row, received, bytes)
        break
      case 'rows':
        for (const row of word.rows) this.row(row, received, bytes)
        break
      case 'left_out':
        this.sequence({ ...word, value: undefined }, received, bytes)
        break
      case 'book':
        this.book(word.message, received, bytes)
        break
      case 'refused':
        this.refused(word, bytes)
        break
      case 'invalid':
        this.outlet.invalid('*', word.reason, bytes)
        break
      case 'subscribed':
        this.outlet.event(word.symbol === undefined ? '*' : this.keyOf(word.symbol), 'subscribed', this.channel.name)
        this.pulse.alive(received)
        break
      case 'leave':
        this.notice(`the venue asks for a new connection: ${word.detail}`)
        line.drop(word.detail)
        break
      case 'other':
        this.others++
        this.pulse.alive(received)
        break
      case 'alive':
        this.pulse.alive(received)
        break
    }
  }
  private keyOf(symbol: string): string {
    return this.tracks.get(symbol)?.key ?? `${this.channel.venue}:${symbol}`
  }

  private refused({ message, code, symbol }: Word<T> & { readonly type: 'refused' }, bytes: Buffer): void {
    const { name } = this.channel
    // Once the feed has spoken, a refusal cannot be an answer to us: the stall watch mends what is broken.
    if (this.phase === 'told') this.outlet.invalid('*', 'refused', bytes)
    else {
      const what = symbol === undefined ? '' : ` "${symbol}"`
      this.fail(
        new TidegateError('SOURCE_FAILED', `${name}: ${new URL(this.url).host} refused${what}: ${message}`, {
          ...(code !== undefined && { code }),
          ...(symbol !== undefined && { symbol }),
        }),
      )
    }
  }

  private row(given: Row<T>, received: number, bytes: Buffer): void {
    const row = given.at > 0 ? given : { ...given, at: received }
    const track = this.tracks.get(row.symbol)
    if (track === undefined) {
      this.outlet.invalid('*', 'unasked_symbol', bytes)
      return
    }
    if (track.sequencer.isRepeat(row.id, row.at)) {
      this.repeated(track, bytes)
      return
    }
    const price = priceOf(row.value as object)
    const suspicion = typeof price === 'number' ? track.judge.verdict(price, row.at) : price
    if (suspicion === undefined) this.place(track, row, received, bytes)
    else {
      this.outlet.invalid(track.key, suspicion, bytes)
      // its number is part of the sequence all the same
      const at = suspicion === 'time_ahead' || suspicion === 'time_backwards' ? track.sequencer.newest : row.at
      if (this.channel.numbering === 'contiguous') this.place(track, { ...row, at, value: undefined }, received, bytes)
    }
  }
  private sequence(row: Numbered<T>, received: number, bytes: Buffer): void {
    const track = this.tracks.get(row.symbol)
    if (track === undefined) this.outlet.invalid('*', 'unasked_symbol', bytes)
    else this.place(track, row, received, bytes)
  }
  private place(track: Track<T>, row: Numbered<T>, received: number, bytes: Buffer): void {
    this.pulse.trade(received, row.at)
    this.offset.take(received, row.at)
    track.received = received
    switch (track.sequencer.take(row)) {
      case 'repeat':
        this.repeated(track, bytes)
        break
      case 'missing':
        this.filler.missing(track)
        break
      default:
        if (this.filler.busy) this.filler.look(track)
    }
  }
  /** Of several connections each repeats what the others gave: that is what they are for. */
  private repeated(track: Track<T>, bytes: Buffer): void {
    if (this.lines.length === 1) this.outlet.invalid(track.key, 'duplicate', bytes)
  }

  private rule(track: Track<T>, ruling: Ruling<T>): void {
    switch (ruling.type) {
      case 'row': {
        const { at, value } = ruling.row
        track.told = Math.max(track.told, at)
        if (value !== undefined) this.tell({ type: 'row', at, key: track.key, value })
        break
      }
      case 'gap':
        this.tell({ type: 'gap', at: ruling.at, key: track.key, value: ruling.gap })
        break
      case 'filled': {
        const value = { event: 'filled', detail: 'over REST', count: ruling.count } as const
        this.tell({ type: 'event', at: ruling.at, key: track.key, value })
        break
      }
    }
  }

  private book(message: BookMessage, received: number, bytes: Buffer): void {
    const track = this.tracks.get(message.symbol)
    if (track?.keeper === undefined) {
      this.outlet.invalid('*', 'unasked_symbol', bytes)
      return
    }
    this.pulse.trade(received, message.at)
    this.offset.take(received, message.at)
    track.received = received
    track.heard = Math.max(track.heard, message.at)
    this.booked(track, message, track.keeper.take(message), bytes)
  }
  private booked(track: Track<T>, message: BookMessage, booked: Booked, bytes: Uint8Array | string): void {
    switch (booked.type) {
      case 'rows':
        if (booked.rows.length === 0) return
        // a book that was asked for may tell no time; it holds the changes that were heard meanwhile
        track.told = Math.max(track.told, message.at, track.heard)
        if (track.doubt !== undefined) this.gap(track, track.told, 0)
        for (const value of booked.rows) this.tell({ type: 'row', at: track.told, key: track.key, value })
        break
      case 'repeat':
        this.outlet.invalid(track.key, 'duplicate', bytes)
        break
      case 'broken': {
        if (bytes.length > 0) this.outlet.invalid(track.key, booked.reason, bytes)
        track.doubt = 'sequence'
        this.gap(track, message.at, booked.missing)
        track.doubt = undefined
        this.outlet.event(track.key, 'resynced', booked.reason)
        const line = this.lines[0] as Line
        this.books?.again(track, line.send, line.drop)
        break
      }
    }
  }
  private gap(track: Track<T>, at: number, missing: number): void {
    const value = { reason: track.doubt ?? 'sequence', missing, since: track.told } as const
    track.doubt = undefined
    this.tell({ type: 'gap', at: Math.max(at, track.told), key: track.key, value })
  }

  // ---- time ---------------------------------------------------------------------------------------

  /** Lets time pass for silent symbols while a connection lives. */
  private beat(opened: number): void {
    const { heartbeat_every: every, stall_after } = this.given
    this.stopBeat = this.context.clock.after(every, () => {
      const now = this.context.clock.now()
      const passed = this.pulse.passed()
      if (!this.filler.busy)
        for (const track of this.tracks.values())
          this.heartbeat(track, { now, passed, proven: now - opened >= PROOF_BEATS * every })
      const offset = this.offset.news()
      if (offset !== undefined)
        this.outlet.event('*', 'clock', 'local clock less venue clock, latency included', offset)
      if (now - opened > stall_after) this.nameSilent()
      this.beat(opened)
    })
  }
  private heartbeat(
    track: Track<T>,
    { now, passed, proven }: { readonly now: number; readonly passed: number; readonly proven: boolean },
  ): void {
    if (now - track.received < this.given.heartbeat_every || passed <= track.told) return
    if (track.keeper === undefined && track.sequencer.doubted !== undefined) {
      if (track.sequencer.newest > 0 && !proven) return
      track.sequencer.pass(passed)
    }
    track.told = passed
    this.tell({ type: 'heartbeat', at: passed, key: track.key })
  }

  /** Some venues answer a misspelt symbol with silence. */
  private nameSilent(): void {
    if (this.silent === 'named') return
    this.silent = 'named'
    const silent = [...this.tracks].filter(([, track]) => track.received === 0).map(([symbol]) => symbol)
    if (silent.length > 0) this.notice(`nothing yet from ${silent.join(', ')}`)
  }

  private tell(item: SourceItem): void {
    this.phase = 'told'
    this.outlet.tell(item)
  }
}

const closed = (subscription?: Subscription): Line => ({
  state: 'down',
  since: 0,
  send: () => {},
  drop: () => {},
  subscription,
  stopPing: () => {},
})
