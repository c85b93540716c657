/** Probabilities out of the three scores from `from` on, in double precision. */
export function softmax(scores: Float32Array | Float64Array, from: number, into: Float64Array, to: number): void {
  const a = scores[from]!
  const b = scores[from + 1]!
  const c = scores[from + 2]!
  const most = Math.max(a, b, c)
  const x = Math.exp(a - most)
  const y = Math.exp(b - most)
  const z = Math.exp(c - most)
  const sum = x + y + z
  into[to] = x / sum
  into[to + 1] = y / sum
  into[to + 2] = z / sum
}
