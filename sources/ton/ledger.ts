import type { Swap } from '../../schemas/chain.ts'
import type { Gap } from '../../schemas/market.ts'
import { Early } from './early.ts'
import type { Told } from './told.ts'
import type { Transaction } from './transaction.ts'

export interface Teller {
  readonly row: (at: number, swap: Swap) => void
  readonly gap: (at: number, gap: Gap) => void
  readonly filled: (at: number, count: number) => void
  /** The swaps of one transaction. */
  readonly read: (transaction: Transaction) => readonly Swap[]
}
/** Transactions kept while what stands before them is asked for. */
const MOST_WAITING = 10_000

/**
 * What was told of one pool. Final transactions are told in the order of their chain: each names the one before it by
 * `prev_trans_lt`, which proves that nothing is missing and nothing is told twice, whatever way they came. What is not
 * final yet is told early where that was asked for, and taken back where it turns out otherwise.
 */
export class Ledger {
  private readonly teller: Teller
  private readonly early: Early
  private readonly waiting = new Map<number, { readonly transaction: Transaction; readonly trace: string }>()
  /** -1: not known yet; 0: the account had none. */
  private newest = -1
  private newestAt = 0
  /** Of the newest as the feed began: one the stream tells all the same became final after it was opened. */
  private readonly unseen = new Set<number>()
  private reason: Gap['reason']
  private state: 'new' | 'begun' = 'new'
  /** Rows that wait until it is known how many they are. */
  private held: Told[] | undefined
  /** Event time told last, by a row or a heartbeat. */
  told = 0

  constructor(teller: Teller, reason: Gap['reason']) {
    this.teller = teller
    this.reason = reason
    this.early = new Early(teller.read, {
      tell: (at, swap) => this.tell(at, swap),
      takeBack: ({ at, swap }) => this.tell(Math.max(at, this.told), { ...swap, removed: true }),
    })
  }

  /** `lt` of the newest final transaction, undefined before it is known. */
  get head(): number | undefined {
    return this.newest < 0 ? undefined : this.newest
  }
  /**
   * Where the chain stands as the feed begins: its newest transactions. They are not told, but what was told early and
   * is among them is final. `interrupted`: something may have been missed since rows were told.
   */
  start(transactions: readonly Transaction[], interrupted: boolean): void {
    if (this.newest >= 0) return
    const last = transactions.at(-1)
    this.newest = last?.lt ?? 0
    this.newestAt = last?.at ?? 0
    for (const transaction of transactions) {
      this.unseen.add(transaction.lt)
      this.early.recognise(transaction)
    }
    if (interrupted && this.begun)
      this.teller.gap(Math.max(this.newestAt, this.told), { reason: 'disconnected', missing: 0, since: this.told })
    this.drain()
  }
  get begun(): boolean {
    return this.state === 'begun'
  }
  get missing(): boolean {
    return this.waiting.size > 0
  }

  /** A final transaction from the stream. */
  final(transaction: Transaction, trace: string): 'told' | 'repeat' | 'missing' {
    const { lt, previous } = transaction
    if (lt <= this.newest) {
      if (!this.unseen.delete(lt)) return 'repeat'
      this.begin(transaction.at)
      this.early.settle(transaction, trace)
      return 'told'
    }
    if (this.newest >= 0 && previous !== this.newest) {
      this.waiting.set(lt, { transaction, trace })
      if (this.waiting.size > MOST_WAITING) this.concede()
      return this.missing ? 'missing' : 'told'
    }
    this.apply(transaction, trace)
    this.drain()
    return 'told'
  }
  /** Final transactions that were asked for, oldest first. */
  filled(transactions: readonly Transaction[]): void {
    const fresh = transactions.filter(({ lt }) => lt > this.newest)
    const [first] = fresh
    if (first === undefined) return
    for (const transaction of fresh)
      this.waiting.set(transaction.lt, { trace: this.waiting.get(transaction.lt)?.trace ?? '', transaction })
    const rows: Told[] = []
    this.held = rows
    this.drain()
    this.held = undefined
    const [row] = rows
    if (row !== undefined) this.teller.filled(row.at, rows.length)
    for (const { at, swap } of rows) this.teller.row(at, swap)
  }
  /** What is missing cannot be had: a gap, and on from there. */
  concede(): void {
    while (this.missing) {
      const [least] = [...this.waiting.values()].sort((a, b) => a.transaction.lt - b.transaction.lt)
      if (least === undefined) return
      const { transaction, trace } = least
      this.waiting.delete(transaction.lt)
      this.teller.gap(Math.max(transaction.at, this.told), { reason: 'sequence', missing: 0, since: this.newestAt })
      this.apply(transaction, trace)
      this.drain()
    }
  }

  /** Transactions of one trace that are not final yet. `now` is local time. */
  unsettled(transactions: readonly Transaction[], trace: string, now: number): void {
    this.early.take(transactions, trace, now)
  }
  invalidated(trace: string): void {
    this.early.invalidated(trace)
  }
  /** Whether something was told before this local time that is not final yet. */
  overdue(before: number): boolean {
    return this.early.overdue(before)
  }
  /** Everything final has been heard since then: what is not among it did not happen. */
  expire(before: number): number {
    return this.early.expire(before)
  }

  /** Every row of a transaction leaves behind the gap that says where the feed began. */
  private begin(at: number): void {
    if (this.state === 'begun') return
    this.state = 'begun'
    this.teller.gap(at, { reason: this.reason, missing: 0, since: 0 })
  }
  private apply(transaction: Transaction, trace: string): void {
    this.begin(transaction.at)
    this.newest = transaction.lt
    this.newestAt = transaction.at
    this.early.settle(transaction, trace)
  }
  private drain(): void {
    const ready = [...this.waiting.keys()].sort((a, b) => a - b)
    for (const lt of ready) {
      const next = this.waiting.get(lt)
      if (next === undefined) continue
      if (lt <= this.newest) this.waiting.delete(lt)
      else if (next.transaction.previous === this.newest) {
        this.waiting.delete(lt)
        this.apply(next.transaction, next.trace)
      } else return
    }
  }
  private tell(at: number, swap: Swap): Told {
    this.begin(at)
    this.told = Math.max(this.told, at)
    const told = { at, swap }
    if (this.held === undefined) this.teller.row(at, swap)
    else this.held.push(told)
    return told
  }
}
