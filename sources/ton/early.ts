import type { Swap } from '../../schemas/chain.ts'
import { sameTrade, type Told } from './told.ts'
import type { Transaction } from './transaction.ts'

interface Waiting {
  readonly trace: string
  /** What the message that caused it asked for. */
  readonly operation: number
  /** Local time. */
  readonly since: number
  readonly told: Told
  /** Found among what was final when the feed began: it stays, though the stream may never say so. */
  state: 'open' | 'final'
}
export interface EarlyTeller {
  readonly tell: (at: number, swap: Swap) => Told
  readonly takeBack: (told: Told) => void
}
/** Traces whose end is remembered, so that a late word of them is not told again. */
const REMEMBERED = 2000

/**
 * Swaps of one pool that were told before they were final. An emulated transaction has another hash and another time than
 * the final one, so they are known by their amounts and their trader.
 */
export class Early {
  private readonly read: (transaction: Transaction) => readonly Swap[]
  private readonly teller: EarlyTeller
  private waiting: Waiting[] = []
  /** How many transactions of the pool each trace has shown. */
  private readonly seen = new Map<string, number>()
  private readonly over = new Set<string>()
  private readonly places = new Map<string, number>()

  constructor(read: (transaction: Transaction) => readonly Swap[], teller: EarlyTeller) {
    this.read = read
    this.teller = teller
  }

  take(transactions: readonly Transaction[], trace: string, now: number): void {
    if (this.over.has(trace)) return
    const left = this.waiting.filter((one) => one.trace === trace && one.state === 'open')
    const fresh: { readonly swap: Swap; readonly transaction: Transaction }[] = []
    for (const transaction of transactions)
      for (const swap of this.read(transaction)) {
        const known = left.findIndex(({ told }) => sameTrade(told.swap, swap))
        if (known >= 0) left.splice(known, 1)
        else fresh.push({ swap, transaction })
      }
    // a snapshot with fewer transactions than one before is a part of it, and takes nothing back
    if (transactions.length >= (this.seen.get(trace) ?? 0)) {
      for (const one of left) this.drop(one)
      remember(this.seen, trace, transactions.length)
    }
    for (const { swap, transaction } of fresh) {
      const told = this.teller.tell(transaction.at, this.placed(swap))
      this.waiting.push({ trace, operation: operationOf(transaction), since: now, told, state: 'open' })
    }
  }

  /** A final transaction: what was told of it stays, takes the place of what was told wrongly, or is told now. */
  settle(transaction: Transaction, trace: string): void {
    const operation = operationOf(transaction)
    const swaps = this.read(transaction)
    const wrong = () =>
      this.waiting.find((one) => one.trace === trace && one.operation === operation && one.state === 'open')
    for (const swap of swaps) {
      const known =
        this.waiting.find((one) => one.trace === trace && sameTrade(one.told.swap, swap)) ??
        this.waiting.find(({ told }) => sameTrade(told.swap, swap))
      if (known !== undefined) {
        this.forget(known)
        continue
      }
      const other = trace === '' ? undefined : wrong()
      if (other !== undefined) this.drop(other)
      this.teller.tell(transaction.at, this.placed(swap))
    }
    if (trace === '') return
    const other = swaps.length === 0 ? wrong() : undefined
    if (other !== undefined) this.drop(other)
    this.over.add(trace)
    if (this.over.size > REMEMBERED) this.over.delete(this.over.values().next().value as string)
  }

  /** A final transaction that is older than the feed: what was told of it stays. */
  recognise(transaction: Transaction): void {
    for (const swap of this.read(transaction)) {
      const known = this.waiting.find(({ told }) => sameTrade(told.swap, swap))
      if (known !== undefined) known.state = 'final'
    }
  }

  invalidated(trace: string): void {
    for (const one of this.waiting.filter((one) => one.trace === trace && one.state === 'open')) this.drop(one)
    this.seen.delete(trace)
  }
  overdue(before: number): boolean {
    return this.waiting.some(({ since, state }) => since < before && state === 'open')
  }
  expire(before: number): number {
    const late = this.waiting.filter(({ since, state }) => since < before && state === 'open')
    for (const one of late) this.drop(one)
    return late.length
  }

  private drop(one: Waiting): void {
    this.forget(one)
    this.teller.takeBack(one.told)
  }
  private forget(one: Waiting): void {
    this.waiting = this.waiting.filter((other) => other !== one)
  }
  /** The place of a swap among those of its trace in this pool. */
  private placed(swap: Swap): Swap {
    const index = this.places.get(swap.block_hash) ?? 0
    remember(this.places, swap.block_hash, index + 1)
    return { ...swap, index }
  }
}

const operationOf = ({ received }: Transaction): number => received?.opcode ?? -1

/** The oldest is forgotten. */
function remember(map: Map<string, number>, key: string, value: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > REMEMBERED) map.delete(map.keys().next().value as string)
}
