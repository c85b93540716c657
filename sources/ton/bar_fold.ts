import type { Bar } from '../../schemas/market.ts'

interface Window {
  readonly end: number
  bar: Bar
}

/** Folds the trades of one pool, in the order they are told, into bars of windows `[open, close)`. */
export class BarFold {
  private readonly every: number
  private readonly open = new Map<number, Window>()
  /** Event time up to which bars have been told. */
  private closed = 0
  /** Trades of windows that began before this may be missing. */
  private wholeFrom = 0

  constructor(every: number) {
    this.every = every
  }

  take(at: number, price: number, size: number): void {
    const end = (Math.floor(at / this.every) + 1) * this.every
    if (end <= this.closed) return
    const window = this.open.get(end)
    if (window === undefined) {
      const bar = { open: price, high: price, low: price, close: price, volume: size, turnover: price * size, count: 1 }
      this.open.set(end, { end, bar: { ...bar, complete: true } })
      return
    }
    const { bar } = window
    window.bar = {
      ...bar,
      high: Math.max(bar.high, price),
      low: Math.min(bar.low, price),
      close: price,
      volume: bar.volume + size,
      turnover: bar.turnover + price * size,
      count: bar.count + 1,
    }
  }
  /** Trades up to this event time may be missing. */
  doubt(at: number): void {
    this.wholeFrom = Math.max(this.wholeFrom, at + 1)
  }
  /** The bars that ended by then. */
  close(by: number): readonly { readonly at: number; readonly bar: Bar }[] {
    const over = [...this.open.values()].filter(({ end }) => end <= by).sort((a, b) => a.end - b.end)
    for (const { end } of over) this.open.delete(end)
    this.closed = Math.max(this.closed, Math.floor(by / this.every) * this.every)
    return over.map(({ end, bar }) => ({ at: end, bar: { ...bar, complete: end - this.every >= this.wholeFrom } }))
  }
}
