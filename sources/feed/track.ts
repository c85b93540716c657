import type { Gap } from '../../schemas/market.ts'
import { BookKeeper } from './book_keeper.ts'
import { Judge } from './judge.ts'
import { type Ruling, Sequencer } from './sequencer.ts'
import type { Channel } from './venue.ts'

/** What a feed knows of one symbol. */
export interface Track<T> {
  readonly symbol: string
  readonly key: string
  readonly sequencer: Sequencer<T>
  readonly keeper: BookKeeper | undefined
  readonly judge: Judge
  /** Why the next book does not go on from the last one. */
  doubt: Gap['reason'] | undefined
  /** Local time of its last row. */
  received: number
  /** Event time told last, by a row or a heartbeat. */
  told: number
  /** Event time of the newest message of its book, told or not. */
  heard: number
}

export function trackOf<T>(
  channel: Channel<T>,
  symbol: string,
  reason: Gap['reason'],
  {
    maxJump,
    waits,
    rule,
  }: {
    readonly maxJump: number
    readonly waits: boolean
    readonly rule: (track: Track<T>, ruling: Ruling<T>) => void
  },
): Track<T> {
  const track: Track<T> = {
    symbol,
    key: `${channel.venue}:${symbol}`,
    sequencer: new Sequencer<T>(channel.numbering, reason, { waits, tell: (ruling) => rule(track, ruling) }),
    keeper: channel.book && new BookKeeper(channel.book),
    judge: new Judge(maxJump),
    doubt: reason,
    received: 0,
    told: 0,
    heard: 0,
  }
  return track
}
