import type { LogFilter } from './link.ts'
import type { Ask } from './questions.ts'
import type { Head, Log } from './wire.ts'

export interface Row {
  readonly key: string
  readonly value: unknown
}
export interface Tools {
  /** Local time, µs. */
  readonly now: number
  readonly invalid: (log: Log, reason: string) => void
}
/** What a component makes of the blocks of a chain. `T` is what it must remember of a block to take it back. */
export interface Teller<T> {
  /** The instruments, for gaps and heartbeats. */
  readonly keys: readonly string[]
  /** The logs it reads, undefined where it reads none. */
  readonly filter: LogFilter | undefined
  /** Reads what it needs before this block is told: at the start, and again after a gap. */
  begin(block: Head, ask: Ask): Promise<void>
  /** Asks for what the header of a block leaves out. */
  complete?(block: Head, ask: Ask): Promise<Head>
  tell(block: Head, logs: readonly Log[], tools: Tools): { readonly rows: readonly Row[]; readonly memory: T }
  /** Takes blocks back, newest first. */
  undo(memories: readonly T[], tools: Tools): readonly Row[]
  /** Says again what holds: nothing new has come for long, or something may have been missed. */
  restate?(tools: Tools): readonly Row[]
}
