import type { SourceContext, SourceItem } from '../../runtime/define.ts'
import type { FeedEvent, Gap } from '../../schemas/market.ts'
import { invalidItem } from '../feed/invalid.ts'
import type { Row } from './teller.ts'
import type { Log } from './wire.ts'

export interface NarratorSettings {
  readonly name: string
  readonly keys: readonly string[]
  readonly heartbeat_every: number
}

/** Says what the chain did as items of a feed, in event time. */
export class Narrator {
  private readonly settings: NarratorSettings
  private readonly context: SourceContext
  private readonly say: (items: readonly SourceItem[]) => void
  /** Event time so far, µs. It never runs back: the blocks of a new branch may be older than what was told. */
  private told = 0
  private beaten = 0

  constructor(settings: NarratorSettings, context: SourceContext, say: (items: readonly SourceItem[]) => void) {
    this.settings = settings
    this.context = context
    this.say = say
  }

  /** The chain has come to a block of this time. */
  reach(at: number): void {
    this.told = Math.max(this.told, at)
  }

  rows(rows: readonly Row[]): void {
    if (rows.length > 0) this.say(rows.map(({ key, value }) => ({ type: 'row', at: this.told, key, value })))
  }

  /** Every block moves time for every instrument. */
  beat(): void {
    if (this.told - this.beaten < this.settings.heartbeat_every) return
    this.beaten = this.told
    this.say(this.settings.keys.map((key) => ({ type: 'heartbeat', at: this.told, key })))
  }

  gap(at: number, reason: Gap['reason']): void {
    const since = this.told
    this.reach(at)
    const value = { reason, missing: 0, since }
    this.say(this.settings.keys.map((key) => ({ type: 'gap', at: this.told, key, value })))
  }

  event(event: FeedEvent['event'], detail: string, count: number): void {
    this.say([{ type: 'event', at: this.context.clock.now(), key: '*', value: { event, detail, count } }])
    this.context.notice(`${this.settings.name}: ${event}: ${detail}`)
  }

  invalid(reason: string, bytes: Buffer | string): void {
    this.say([invalidItem(this.context.clock.now(), '*', reason, bytes)])
  }

  invalidLog = (log: Log, reason: string): void => this.invalid(reason, JSON.stringify(log))
}
