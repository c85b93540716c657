import type { Rest } from './rest.ts'

/** One row as a venue tells it. */
export interface Row<T> {
  /** As the venue spells it. */
  readonly symbol: string
  /** Event time in µs; 0 where the venue tells none: the local time of its receipt stands for it. */
  readonly at: number
  /** The venue's number of it, 0 where it has none. */
  readonly id: number
  /** The first number it stands for, where the venue folds several into one row. */
  readonly first?: number
  readonly value: T
}

/** Price and size of one level; the texts they were sent as, where a checksum is taken of them. Size 0 takes it out. */
export type Level = readonly [price: number, size: number, priceText?: string, sizeText?: string]
export interface BookMessage {
  readonly symbol: string
  /** As of a row: 0 where the venue tells none. */
  readonly at: number
  /** A whole book, or what changed. */
  readonly snapshot: boolean
  /** The number of this message, 0 where the venue has none. */
  readonly id: number
  /** For a change: the least and the largest number of the message before that it fits upon. */
  readonly follows?: readonly [from: number, to: number]
  readonly bids: readonly Level[]
  readonly asks: readonly Level[]
  /** What the venue says the checksum of its book is after this message. */
  readonly checksum?: number
}

/** What could not be read. */
export interface Unread {
  readonly reason: string
  /** Who lacks it, where nothing else of the venue would show that. */
  readonly symbol?: string
}
/** The same within a message whose other rows are sound. */
export interface Lost extends Unread {
  /** The place in `rows` of what follows it. */
  readonly before: number
}

/** What one message of a venue says. */
export type Word<T> =
  | { readonly type: 'row'; readonly row: Row<T> }
  /** Several in one message, oldest first. */
  | { readonly type: 'rows'; readonly rows: readonly Row<T>[]; readonly lost?: readonly Lost[] }
  /** It has a number in the sequence, and is no row: a trade outside the book. */
  | { readonly type: 'left_out'; readonly symbol: string; readonly at: number; readonly id: number }
  | { readonly type: 'book'; readonly message: BookMessage }
  /** The venue accepted a subscription. */
  | { readonly type: 'subscribed'; readonly symbol?: string }
  /** The venue refused what was asked: a misspelt symbol, an unknown channel. */
  | { readonly type: 'refused'; readonly message: string; readonly code?: number | string; readonly symbol?: string }
  /** A heartbeat, a pong, a status: a sign of life, and no data. */
  | { readonly type: 'alive' }
  /** The venue asks for a new connection: it is about to shut this one. */
  | { readonly type: 'leave'; readonly detail: string }
  /** A message of another channel: known, and not for us. */
  | { readonly type: 'other'; readonly what: string }
  | (Unread & { readonly type: 'invalid' })

/** How the numbers of a channel prove that nothing is missing. */
export type Numbering =
  /** Each symbol counts without holes: last + 1 proves continuity, across connections too. */
  | 'contiguous'
  /** Numbers rise, and holes mean nothing: they tell repeats only. */
  | 'ascending'
  /** No numbers: every new connection is a gap. */
  | 'none'

/** Numbers a symbol is missing, both ends included, and the event time before them. */
export interface Missing {
  readonly symbol: string
  readonly from: number
  readonly to: number
  readonly since: number
}

/** How a book of a venue is kept whole. */
export interface BookRules {
  /** Levels a side that the venue tells; what falls behind them is dropped. 0: all. */
  readonly depth: number
  /** The checksum of a book, the best levels first. */
  readonly checksum?: (bids: readonly Level[], asks: readonly Level[]) => number
  /** Asks for the whole book over REST, where the stream itself begins with changes. */
  readonly snapshot?: (symbol: string, rest: Rest) => Promise<BookMessage>
  /** Messages that make the venue send a whole book again on the same connection. Without them it is opened anew. */
  readonly again?: (symbol: string) => readonly string[]
}

/**
 * One channel of one venue: all that is particular about it. Everything else (connections, watchdogs, gaps, repeats,
 * filling, heartbeats, quarantine) is the same for every venue and lives beside this file.
 */
export interface Channel<T> {
  /** The component, such as `kraken_trades`. */
  readonly name: string
  /** What stands before the colon of an instrument: `kraken`. */
  readonly venue: string
  /** The WebSocket address, the endpoint given to the source in place of the venue's own. */
  readonly url: (endpoint: string | undefined) => string
  /** What is said once a connection is open, for all symbols; for one alone that was refused, some time later. */
  readonly greet: (symbols?: readonly string[]) => readonly string[]
  /** Keeps the connection alive where the venue wants a message of its own for that; µs. */
  readonly ping?: { readonly every: number; readonly text: string }
  /** Reads one message. Must not throw. */
  readonly read: (bytes: Buffer, binary: boolean) => Word<T>
  readonly numbering: Numbering
  readonly book?: BookRules
  /** The venue's REST address, for what follows. */
  readonly rest?: string
  /** µs between two questions at least: the rate the venue allows. */
  readonly restPace?: number
  /** Asks for rows the stream did not give, oldest first. What it cannot give it leaves out. */
  readonly fill?: (missing: Missing, rest: Rest) => Promise<readonly Row<T>[]>
  /** The symbols the venue trades, to name near matches of a misspelt one. */
  readonly listing?: (rest: Rest) => Promise<readonly string[]>
}
