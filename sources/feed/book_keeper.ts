import type { Book } from '../../schemas/market.ts'
import { LocalBook } from './local_book.ts'
import type { BookMessage, BookRules, Level } from './venue.ts'

/** What a message of a book came to. */
export type Booked =
  | { readonly type: 'rows'; readonly rows: readonly Book[] }
  /** Told before, or older than the book that was asked for. */
  | { readonly type: 'repeat' }
  /** Kept until the whole book is there. */
  | { readonly type: 'kept' }
  /** The book is not to be believed any more: it begins anew with the next whole one. */
  | { readonly type: 'broken'; readonly reason: 'sequence' | 'checksum' | 'crossed_book'; readonly missing: number }

/** Changes kept while the whole book is asked for. */
const MOST_KEPT = 20_000

/**
 * Keeps the book of one symbol by the rules of its venue, and tells it as rows. A change is told only where it provably
 * fits upon what was told before, so nothing ever merges into an old book.
 */
export class BookKeeper {
  private readonly rules: BookRules
  private book = new LocalBook()
  private state: 'waiting' | 'whole' = 'waiting'
  private last = 0
  private kept: BookMessage[] = []

  constructor(rules: BookRules) {
    this.rules = rules
  }

  get whole(): boolean {
    return this.state === 'whole'
  }

  /** The connection is gone, or the book is not believed: what comes next must be a whole book. */
  reset(): void {
    this.state = 'waiting'
    this.kept = []
    this.book = new LocalBook()
    this.last = 0
  }

  take(message: BookMessage): Booked {
    if (message.snapshot) return this.begin(message)
    if (this.state === 'waiting') {
      // without a rule to ask for a whole book, the stream itself brings it
      if (this.rules.snapshot !== undefined && this.kept.length < MOST_KEPT) this.kept.push(message)
      return { type: 'kept' }
    }
    return this.change(message)
  }

  /** The whole book that was asked for. Answers `broken` where the changes that were kept do not go back that far. */
  begin(message: BookMessage): Booked {
    const { kept, book } = this
    this.reset()
    const rows = [...this.tell(message)]
    // an empty book has no row to say so: what was told is taken out level by level
    if (rows.length === 0) rows.push(...emptying(book, message.id))
    this.state = 'whole'
    this.last = message.id
    const bad = this.judge(message)
    if (bad !== undefined) return bad
    for (const change of kept) {
      const booked = this.change(change)
      if (booked.type === 'broken') return booked
      if (booked.type === 'rows') rows.push(...booked.rows)
    }
    return { type: 'rows', rows }
  }

  private change(message: BookMessage): Booked {
    const { id, follows } = message
    if (follows !== undefined) {
      const [from, to] = follows
      if (id <= this.last && to < this.last) return { type: 'repeat' }
      if (this.last < from || this.last > to)
        return this.broken('sequence', this.last < from ? Math.max(0, from - this.last) : 0)
    }
    const rows = this.tell(message)
    this.last = id
    return this.judge(message) ?? { type: 'rows', rows }
  }

  private judge(message: BookMessage): Booked | undefined {
    const { book, rules } = this
    const { checksum } = rules
    if (message.checksum !== undefined && checksum !== undefined && checksum(book.bids, book.asks) !== message.checksum)
      return this.broken('checksum', 0)
    return book.crossed ? this.broken('crossed_book', 0) : undefined
  }
  private broken(reason: 'sequence' | 'checksum' | 'crossed_book', missing: number): Booked {
    this.reset()
    return { type: 'broken', reason, missing }
  }

  private tell(message: BookMessage): readonly Book[] {
    const cut = this.book.apply(message, this.rules.depth)
    const { snapshot, id } = message
    const rows: Book[] = []
    const add = (side: 1 | -1, price: number, size: number) =>
      rows.push({ side, price, size, snapshot, last: false, id })
    const sides = [
      [1, snapshot ? this.book.bids : message.bids, cut.bids],
      [-1, snapshot ? this.book.asks : message.asks, cut.asks],
    ] as const
    for (const [side, levels, gone] of sides) {
      const lost = new Set(snapshot ? [] : gone.map(([price]) => price))
      for (const [price, size] of levels) if (!lost.has(price)) add(side, price, size)
      for (const price of lost) add(side, price, 0)
    }
    const newest = rows.at(-1)
    if (newest !== undefined) rows[rows.length - 1] = { ...newest, last: true }
    return rows
  }
}

const emptying = ({ bids, asks }: LocalBook, id: number): readonly Book[] => {
  const out = (levels: readonly Level[], side: 1 | -1) =>
    levels.map(([price]): Book => ({ side, price, size: 0, snapshot: false, last: false, id }))
  const rows = [...out(bids, 1), ...out(asks, -1)]
  return rows.map((row, i) => (i === rows.length - 1 ? { ...row, last: true } : row))
}
