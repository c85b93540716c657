import type { Bar } from '../../schemas/market.ts'

// The arithmetic of the operators as plain functions over plain values, for code that has no engine.

const weight = (span: number) => 2 / (span + 1)

export const emaOf = (span: number) => {
  const rate = weight(span)
  let value = Number.NaN
  return ({ close }: Bar): number => {
    value = Number.isNaN(value) ? close : value + rate * (close - value)
    return value
  }
}
export function macdOf(fast: number, slow: number, signal: number) {
  const quick = emaOf(fast)
  const steady = emaOf(slow)
  const rate = weight(signal)
  let seen = 0
  let average = 0
  return (bar: Bar): { line: number; signal: number } | undefined => {
    const line = quick(bar) - steady(bar)
    if (++seen < slow) return undefined
    average = seen === slow ? line : average + rate * (line - average)
    return { line, signal: average }
  }
}
export function rsiOf(span: number) {
  let changes = -1
  let last = 0
  let up = 0
  let down = 0
  return ({ close }: Bar): number | undefined => {
    const change = close - last
    last = close
    if (++changes === 0) return undefined
    const rate = changes <= span ? 1 / changes : 1 / span
    up += rate * (Math.max(change, 0) - up)
    down += rate * (Math.max(-change, 0) - down)
    if (changes < span) return undefined
    return up + down > 0 ? 100 * (up / (up + down)) : 50
  }
}
export function bandsOf(span: number, deviations: number) {
  const closes = new Float64Array(span)
  let seen = 0
  return ({ close }: Bar): { place: number; width: number } | undefined => {
    closes[seen++ % span] = close
    if (seen < span) return undefined
    let sum = 0
    let squares = 0
    for (let i = 0; i < span; i++) {
      const distance = closes[i]! - close
      sum += distance
      squares += distance * distance
    }
    const shift = sum / span
    const reach = deviations * Math.sqrt((squares - sum * shift) / span)
    return { place: reach > 0 ? 0.5 - shift / (2 * reach) : 0.5, width: (2 * reach) / (close + shift) }
  }
}
export function rangeOf(span: number) {
  let seen = 0
  let last = 0
  let value = 0
  return ({ high, low, close }: Bar): number | undefined => {
    const before = seen++ === 0 ? low : last
    last = close
    const range = Math.max(high, before) - Math.min(low, before)
    value += (seen <= span ? 1 / seen : 1 / span) * (range - value)
    return seen < span ? undefined : value
  }
}
/** A sum that carries its rounding error beside it. */
function exactSum() {
  let sum = 0
  let rest = 0
  return {
    add(value: number) {
      const next = sum + value
      const entered = next - sum
      rest += sum - (next - entered) + (value - entered)
      sum = next
    },
    total: () => sum + rest,
  }
}
export function fairOf(span: number) {
  const volumes = new Float64Array(span)
  const turnovers = new Float64Array(span)
  const volume = exactSum()
  const turnover = exactSum()
  let seen = 0
  return (bar: Bar): number | undefined => {
    const place = seen++ % span
    volume.add(-volumes[place]!)
    turnover.add(-turnovers[place]!)
    volumes[place] = bar.volume
    turnovers[place] = bar.turnover
    volume.add(bar.volume)
    turnover.add(bar.turnover)
    return seen < span ? undefined : turnover.total() / volume.total()
  }
}

/** amount x part / whole to the nearest whole, halves away from zero; exact below 2^53. */
export function share(amount: number, part: number, whole: number): number {
  const product = whole < 0 ? -amount * part : amount * part
  const by = Math.abs(whole)
  const rounded = Math.floor((2 * Math.abs(product) + by) / (2 * by))
  return product < 0 ? -rounded : rounded
}
/** Whole 1e-8 of money: prices in cents, quantities in 1e-3. */
export const moneyOf = (price: number, quantity: number): number => Math.round(price * 100) * quantity * 1000
