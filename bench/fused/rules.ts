/** The params of the graph: every variant reads them from here. */
export const rules = {
  trend: 5,
  fast: 12,
  slow: 26,
  signal: 9,
  strength: 14,
  bands: 20,
  deviations: 2,
  range: 14,
  fair: 20,
  notional: 100,
  /** Decimals of a quantity: 3, so that prices in cents and quantities give whole 1e-5 of money. */
  decimals: 3,
  max_notional: 99.99,
  max_position: 1.5,
  stale_after: 900_000,
  warm_up: 90_000_000,
  fee: 0.0005,
  /** Orders that may wait for a price, per symbol: what there is room for by hand. */
  open_orders: 4,
  cash: 1_000_000,
  /** µs between two statements of the account. */
  every: 60_000_000,
} as const

/** One number out of all features of a bar: so that none of them can be left out. */
export function scoreOf(
  close: number,
  fast: number,
  slow: number,
  line: number,
  signal: number,
  strength: number,
  place: number,
  width: number,
  range: number,
  fair: number,
): number {
  const unit = 100 / close
  const sum =
    0.5 * ((close - fast) * unit) -
    0.3 * ((close - slow) * unit) +
    0.8 * (line * unit) -
    0.4 * (signal * unit) +
    0.011 * (strength - 50) +
    0.35 * (place - 0.5) +
    2 * width -
    0.05 * (range * unit) +
    0.45 * ((close - fair) * unit)
  return sum / (1 + Math.abs(sum))
}
