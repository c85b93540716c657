import type { Subscriber, Subscription } from 'rxjs'
import type { SourceContext, SourceItem } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import type { Gap } from '../../schemas/market.ts'
import { formatDuration } from '../../schemas/units.ts'
import { invalidItem } from '../feed/invalid.ts'
import { Pulse } from '../feed/pulse.ts'
import { connect, type SocketEvent, type SocketLimits } from '../feed/socket.ts'
import { type Continuity, concede, doubt, follow } from './continuity.ts'
import { read, type Word } from './wire.ts'

export interface FeedSettings {
  readonly name: string
  readonly venue: string
  readonly url: string
  readonly symbols: readonly string[]
  readonly stall_after: number
  readonly heartbeat_every: number
  readonly heartbeat_lag: number
}
interface Track {
  readonly key: string
  continuity: Continuity
  /** Local time of its last trade. */
  received: number
  /** Event time told last, by a trade or a heartbeat. */
  told: number
}
/** Silent symbols wait this many heartbeats after a reconnection for a number that proves continuity. */
const proofBeats = 5

/** Turns the words of one connection into items: numbers checked, gaps told, time kept going. */
export class Feed {
  private readonly settings: FeedSettings
  private readonly context: SourceContext
  private readonly subscriber: Subscriber<readonly SourceItem[]>
  private readonly tracks: ReadonlyMap<string, Track>
  private readonly pulse: Pulse
  private subscription: Subscription | undefined
  private stopBeat = () => {}
  private batch: SourceItem[] = []
  private phase: 'starting' | 'told' = 'starting'
  private silent: 'unnamed' | 'named' = 'unnamed'
  private others = 0

  constructor(settings: FeedSettings, context: SourceContext, subscriber: Subscriber<readonly SourceItem[]>) {
    this.settings = settings
    this.context = context
    this.subscriber = subscriber
    this.pulse = new Pulse(settings.heartbeat_lag)
    const reason = context.position > 0 ? 'resumed' : 'connected'
    const fresh: Continuity = { state: 'unproven', reason, last: undefined }
    this.tracks = new Map(
      settings.symbols.map((symbol) => [
        symbol,
        { key: `${settings.venue}:${symbol}`, continuity: fresh, received: 0, told: 0 },
      ]),
    )
  }

  start(limits: SocketLimits): void {
    const { name, url } = this.settings
    const isData = ({ type }: Word) => type === 'trade' || type === 'left_out'
    this.subscription = connect({ name, url, limits, read, isData }, this.context).subscribe({
      next: (event) => this.take(event),
      error: (error) => this.fail(error),
    })
  }

  stop(): void {
    this.stopBeat()
    this.subscription?.unsubscribe()
  }

  private fail(error: unknown): void {
    this.flush()
    this.stop()
    this.subscriber.error(error)
  }

  private take(event: SocketEvent<Word>): void {
    const { name, url } = this.settings
    switch (event.type) {
      case 'message':
        this.hear(event.message, event.at, event.bytes)
        break
      case 'alive':
        this.pulse.alive(event.at)
        break
      case 'opened':
        this.context.notice(`${name}: connected to ${new URL(url).host}`)
        this.beat(event.at)
        break
      case 'lost':
        this.lost(event)
        break
      case 'retrying': {
        const wait = formatDuration(Math.round(event.after / 1e3) * 1e3)
        this.context.notice(`${name}: trying again in ${wait} (attempt ${event.attempt})`)
        break
      }
    }
  }

  private lost({ loss, detail }: SocketEvent<Word> & { readonly type: 'lost' }): void {
    this.stopBeat()
    const reason = loss === 'stalled' ? 'stalled' : 'disconnected'
    for (const track of this.tracks.values()) track.continuity = doubt(track.continuity, reason)
    if (loss === 'oversized') this.tell(invalidItem(this.context.clock.now(), '*', 'oversized', ''))
    const others = this.others > 0 ? `; ${this.others} messages of other streams so far` : ''
    this.context.notice(`${this.settings.name}: connection lost: ${loss} (${detail})${others}`)
    if (loss === 'stalled') this.nameSilent()
  }

  private hear(word: Word, received: number, bytes: Buffer): void {
    switch (word.type) {
      case 'trade':
      case 'left_out':
        this.follow(word, received, bytes)
        break
      case 'refused': {
        const { name, url } = this.settings
        const { code, message } = word
        // Once the feed has spoken, a refusal cannot be an answer to us: the stall watch mends what is broken.
        if (this.phase === 'told') this.refuse('refused', bytes)
        else this.fail(new TidegateError('SOURCE_FAILED', `${name}: ${url} refused: ${message}`, { code, url }))
        break
      }
      case 'invalid':
        this.refuse(word.reason, bytes)
        break
      case 'other':
        this.others++
        this.pulse.alive(received)
        break
    }
  }

  private follow(word: Word & { readonly type: 'trade' | 'left_out' }, received: number, bytes: Buffer): void {
    const { at, symbol, id } = word
    const track = this.tracks.get(symbol)
    const step = track && follow(track.continuity, id, at)
    if (track === undefined || step === undefined) this.refuse('unasked_symbol', bytes)
    else if (step.type === 'repeat') this.refuse('duplicate', bytes)
    else {
      this.pulse.trade(received, at)
      track.continuity = step.now
      track.received = received
      track.told = Math.max(track.told, at)
      if (step.gap !== undefined) this.gap(track, at, step.gap)
      if (word.type === 'trade') this.tell({ type: 'row', at, key: track.key, value: word.trade })
    }
  }

  private gap(track: Track, at: number, value: Gap): void {
    this.tell({ type: 'gap', at, key: track.key, value })
  }

  private refuse(reason: string, bytes: Buffer): void {
    this.tell(invalidItem(this.context.clock.now(), '*', reason, bytes))
  }

  /** Lets time pass for silent symbols while the connection lives. */
  private beat(opened: number): void {
    const { heartbeat_every: every, stall_after } = this.settings
    this.stopBeat = this.context.clock.after(every, () => {
      const now = this.context.clock.now()
      const passed = this.pulse.passed()
      for (const track of this.tracks.values()) {
        if (now - track.received < every || passed <= track.told) continue
        const { continuity } = track
        if (continuity.state === 'unproven') {
          if (continuity.last !== undefined && now - opened < proofBeats * every) continue
          const { gap, now: proven } = concede(continuity)
          this.gap(track, passed, gap)
          track.continuity = proven
        }
        track.told = passed
        this.tell({ type: 'heartbeat', at: passed, key: track.key })
      }
      if (now - opened > stall_after) this.nameSilent()
      this.beat(opened)
    })
  }

  /** Binance answers a misspelt symbol with silence. */
  private nameSilent(): void {
    if (this.silent === 'named') return
    this.silent = 'named'
    const silent = [...this.tracks].filter(([, track]) => track.received === 0).map(([symbol]) => symbol)
    if (silent.length > 0) this.context.notice(`${this.settings.name}: nothing yet from ${silent.join(', ')}`)
  }

  /** Items of one network chunk leave as one array. */
  private tell(item: SourceItem): void {
    if (item.type !== 'invalid') this.phase = 'told'
    if (this.batch.push(item) === 1) queueMicrotask(() => this.flush())
  }

  private flush(): void {
    if (this.batch.length === 0) return
    const items = this.batch
    this.batch = []
    this.subscriber.next(items)
  }
}
