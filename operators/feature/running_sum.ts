/**
 * A sum that values enter and leave for millions of bars. Plain `sum += x - old` keeps every rounding error it ever
 * made; here the error of each addition is worked out exactly (Knuth, TAOCP 4.2.2, theorem B) and carried beside.
 */
export const runningSum = () => ({ sum: 0, rest: 0 })
export type RunningSum = ReturnType<typeof runningSum>

export function add(total: RunningSum, value: number): void {
  const { sum } = total
  const next = sum + value
  const entered = next - sum
  total.sum = next
  total.rest += sum - (next - entered) + (value - entered)
}

export const totalOf = (total: RunningSum): number => total.sum + total.rest
