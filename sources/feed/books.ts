import { pause, type SourceContext } from '../../runtime/define.ts'
import type { Gap } from '../../schemas/market.ts'
import { formatDuration } from '../../schemas/units.ts'
import type { Booked } from './book_keeper.ts'
import type { Line } from './lines.ts'
import type { Outlet } from './outlet.ts'
import type { Rest } from './rest.ts'
import type { Track } from './track.ts'
import type { BookMessage, BookRules } from './venue.ts'

export interface BooksSettings<T> {
  readonly rules: BookRules
  readonly tracks: Iterable<Track<T>>
  readonly rest: Rest | undefined
  readonly context: SourceContext
  readonly outlet: Outlet
  /** The connection books come on, where it is open. */
  readonly line: () => Line | undefined
  readonly notice: (text: string) => void
}
/** µs within which a whole book must have come, or the connection is given up. */
const BOOK_WITHIN = 15e6

/** The books of a feed: told as rows, and begun anew by REST, by messages on the connection, or by another connection. */
export class Books<T> {
  private readonly settings: BooksSettings<T>
  private readonly questions = new Map<Track<T>, AbortController>()
  /** How often in a row a book broke soon after it was whole, and when it did last. */
  private readonly breaks = new Map<Track<T>, { count: number; at: number }>()
  /** Local time a whole book was last to be sent. */
  private readonly due = new Map<Track<T>, number>()

  constructor(settings: BooksSettings<T>) {
    this.settings = settings
  }

  /** A connection is open: whole books come by themselves, or must be asked for. */
  begin(at: number): void {
    for (const track of this.settings.tracks) {
      this.due.set(track, at)
      if (this.settings.rules.snapshot !== undefined) void this.ask(track)
    }
  }
  /** The connection is gone: nothing may merge into what was told. */
  lose(): void {
    this.stop()
    for (const track of this.settings.tracks) {
      if (track.keeper?.whole === true) this.gap(track, this.settings.outlet.newest, 0)
      track.keeper?.reset()
    }
  }
  stop(): void {
    for (const question of this.questions.values()) question.abort()
    this.questions.clear()
  }

  take(track: Track<T>, message: BookMessage, bytes: Buffer): void {
    if (track.keeper === undefined) return
    track.heard = Math.max(track.heard, message.at)
    this.booked(track, message, track.keeper.take(message), bytes)
  }
  /** A change could not be read: without it this is not the book of the venue. */
  unread(track: Track<T> | undefined): void {
    if (track?.keeper?.whole !== true) return
    track.keeper.reset()
    this.broken(track, track.heard, 'a change that cannot be read', 0)
  }
  /** A whole book that was to come and never does must not leave a symbol silent for ever. */
  check(now: number): void {
    const line = this.settings.line()
    if (line === undefined) return
    for (const [track, due] of this.due) {
      if (track.keeper?.whole !== false || now - due <= BOOK_WITHIN) continue
      // REST is still asked, and another connection would take the other books with it
      if (this.questions.has(track)) this.againOnStream(track)
      else line.drop(`no whole book of ${track.symbol} within ${formatDuration(BOOK_WITHIN)}`)
    }
  }

  private booked(track: Track<T>, message: BookMessage, booked: Booked, bytes: Buffer | undefined): void {
    const { outlet } = this.settings
    switch (booked.type) {
      case 'rows': {
        if (booked.rows.length === 0) return
        // a book that was asked for may tell no time; it holds the changes that were heard meanwhile
        const at = Math.max(track.told, message.at, track.heard)
        if (track.doubt !== undefined) this.gap(track, at, 0)
        track.told = at
        for (const value of booked.rows) outlet.tell({ type: 'row', at, key: track.key, value })
        break
      }
      case 'repeat':
        if (bytes !== undefined) outlet.invalid(track.key, 'duplicate', bytes)
        break
      case 'kept':
        break
      case 'broken':
        if (bytes !== undefined) outlet.invalid(track.key, booked.reason, bytes)
        this.broken(track, message.at, booked.reason, booked.missing)
        break
    }
  }
  private broken(track: Track<T>, at: number, reason: string, missing: number): void {
    track.doubt = 'sequence'
    this.gap(track, at, missing)
    this.settings.outlet.event(track.key, 'resynced', reason)
    this.again(track)
  }
  private gap(track: Track<T>, at: number, missing: number): void {
    const value: Gap = { reason: track.doubt ?? 'sequence', missing, since: track.told }
    track.doubt = undefined
    this.settings.outlet.tell({ type: 'gap', at: Math.max(at, track.told), key: track.key, value })
  }

  /** Of REST and the stream whichever brings the whole book first is believed. */
  private again(track: Track<T>): void {
    const { rules, rest, line } = this.settings
    const asks = rules.snapshot !== undefined && rest !== undefined
    if (asks) void this.ask(track)
    if (asks || rules.again !== undefined) this.againOnStream(track)
    else line()?.drop(`the book of ${track.symbol} must begin anew`)
  }
  private againOnStream(track: Track<T>): void {
    const { rules, line, context } = this.settings
    this.due.set(track, context.clock.now())
    const texts = rules.again?.(track.symbol) ?? []
    const say = () => {
      if (track.keeper?.whole === false) for (const text of texts) line()?.send(text)
    }
    const wait = this.patience(track)
    if (wait === 0) say()
    else context.clock.after(wait, say)
  }
  /** A book that breaks again and again is asked for less and less often: its venue, or our reading of it, is wrong. */
  private patience(track: Track<T>): number {
    const now = this.settings.context.clock.now()
    const before = this.breaks.get(track)
    const count = before !== undefined && now - before.at < 60e6 ? before.count + 1 : 0
    this.breaks.set(track, { count, at: now })
    return count === 0 ? 0 : this.jittered(count)
  }

  /** Half of it and more of 0.25 s x 2^n, 30 s at most. */
  private jittered(attempt: number): number {
    return Math.round((0.5 + this.settings.context.random() / 2) * Math.min(30e6, 0.25e6 * 2 ** attempt))
  }

  private async ask(track: Track<T>): Promise<void> {
    const { rules, rest, context, notice } = this.settings
    if (rules.snapshot === undefined || rest === undefined || this.questions.has(track)) return
    const question = new AbortController()
    const { signal } = question
    this.questions.set(track, question)
    for (let attempt = 0; !signal.aborted && track.keeper?.whole === false; attempt++) {
      if (attempt > 0) await pause(context.clock, this.jittered(attempt), signal)
      try {
        const message = await rules.snapshot(track.symbol, rest.until(signal))
        if (signal.aborted || track.keeper.whole) break
        this.booked(track, message, track.keeper.begin(message), undefined)
      } catch (error) {
        if (!signal.aborted) notice(`${track.symbol}: no whole book: ${(error as Error).message}`)
      }
    }
    if (this.questions.get(track) === question) this.questions.delete(track)
  }
}
