import type { Entry } from './entry.ts'

/**
 * What an executor did and is about to do, durable before it does it. One writer at a time, and nothing is ever changed
 * or taken out.
 */
export interface Journal {
  /** Resolves once the entries would outlive a crash. Entries of one call stand together or not at all. */
  append(entries: readonly Entry[]): Promise<void>
  close(): Promise<void>
}
export interface OpenedJournal {
  readonly journal: Journal
  /** Everything it holds, in order. */
  readonly entries: readonly Entry[]
}

/** Which signer on which chain a journal is of: `eip155:1`, and the address. */
export interface JournalOf {
  readonly chain: string
  readonly signer: string
}
export const JOURNAL_VERSION = 1
