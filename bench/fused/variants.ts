import { interpreter } from './engine.ts'
import type { Feed } from './feed.ts'
import { handFused } from './hand_fused.ts'
import { rxjsPerTick } from './rxjs_per_tick.ts'
import type { Sheets } from './sheets.ts'

/** One warm instance of a variant. */
export interface Running {
  /** Takes the whole feed once; what it found is in the sheets. */
  pass(): void
  /** Moves the feed on in time, for the next pass. */
  shift(by: number): void
  readonly sheets: Sheets
  /** Rows left out so far because they came too late. */
  late(): number
}

/** The first is the limit; a further engine is a further line: `compiled: engineVariant(compile)`. */
export const variants: Readonly<Record<string, (feed: Feed) => Running>> = {
  hand_fused: handFused,
  interpreter,
  rxjs_per_tick: rxjsPerTick,
}
