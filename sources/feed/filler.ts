import { type Clock, pause } from '../../runtime/define.ts'
import { formatDuration } from '../../schemas/units.ts'
import { isBusy } from './busy.ts'
import { textOf } from './invalid.ts'
import type { Outlet } from './outlet.ts'
import { RestFailure } from './rest.ts'
import type { Numbered } from './sequencer.ts'
import type { Track } from './track.ts'
import type { Missing, Row } from './venue.ts'

export interface FillerSettings<T> {
  readonly clock: Clock
  readonly outlet: Outlet
  /** Asks for what is missing; without it only another connection can give it. */
  readonly ask: ((missing: Missing, signal: AbortSignal) => Promise<readonly Row<T>[]>) | undefined
  /** µs to wait for another connection before asking. */
  readonly patience: number
  /** µs after which everything missing is told as gaps. */
  readonly within: number
  readonly notice: (text: string) => void
}
/** µs before a question for the same hole is put again: twice as long each time, up to this. */
const ASK_AGAIN = 100e3
const ASK_AGAIN_MOST = 3.2e6
/** Items held at most; beyond, what is missing is given up. */
const MOST_HELD = 1_000_000

/**
 * Closes holes in the numbers. While one is open the whole feed is held, so that what comes late from elsewhere is told
 * in its place and event time does not pass it by.
 */
export class Filler<T> {
  private readonly settings: FillerSettings<T>
  private readonly open = new Set<Track<T>>()
  private stop = new AbortController()
  private cancel = () => {}

  constructor(settings: FillerSettings<T>) {
    this.settings = settings
  }

  get busy(): boolean {
    return this.open.size > 0
  }

  /** A hole has opened in a symbol. */
  missing(track: Track<T>): void {
    const { outlet, clock, within, patience } = this.settings
    if (!this.busy) {
      outlet.hold()
      this.stop = new AbortController()
      this.cancel = clock.after(within, () => this.giveUp(`not given within ${formatDuration(within)}`))
    }
    this.open.add(track)
    const { signal } = this.stop
    if (patience === 0) void this.fill(track, signal)
    else clock.after(patience, () => void this.fill(track, signal))
  }
  /** Rows came that may have closed the hole, or there are too many behind it. */
  look(track: Track<T>): void {
    if (!this.open.has(track)) return
    if (track.sequencer.missing === undefined) this.settle(track)
    else if (this.settings.outlet.waiting + track.sequencer.waiting > MOST_HELD) this.giveUp(`${MOST_HELD} rows wait`)
  }
  /** Ends all waiting: what is still missing is told as gaps. */
  giveUp(why: string): void {
    this.stop.abort()
    for (const track of [...this.open]) {
      const hole = track.sequencer.missing
      if (hole !== undefined) this.settings.outlet.event(track.key, 'unfilled', why, hole.to - hole.from + 1)
      track.sequencer.concede()
      this.settle(track)
    }
  }

  private async fill(track: Track<T>, signal: AbortSignal): Promise<void> {
    for (;;) {
      const hole = track.sequencer.missing
      if (signal.aborted) return
      if (hole === undefined || !this.open.has(track)) return this.look(track)
      const rows = await this.asked(track, hole, signal)
      if (signal.aborted) return
      // it closed meanwhile: the answer is none to a hole that opened behind it, which has a question of its own
      if (track.sequencer.missing !== hole) return this.look(track)
      if (track.sequencer.filled(this.judged(track, hole, rows)) !== 'missing') return this.look(track)
    }
  }
  private async asked(track: Track<T>, hole: Missing, signal: AbortSignal): Promise<readonly Row<T>[]> {
    const { ask, outlet, notice, clock } = this.settings
    if (ask === undefined) return []
    const count = hole.to - hole.from + 1
    let wait = ASK_AGAIN
    while (!signal.aborted) {
      try {
        const rows = await ask(hole, signal)
        if (rows.length < count && !signal.aborted)
          outlet.event(track.key, 'unfilled', `asked for ${count} rows, given ${rows.length}`, count - rows.length)
        return rows
      } catch (error) {
        const { message } = error as Error
        if (!signal.aborted && isFinal(error)) {
          notice(`${track.symbol}: ${count} missing rows could not be asked for again: ${message}`)
          outlet.event(track.key, 'unfilled', message, count)
          return []
        }
        await pause(clock, wait, signal)
        wait = Math.min(2 * wait, ASK_AGAIN_MOST)
      }
    }
    return []
  }
  /** What cannot be true is kept out; its number is part of the sequence all the same. */
  private judged(track: Track<T>, { since }: Missing, rows: readonly Row<T>[]): readonly Numbered<T>[] {
    const { outlet, clock } = this.settings
    const received = clock.now()
    let reached = since
    return rows.map((row) => {
      const suspicion = track.judgeOfOld.of(row.value as object, row.at, received)
      if (suspicion !== undefined) outlet.invalid(track.key, suspicion, textOf(row))
      else reached = row.at
      return suspicion === undefined ? row : { ...row, at: reached, value: undefined }
    })
  }
  private settle(track: Track<T>): void {
    this.open.delete(track)
    if (this.busy) return
    this.cancel()
    this.stop.abort()
    this.settings.outlet.release()
  }
}

/** Not worth another question: the venue understood it and says no, or its answer is none we can read. */
const isFinal = (error: unknown): boolean =>
  !(error instanceof RestFailure) || (error.reason === 'refused' && !isBusy(error.status))
