import { Observable, type Subscriber } from 'rxjs'
import type { Clock, ExecutorAnswer } from '../../runtime/define.ts'
import { Book } from './book.ts'
import type { Entry, Intent, OrderEvent, SignerEvent } from './entry.ts'
import type { Journal, OpenedJournal } from './journal.ts'
import { isOrderEntry, type Order } from './order.ts'
import { told, type Units } from './told.ts'

/** Whose orders are told of: a journal may hold those of other pipelines and of earlier runs. */
export type RunOf = Pick<Intent, 'run' | 'pipeline' | 'node'>

export interface LedgerParts {
  readonly opened: OpenedJournal
  readonly signer: string
  readonly of: RunOf
  readonly unitsOf: (order: Order) => Units
  /** How many answers of a port the log holds already: asked again once somebody listens, when it may hold more. */
  readonly held: (port: string) => number
  readonly clock: Clock
}

/** An answer, and which one of its port it is. */
interface Counted {
  readonly answer: ExecutorAnswer
  readonly place: number
}

/** The journal, what it says folded, and what of it the pipeline has not heard. */
export class Ledger {
  readonly book = new Book()
  /** For one subscriber: first what the log does not hold of the journal and what came before it listened, then the rest. */
  readonly answers = new Observable<readonly ExecutorAnswer[]>((listener) => this.listen(listener))
  /** Answers of each port in the journal as it was opened. */
  readonly heard: ReadonlyMap<string, number>
  private waiting: Counted[] = []
  private readonly places = new Map<string, number>()
  private listener: Subscriber<readonly ExecutorAnswer[]> | undefined
  /** Appends wait for those before them: what may come next depends on them. */
  private tail: Promise<unknown> = Promise.resolve()
  private closed = false
  private failure: { readonly error: unknown } | undefined
  private readonly journal: Journal
  private readonly parts: LedgerParts

  /** @throws IllegalStep for a journal whose entries cannot follow each other */
  constructor(parts: LedgerParts) {
    this.parts = parts
    this.journal = parts.opened.journal
    for (const entry of parts.opened.entries) this.waiting.push(...this.unheard(this.add(entry).map(this.counted)))
    this.heard = new Map(this.places)
  }

  /**
   * Durable first; then remembered, then told. Entries of one call stand together or not at all.
   * @throws IllegalStep for entries that cannot come next: they never reach the journal, which could not be read again
   */
  append(entries: readonly Entry[]): Promise<void> {
    const appended = this.tail.then(() => this.write(entries))
    this.tail = appended.catch(() => undefined)
    return appended
  }

  private async write(entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return
    this.book.check(entries)
    await this.journal.append(entries)
    const answers = entries.flatMap((entry) => this.add(entry))
    if (answers.length === 0) return
    const counted = answers.map(this.counted)
    if (this.listener === undefined) this.waiting.push(...counted)
    else this.listener.next(answers)
  }
  private counted = (answer: ExecutorAnswer): Counted => {
    const place = (this.places.get(answer.port) ?? 0) + 1
    this.places.set(answer.port, place)
    return { answer, place }
  }
  private unheard(answers: readonly Counted[]): readonly Counted[] {
    return answers.filter(({ answer: { port }, place }) => place > this.parts.held(port))
  }

  note(id: string, events: readonly OrderEvent[]): Promise<void> {
    const at = this.parts.clock.now()
    return this.append(events.map((event) => ({ at, id, event })))
  }
  noteSigner(event: SignerEvent): Promise<void> {
    return this.append([{ at: this.parts.clock.now(), signer: this.parts.signer, event }])
  }

  async close(): Promise<void> {
    await this.journal.close()
    this.closed = true
    this.listener?.complete()
  }

  /** It cannot go on: whoever listens, now or later, hears why. */
  fail(error: unknown): void {
    this.failure = { error }
    this.listener?.error(error)
  }

  private listen(listener: Subscriber<readonly ExecutorAnswer[]>): void {
    // some of these may be in the log, but not yet taken from it when the journal was opened
    const answers = this.unheard(this.waiting).map(({ answer }) => answer)
    this.waiting = []
    this.listener = listener
    if (answers.length > 0) listener.next(answers)
    if (this.failure !== undefined) listener.error(this.failure.error)
    if (this.closed) listener.complete()
  }

  private add(entry: Entry): readonly ExecutorAnswer[] {
    const before = isOrderEntry(entry) ? this.book.get(entry.id) : undefined
    this.book.add(entry)
    if (!isOrderEntry(entry)) return []
    const order = this.book.get(entry.id) as Order
    return isOf(order.intent, this.parts.of) ? told(order, entry.event, this.parts.unitsOf(order), before) : []
  }
}

const isOf = (intent: Intent, { run, pipeline, node }: RunOf): boolean =>
  intent.run === run && intent.pipeline === pipeline && intent.node === node
