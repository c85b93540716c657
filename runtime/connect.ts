import type { Observable } from 'rxjs'
import type { FeedEvent, Gap, Invalid } from '../schemas/market.ts'
import type { Clock } from './clock.ts'
import type { Wire } from './wire/wire.ts'

/** What a source tells its environment. Rows of one item are in order; items are in order. */
export type SourceItem =
  | {
      readonly type: 'row'
      readonly at: number
      readonly key: string
      readonly value: unknown
    }
  | {
      readonly type: 'gap'
      readonly at: number
      readonly key: string
      readonly value: Gap
    }
  | { readonly type: 'heartbeat'; readonly at: number; readonly key: string }
  /** A message that could not be read or believed: counted, never a row. */
  | { readonly type: 'invalid'; readonly at: number; readonly key: string; readonly value: Invalid }
  /** What the feed lived through. `*` stands for the whole of it. */
  | { readonly type: 'event'; readonly at: number; readonly key: string; readonly value: FeedEvent }
  /** The input is finite and this is its end. */
  | { readonly type: 'end'; readonly at: number }

export interface SourceContext {
  readonly clock: Clock
  /** Chance for jitter: 0 <= x < 1. */
  readonly random: () => number
  /** How many rows of this source the log already holds; 0 at the first start. Sources that can, go on from there; others tell a gap. */
  readonly position: number
  /** Addresses that stand in for a venue's own, by source name: a local server in tests, a relay in production. */
  readonly endpoint: (source: string) => string | undefined
  /** What is not to stand in a definition, by the name the definition gives it: a key of an interface. */
  readonly secret?: (name: string) => string | undefined
  /** Life-cycle words for people: connected, retrying. */
  readonly notice: (text: string) => void
  /** Stands between the source and the world, where what passes is recorded or played again. */
  readonly wire?: Wire | undefined
}
/** Starts a source. Unsubscribing closes it; an error means it could not start or cannot go on. Arrays cut the hops between stages. */
export type OpenSource<P> = (params: P, context: SourceContext) => Observable<readonly SourceItem[]>

/** Makes rows, heartbeats and an end from the params alone, the first `position` rows left out: the same every time. */
export type Generate<P> = (params: P, position: number) => Iterable<readonly SourceItem[]>

/** One committed output row, as sinks and subscribers see it. */
export interface Committed {
  /** `pipeline/node/key/event time/ordinal`: the same in backtest, paper and live. */
  readonly id: string
  readonly edge: string
  readonly kind: string
  readonly key: string
  readonly at: number
  readonly ordinal: number
  readonly value: unknown
  /** Place in the log: commit and row. Metadata, not part of the compared bytes. */
  readonly commit: number
  readonly order: number
}
export interface SinkContext {
  readonly pipeline: string
  readonly node: string
  readonly plan: string
  /** `bt`, `paper` or `live`. */
  readonly namespace: string
  /** The ports that are wired. */
  readonly ports: readonly string[]
  /** Hands a message to whoever subscribes in this process. */
  readonly publish: (subject: string, message: Readonly<Record<string, unknown>>) => void
  /** A file of the run's own directory, or undefined when the run keeps nothing. */
  readonly file: (name: string) => string | undefined
}
export interface OpenedSink {
  /** The last row it holds for certain: `commit` and `order`; rows up to it are not sent again. */
  readonly position: { readonly commit: number; readonly order: number }
  write(port: string, row: Committed): void
  /** Called after each commit's rows. */
  flush(): void
  close(): void
}
/** What an execution sink is given where it trades. */
export interface ExecutorContext {
  readonly pipeline: string
  readonly node: string
  /** Tells this run's log from any other: it was created once. */
  readonly run: string
  readonly clock: Clock
  readonly random: () => number
  /** How many answers of a port the log holds already: more once the pipeline has taken what it logged before. */
  readonly held: (port: string) => number
  readonly endpoint: (name: string) => string | undefined
  readonly secret: (name: string) => string | undefined
  readonly notice: (text: string) => void
}
/** A row for an output port of an execution sink: it enters the log, and what hears the port hears it. */
export interface ExecutorAnswer {
  readonly port: string
  readonly key: string
  readonly value: unknown
}
export interface OpenedExecutor {
  /** Takes approved orders, those it has already too; resolves once they would outlive a crash. */
  take(rows: readonly Committed[]): Promise<void>
  /** Rows that the log does not hold, in order, for as long as it is open. An error means it cannot go on. */
  readonly answers: Observable<readonly ExecutorAnswer[]>
  close(): Promise<void>
}
export type OpenExecutor<P> = (params: P, context: ExecutorContext) => Promise<OpenedExecutor>

export type OpenSink<P> = (params: P, context: SinkContext) => OpenedSink
