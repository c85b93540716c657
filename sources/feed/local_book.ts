import type { BookMessage, Level } from './venue.ts'

/** One side of a book, the best level first. */
class Side {
  readonly levels: Level[] = []
  /** 1: the highest price is best, -1: the lowest. */
  private readonly sign: 1 | -1
  constructor(sign: 1 | -1) {
    this.sign = sign
  }
  /** Sets what stands at a price; size 0 takes it out. Answers whether anything changed. */
  set(level: Level): boolean {
    const [price, size] = level
    const { levels, sign } = this
    let low = 0
    for (let high = levels.length; low < high; ) {
      const middle = (low + high) >>> 1
      if (((levels[middle] as Level)[0] - price) * sign > 0) low = middle + 1
      else high = middle
    }
    const there = levels[low]?.[0] === price
    if (size > 0) levels.splice(low, there ? 1 : 0, level)
    else if (there) levels.splice(low, 1)
    return there || size > 0
  }
}

/** The book of one symbol as its venue tells it: prices are known by their number, texts are kept for checksums. */
export class LocalBook {
  private bidSide = new Side(1)
  private askSide = new Side(-1)

  get bids(): readonly Level[] {
    return this.bidSide.levels
  }
  get asks(): readonly Level[] {
    return this.askSide.levels
  }
  get crossed(): boolean {
    const [bid, ask] = [this.bids[0], this.asks[0]]
    return bid !== undefined && ask !== undefined && bid[0] >= ask[0]
  }

  /** Takes a message in. Answers what fell behind the depth the venue tells, which it will not take out itself. */
  apply(
    { snapshot, bids, asks }: BookMessage,
    depth = 0,
  ): { readonly bids: readonly Level[]; readonly asks: readonly Level[] } {
    if (snapshot) {
      this.bidSide = new Side(1)
      this.askSide = new Side(-1)
    }
    for (const level of bids) this.bidSide.set(level)
    for (const level of asks) this.askSide.set(level)
    const cut = (levels: Level[]) => (depth > 0 && levels.length > depth ? levels.splice(depth) : [])
    return { bids: cut(this.bidSide.levels), asks: cut(this.askSide.levels) }
  }
}
