import type { Observable } from 'rxjs'
import type { Clock } from '../clock.ts'

/** Why a connection ended, or never came to be. */
export const losses = [
  'closed',
  'dropped',
  'failed',
  'oversized',
  'refused',
  'silent',
  'stalled',
  'unanswered',
] as const
export type Loss = (typeof losses)[number]

/** What a connection tells, unread. Times are µs of the local clock. */
export type WireEvent =
  | {
      readonly type: 'opened'
      readonly at: number
      readonly send: (text: string) => void
      /** Gives the connection up and opens another. */
      readonly drop: (detail: string) => void
    }
  | { readonly type: 'message'; readonly at: number; readonly bytes: Buffer; readonly binary: boolean }
  /** The peer answered a ping or sent one: all it sent before has been received. */
  | { readonly type: 'alive'; readonly at: number }
  | { readonly type: 'lost'; readonly at: number; readonly loss: Loss; readonly detail: string }
  | { readonly type: 'retrying'; readonly after: number; readonly attempt: number }

/** A question to an HTTP interface: what stands behind its base address, which may hold a key. */
export interface Question {
  readonly path: string
}
/** What came of it. A failure is an answer too: it is recorded and played again like one. */
export type Reply =
  | { readonly status: number; readonly retry_after: string; readonly text: string }
  | { readonly failure: 'oversized' | 'unreachable'; readonly text: string }

/** What a connection and a question may use of the world itself. */
export interface Around {
  readonly clock: Clock
  readonly random: () => number
}
/**
 * What lies between a source and the world. Where a context has none, a source reaches the world itself; a recorder
 * stands between and hears all of it; a recording stands in for it.
 */
export interface Wire {
  /** One connection, and those that come in its place. `live` opens it; `again` reads what was recorded of it. */
  socket<E extends WireEvent>(live: (around: Around) => Observable<E>, again: (event: WireEvent) => E): Observable<E>
  /** Rejects with the reason of the signal. */
  ask(question: Question, live: () => Promise<Reply>, signal: AbortSignal): Promise<Reply>
}
