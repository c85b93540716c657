import type { SourceItem } from '../../runtime/connect.ts'
import type { Trade } from '../../schemas/market.ts'
import { FIRST_ID, tradeOf } from '../../testing/trade_maker.ts'

interface Line {
  readonly symbol: number
  next: number
  at: number
  /** Told missing by a gap, not yet passed by a row. */
  missing: number
  /** Numbers that were skipped without a word. */
  readonly holes: Set<number>
}

/** Keeps the books of a feed: which numbers came, in which order, and what was said of those that did not. */
export class Account {
  rows = 0
  doubled = 0
  unordered = 0
  /** Neither told nor told missing. */
  lost = 0
  /** Told missing by gaps. */
  conceded = 0
  /** Of these, what the venue could still have given. */
  forgone = 0
  /** Told missing, and it was not. */
  overtold = 0
  /** Rows whose price, size or side is not what was printed. */
  corrupt = 0
  readonly events: Record<string, number> = {}
  readonly invalid: Record<string, number> = {}
  filled = 0
  /** Why rows could not be had again, the first reasons. */
  readonly unfilled: string[] = []
  private readonly window: number
  private readonly lines: ReadonlyMap<string, Line>

  /** `window`: how many trades of a symbol the venue remembers. */
  constructor(names: readonly string[], window: number) {
    this.window = window
    this.lines = new Map(
      names.map((name, symbol) => [`binance:${name}`, { symbol, next: -1, at: 0, missing: 0, holes: new Set() }]),
    )
  }

  take(items: readonly SourceItem[]): void {
    for (const item of items) {
      if (item.type === 'row') this.row(item.key, item.at, item.value as Trade)
      else if (item.type === 'gap') (this.lines.get(item.key) as Line).missing += item.value.missing
      else if (item.type === 'event') {
        this.events[item.value.event] = (this.events[item.value.event] ?? 0) + 1
        if (item.value.event === 'filled') this.filled += item.value.count
        if (item.value.event === 'unfilled' && this.unfilled.length < 5) this.unfilled.push(item.value.detail)
      } else if (item.type === 'invalid') this.invalid[item.value.reason] = (this.invalid[item.value.reason] ?? 0) + 1
    }
  }
  /** How far a symbol has come, counted from 0; -1 before its first row. */
  reached(symbol: number): number {
    return ([...this.lines.values()][symbol] as Line).next - 1
  }

  private row(key: string, at: number, trade: Trade): void {
    const line = this.lines.get(key) as Line
    const id = trade.id - FIRST_ID
    this.rows++
    if (at < line.at) this.unordered++
    line.at = at
    if (line.next >= 0 && id < line.next) {
      if (line.holes.delete(id)) this.unordered++
      else this.doubled++
      return
    }
    // a feed begins where it comes in
    if (line.next >= 0) {
      const skipped = id - line.next
      const conceded = Math.min(skipped, line.missing)
      this.conceded += conceded
      // as far as is known here: the venue is ahead by what is on the way
      this.forgone += Math.min(conceded, id - Math.max(line.next, id - this.window))
      this.overtold += line.missing - conceded
      if (skipped > line.missing) {
        this.lost += skipped - line.missing
        for (let n = line.next; n < id; n++) line.holes.add(n)
      }
    }
    line.missing = 0
    line.next = id + 1
    this.check(line.symbol, trade)
  }
  private check(symbol: number, { id, price, size, side }: Trade): void {
    const printed = tradeOf(symbol, id)
    if (printed.price !== price || printed.size !== size || printed.side !== side) this.corrupt++
  }
}
