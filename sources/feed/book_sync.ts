import type { SourceContext } from '../../runtime/define.ts'
import type { Booked } from './book_keeper.ts'
import type { Rest } from './rest.ts'
import type { Track } from './track.ts'
import type { BookMessage, BookRules } from './venue.ts'

export interface SyncSettings<T> {
  readonly rules: BookRules
  readonly rest: Rest | undefined
  readonly context: SourceContext
  readonly booked: (track: Track<T>, message: BookMessage, booked: Booked) => void
  readonly failed: (track: Track<T>, message: string) => void
}

/** Gets whole books: by a question over REST, by messages on the connection, or by another connection. */
export class BookSync<T> {
  private readonly settings: SyncSettings<T>
  private readonly questions = new Map<Track<T>, AbortController>()
  /** How often in a row a book broke soon after it was whole, and when it did last. */
  private readonly breaks = new Map<Track<T>, { count: number; at: number }>()

  constructor(settings: SyncSettings<T>) {
    this.settings = settings
  }

  /** A question over REST is under way: it goes on until it is answered. */
  get asking(): boolean {
    return this.questions.size > 0
  }

  /** The stream of a symbol runs, and begins with changes. */
  begin(track: Track<T>): void {
    if (this.settings.rules.snapshot !== undefined) void this.ask(track)
  }
  /** A book is not believed any more. */
  again(track: Track<T>, send: (text: string) => void, drop: (detail: string) => void): void {
    const { snapshot, again } = this.settings.rules
    if (snapshot !== undefined && this.settings.rest !== undefined) void this.ask(track)
    else if (again === undefined) drop(`the book of ${track.symbol} must begin anew`)
    else {
      const say = () => {
        for (const text of again(track.symbol)) send(text)
      }
      const wait = this.patience(track)
      if (wait === 0) say()
      else this.settings.context.clock.after(wait, say)
    }
  }
  /** A book that breaks again and again is asked for less and less often: its venue, or our reading of it, is wrong. */
  private patience(track: Track<T>): number {
    const { clock, random } = this.settings.context
    const now = clock.now()
    const before = this.breaks.get(track)
    const count = before !== undefined && now - before.at < 60e6 ? before.count + 1 : 0
    this.breaks.set(track, { count, at: now })
    return count === 0 ? 0 : Math.round((0.5 + random() / 2) * Math.min(30e6, 0.25e6 * 2 ** count))
  }
  stop(): void {
    for (const asking of this.questions.values()) asking.abort()
    this.questions.clear()
  }

  private async ask(track: Track<T>): Promise<void> {
    const { rules, rest, context, booked, failed } = this.settings
    if (rules.snapshot === undefined || rest === undefined || this.questions.has(track)) return
    const asking = new AbortController()
    this.questions.set(track, asking)
    for (let attempt = 0; !asking.signal.aborted && track.keeper?.whole === false; attempt++) {
      if (attempt > 0) await pause(context, Math.min(30e6, 0.25e6 * 2 ** attempt), asking.signal)
      try {
        const message = await rules.snapshot(track.symbol, rest.until(asking.signal))
        if (asking.signal.aborted || track.keeper.whole) break
        booked(track, message, track.keeper.begin(message))
      } catch (error) {
        if (!asking.signal.aborted) failed(track, (error as Error).message)
      }
    }
    if (this.questions.get(track) === asking) this.questions.delete(track)
  }
}

function pause({ clock, random }: SourceContext, micros: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(Math.round(micros * (0.5 + random() / 2)), done)
    signal.addEventListener('abort', done, { once: true })
  })
}
