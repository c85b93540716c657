/** What data that cannot be true looks like. */
export type Suspicion = 'price_spike' | 'crossed_quote' | 'time_backwards' | 'time_ahead'

/**
 * Event time may run back by this much (venues do not order the rows of one moment), or ahead. It is ahead of what it can
 * be where both say so: the last row with the local time that has passed since, and the local clock, which may be wrong.
 * A quiet symbol is ahead of its last row alone, and so are the bars of a day that come one after the other.
 */
const BACK = 60e6
const AHEAD = 3600e6
/** So many suspicious rows in a row that agree with each other are the truth, and what was believed before was not. */
const AGREEING = 3

/** `at` is 0 before the first. */
interface Seen {
  price: number
  at: number
  received: number
}

/** Judges the rows of one symbol by the last one that was believed. */
export class Judge {
  private readonly maxJump: number
  private readonly believed: Seen = { price: Number.NaN, at: 0, received: 0 }
  private readonly suspect: Seen = { price: Number.NaN, at: 0, received: 0 }
  private agreeing = 0

  /** `maxJump`: how far a price may be from the one before, as a share of it; 0 for any distance. */
  constructor(maxJump: number) {
    this.maxJump = maxJump
  }

  /** Undefined where the row is believed. `received` is the local time. */
  of(value: object, at: number, received: number): Suspicion | undefined {
    const price = priceOf(value)
    return typeof price === 'number' ? this.verdict(price, at, received) : price
  }
  /** Undefined where the row is believed. `price` is NaN where a row has none, `received` the local time. */
  verdict(price: number, at: number, received: number): Suspicion | undefined {
    const { believed, suspect } = this
    // no three rows that have none agree on a time
    if (at === 0) return 'time_backwards'
    const suspicion = believed.at === 0 ? undefined : this.against(believed, price, at, received)
    if (suspicion !== undefined) {
      this.agreeing =
        this.agreeing > 0 && this.against(suspect, price, at, received) === undefined ? this.agreeing + 1 : 1
      suspect.price = price
      suspect.at = at
      suspect.received = received
      if (this.agreeing < AGREEING) return suspicion
    }
    this.trust(price, at, received)
    return undefined
  }
  /** It was judged before. */
  believe(value: object, at: number, received: number): void {
    const price = priceOf(value)
    this.trust(typeof price === 'number' ? price : Number.NaN, at, received)
  }

  private trust(price: number, at: number, received: number): void {
    const { believed } = this
    this.agreeing = 0
    if (!Number.isNaN(price)) believed.price = price
    believed.at = at
    believed.received = received
  }
  private against(last: Seen, price: number, at: number, received: number): Suspicion | undefined {
    if (at < last.at - BACK) return 'time_backwards'
    const possible = Math.max(received, last.at + Math.max(0, received - last.received))
    if (at > possible + AHEAD) return 'time_ahead'
    return this.maxJump > 0 && Math.abs(price - last.price) > this.maxJump * last.price ? 'price_spike' : undefined
  }
}

interface Priced {
  readonly price?: number
  readonly bid?: number
  readonly ask?: number
  readonly close?: number
}
/** The price a row is judged by, or that it is a quote whose bid is not below its ask. */
function priceOf({ price, bid, ask, close }: Priced): number | 'crossed_quote' {
  if (price !== undefined) return price
  if (bid !== undefined && ask !== undefined) return bid < ask ? (bid + ask) / 2 : 'crossed_quote'
  return close ?? Number.NaN
}
