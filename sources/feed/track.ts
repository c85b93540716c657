import type { Gap } from '../../schemas/market.ts'
import { BookKeeper } from './book_keeper.ts'
import { Judge } from './judge.ts'
import { type Numbered, Sequencer } from './sequencer.ts'
import type { Channel } from './venue.ts'

/** What a feed knows of one symbol. */
export interface Track<T> {
  readonly symbol: string
  readonly key: string
  readonly sequencer: Sequencer<T>
  readonly keeper: BookKeeper | undefined
  readonly judge: Judge
  /** Judges what was asked for again, by the row that was told last: `judge` has heard those behind the hole. */
  readonly judgeOfOld: Judge
  /** Why the next book does not go on from the last one. */
  doubt: Gap['reason'] | undefined
  /** `refused`: the venue would not give it again; until it does nothing is known of its time. */
  standing: 'asked' | 'refused'
  /** Local time of its last row. */
  received: number
  /** Event time told last, by a row or a heartbeat. */
  told: number
  /** Event time of the newest message of its book, told or not. */
  heard: number
}

/** Who hears what the sequencers of all symbols tell. */
export interface Hearer<T> {
  readonly row: (track: Track<T>, row: Numbered<T>) => void
  readonly filled: (track: Track<T>, at: number, count: number) => void
  readonly gap: (track: Track<T>, at: number, gap: Gap) => void
}

export function trackOf<T>(
  channel: Channel<T>,
  symbol: string,
  reason: Gap['reason'],
  {
    maxJump,
    waits,
    on,
  }: {
    readonly maxJump: number
    readonly waits: boolean
    readonly on: Hearer<T>
  },
): Track<T> {
  const tell = {
    row: (row: Numbered<T>) => on.row(track, row),
    filled: (at: number, count: number) => on.filled(track, at, count),
    gap: (at: number, gap: Gap) => on.gap(track, at, gap),
  }
  const track: Track<T> = {
    symbol,
    key: `${channel.venue}:${symbol}`,
    sequencer: new Sequencer<T>(channel.numbering, reason, { waits, tell }),
    keeper: channel.book && new BookKeeper(channel.book),
    judge: new Judge(maxJump),
    judgeOfOld: new Judge(maxJump),
    doubt: reason,
    standing: 'asked',
    received: 0,
    told: 0,
    heard: 0,
  }
  return track
}
