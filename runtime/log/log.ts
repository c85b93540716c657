/** One committed record. `data` begins at a multiple of 8 in its buffer, so a frame in it is decoded without a copy. */
export interface LogRecord {
  readonly seq: number
  readonly data: Uint8Array
}

/** What a stream holds now. Sequences start at 1; an empty stream has `first` = `last` + 1. */
export interface StreamState {
  readonly first: number
  readonly last: number
  /** Given once, when the stream is created: a stream that was deleted and made again has another. */
  readonly created: string
  /** What the stream occupies in its log. */
  readonly bytes: number
}

/** An ordered, append-only stream of records. Every implementation passes `logContract`. */
export interface LogStream {
  readonly name: string
  state(): Promise<StreamState>
  /**
   * Appends one record if `expectedLast` is the sequence of the last one (0 in a new stream), and gives the new sequence.
   * The bytes may be reused once the promise is settled.
   * @throws LOG_CONFLICT (info: expected, found) when the stream has moved on; nothing is written.
   * After any other rejection the outcome may be unknown: read `last` before the next append.
   */
  append(data: Uint8Array, expectedLast: number): Promise<number>
  /**
   * The records from `from` to what is last at the call of `next`; from last + 1 there are none.
   * @throws LOG_LOST when `from` lies below `first` or beyond last + 1: what the reader points at is not here
   */
  read(from: number, options?: ReadOptions): AsyncIterable<LogRecord>
  last(): Promise<LogRecord | undefined>
  /**
   * The records from `from`, then what is appended later, by this process or another. Ends when the signal aborts or the
   * log is closed.
   * @throws LOG_LOST as `read`
   */
  tail(from: number, signal: AbortSignal): AsyncIterable<LogRecord>
}

export interface ReadOptions {
  /** At most so many records. */
  readonly limit?: number
}

/** Named streams in one place. */
export interface Log {
  /** The stream of that name, created when absent. */
  stream(name: string): Promise<LogStream>
  open(name: string): Promise<LogStream | undefined>
  /** The names of all streams, sorted. */
  streams(): Promise<readonly string[]>
  /** Makes what was appended durable, ends all tails and gives the log free for another writer. */
  close(): Promise<void>
  /** What "committed" means here, in one sentence. */
  readonly guarantee: string
  /** What opening had to mend, one sentence each. */
  readonly notices: readonly string[]
}
