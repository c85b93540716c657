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
  private readonly asking = new Map<Track<T>, AbortController>()

  constructor(settings: SyncSettings<T>) {
    this.settings = settings
  }

  /** The stream of a symbol runs, and begins with changes. */
  begin(track: Track<T>): void {
    if (this.settings.rules.snapshot !== undefined) void this.ask(track)
  }
  /** A book is not believed any more. */
  again(track: Track<T>, send: (text: string) => void, drop: (detail: string) => void): void {
    const { snapshot, again } = this.settings.rules
    if (snapshot !== undefined) void this.ask(track)
    else if (again !== undefined) for (const text of again(track.symbol)) send(text)
    else drop(`the book of ${track.symbol} must begin anew`)
  }
  stop(): void {
    for (const asking of this.asking.values()) asking.abort()
    this.asking.clear()
  }

  private async ask(track: Track<T>): Promise<void> {
    const { rules, rest, context, booked, failed } = this.settings
    if (rules.snapshot === undefined || rest === undefined || this.asking.has(track)) return
    const asking = new AbortController()
    this.asking.set(track, asking)
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
    if (this.asking.get(track) === asking) this.asking.delete(track)
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
