import type { StreamInfo } from '@nats-io/jetstream'
import { TidegateError } from '../schemas/errors.ts'

/** Where to begin: at what comes next, at the oldest there is, or at a sequence. */
export type From = 'new' | 'all' | number

/** Where a reader stands in its stream, and whether the stream still holds what is due. */
export class Place {
  private readonly stream: string
  private readonly from: From
  private readonly filtered: boolean
  private created: string | undefined
  private begun = false
  private due = 1
  /** Nothing up to here is unread: known of filtered readers, whose own signals may be old. */
  private passed = 0

  constructor(stream: string, from: From, filtered: boolean, created: string | undefined) {
    this.stream = stream
    this.from = from
    this.filtered = filtered
    this.created = created
  }

  /** The sequence to read from. */
  get next(): number {
    return this.due
  }
  get streamCreated(): string {
    return this.created ?? ''
  }

  /**
   * Compares with what the stream holds now. `new` becomes a sequence here, once; `all` begins at the oldest until a
   * first message has come, as limits may let that one go meanwhile.
   * @throws LOG_LOST
   */
  look({ created, state }: StreamInfo): void {
    const first = Math.max(1, state.first_seq)
    const last = state.last_seq
    const fresh = !this.begun
    if (this.created !== undefined && this.created !== created)
      throw this.lost(`expected the stream created ${this.created}, found ${created}: it was made anew`, first, created)
    this.created = created
    if (this.from === 'all' && fresh) {
      this.due = first
      return
    }
    if (fresh) this.due = this.from === 'new' ? last + 1 : (this.from as number)
    this.begun = true
    if (this.due > last + 1)
      throw this.lost(`signal ${this.due} is due, but the stream ends at ${last}: it was cut`, last + 1, created)
    if (Math.max(this.due, this.passed + 1) < first)
      throw this.lost(
        `signal ${this.due} is due, but the stream begins at ${first}: its limits, or a purge, let unread signals go`,
        first,
        created,
      )
  }

  /** A new consumer found nothing waiting for it, in a stream that ended at `last` just before. */
  nothingUpTo(last: number): void {
    this.begun = true
    this.passed = Math.max(this.passed, last)
  }

  /** What to do with a message of this sequence: `ask` when only the stream can tell whether one before it is lost. */
  verdict(seq: number): 'skip' | 'take' | 'ask' {
    if (seq < this.due) return 'skip'
    if (seq === this.due || !this.begun) return 'take'
    if (this.filtered) return 'ask'
    throw this.lost(
      `signal ${this.due} is due, but the stream goes on at ${seq}: what is between was deleted, or let go by its limits`,
      seq,
      this.streamCreated,
    )
  }
  take(seq: number): void {
    this.begun = true
    this.due = seq + 1
  }

  /** `info.next` and `info.created` say from where one may go on, knowing that something is lost. */
  lost(reason: string, next: number, created: string): TidegateError {
    return new TidegateError('LOG_LOST', `${this.stream}: ${reason}`, {
      stream: this.stream,
      due: this.due,
      next,
      created,
    })
  }
}
