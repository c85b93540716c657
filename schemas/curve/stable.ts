// Pools of tokens that should cost the same. Source: StableSwap3Pool.vy and the base pool template of curve-contract.

export interface Stable {
  /** What the pool holds of each token, in its smallest unit. */
  readonly balances: readonly bigint[]
  /** Brings each balance to 18 decimals: 10^(36 - decimals), times the rate of a wrapped token. */
  readonly rates: readonly bigint[]
  readonly amplification: bigint
  /** What the contract multiplies its amplification with: 1 for the oldest pools such as 3pool, 100 for later ones. */
  readonly amplificationScale: bigint
  /** Share of the output that is fee, of 1e10. */
  readonly fee: bigint
}
const PRECISION = 10n ** 18n
const FEE_SCALE = 10n ** 10n
const ROUNDS = 255

/** The factor that brings a plain token of so many decimals to 18. */
export const rateOf = (decimals: number): bigint => 10n ** BigInt(36 - decimals)

/** What `get_dy` of the contract answers: the output for an input of token `from`, fee taken, to the unit. */
export function getDy(pool: Stable, from: number, to: number, amountIn: bigint): bigint {
  const { balances, rates, fee } = pool
  if (amountIn <= 0n || from === to || balances.some((b) => b <= 0n)) return 0n
  const scaled = balances.map((b, i) => (b * (rates[i] as bigint)) / PRECISION)
  const x = (scaled[from] as bigint) + (amountIn * (rates[from] as bigint)) / PRECISION
  const gross = (scaled[to] as bigint) - balanceAfter(pool, scaled, from, to, x) - 1n
  const out = (gross * PRECISION) / (rates[to] as bigint)
  return out <= 0n ? 0n : out - (fee * out) / FEE_SCALE
}

/** The invariant: what the pool would hold in all if every token cost the same. */
export function invariantOf({ amplification, amplificationScale }: Stable, scaled: readonly bigint[]): bigint {
  const n = BigInt(scaled.length)
  const sum = scaled.reduce((a, b) => a + b, 0n)
  const amplified = amplification * amplificationScale * n
  let d = sum
  for (let round = 0; round < ROUNDS && d > 0n; round++) {
    let product = d
    for (const balance of scaled) product = (product * d) / (balance * n)
    const before = d
    d =
      (((amplified * sum) / amplificationScale + product * n) * d) /
      (((amplified - amplificationScale) * d) / amplificationScale + (n + 1n) * product)
    if (near(d, before)) break
  }
  return d
}

/** What must be left of token `to` once token `from` stands at `x`. */
function balanceAfter(pool: Stable, scaled: readonly bigint[], from: number, to: number, x: bigint): bigint {
  const { amplification, amplificationScale } = pool
  const n = BigInt(scaled.length)
  const d = invariantOf(pool, scaled)
  const amplified = amplification * amplificationScale * n
  let c = d
  let sum = 0n
  for (const [i, balance] of scaled.entries()) {
    if (i === to) continue
    const held = i === from ? x : balance
    sum += held
    c = (c * d) / (held * n)
  }
  c = (c * d * amplificationScale) / (amplified * n)
  const b = sum + (d * amplificationScale) / amplified
  let y = d
  for (let round = 0; round < ROUNDS; round++) {
    const before = y
    y = (y * y + c) / (2n * y + b - d)
    if (near(y, before)) break
  }
  return y
}
const near = (a: bigint, b: bigint): boolean => a - b <= 1n && b - a <= 1n
