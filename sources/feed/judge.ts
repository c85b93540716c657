/** What data that cannot be true looks like. */
export type Suspicion = 'price_spike' | 'crossed_quote' | 'time_backwards' | 'time_ahead'

/** Event time may run back by this much (venues do not order the rows of one moment), or ahead of the last row. */
const BACK = 60e6
const AHEAD = 3600e6
/** So many suspicious rows in a row that agree with each other are the truth, and what was believed before was not. */
const AGREEING = 3

interface Seen {
  readonly price: number
  readonly at: number
}

/** Judges the rows of one symbol by the last one that was believed. */
export class Judge {
  private readonly maxJump: number
  private believed: Seen | undefined
  private suspect: Seen | undefined
  private agreeing = 0

  /** `maxJump`: how far a price may be from the one before, as a share of it; 0 for any distance. */
  constructor(maxJump: number) {
    this.maxJump = maxJump
  }

  /** Undefined where the row is believed. `price` is NaN where a row has none. */
  verdict(price: number, at: number): Suspicion | undefined {
    const { believed } = this
    const suspicion = believed && this.against(believed, price, at)
    if (suspicion !== undefined) {
      const agrees = this.suspect !== undefined && this.against(this.suspect, price, at) === undefined
      this.agreeing = agrees ? this.agreeing + 1 : 1
      this.suspect = { price, at }
      if (this.agreeing < AGREEING) return suspicion
    }
    this.suspect = undefined
    this.agreeing = 0
    this.believed = { price: Number.isNaN(price) ? (believed?.price ?? price) : price, at }
    return undefined
  }

  private against(last: Seen, price: number, at: number): Suspicion | undefined {
    if (at < last.at - BACK) return 'time_backwards'
    if (at > last.at + AHEAD) return 'time_ahead'
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
export function priceOf({ price, bid, ask, close }: Priced): number | 'crossed_quote' {
  if (price !== undefined) return price
  if (bid !== undefined && ask !== undefined) return bid < ask ? (bid + ask) / 2 : 'crossed_quote'
  return close ?? Number.NaN
}
