import type { Feed } from './feed.ts'
import type { Sheets } from './sheets.ts'

/** One warm instance of a variant. */
export interface Running {
  /** Takes the whole feed once; what it found is in the sheets. */
  pass(): void | Promise<void>
  /** Moves the feed on in time, for the next pass. */
  shift(by: number): void
  readonly sheets: Sheets
  /** Rows left out so far because they came too late. */
  late(): number
}
export type Start = (feed: Feed) => Running | Promise<Running>
export type Variants = Readonly<Record<string, () => Promise<Start>>>

/** Passes that every variant runs, and whose results are compared. */
export const COMPARED = 4

export const LIMIT = 'hand_fused'
/** Loaded one by one: a process runs only one of them, without the libraries of the others. */
export const variants: Variants = {
  [LIMIT]: async () => (await import('./hand_fused.ts')).handFused,
  interpreter: async () => (await import('./engine.ts')).interpreter,
  compiled: async () => (await import('./engine.ts')).compiled,
  rxjs_per_tick: async () => (await import('./rxjs_per_tick.ts')).rxjsPerTick,
}
