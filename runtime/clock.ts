/** Wall time and waiting, handed in by the environment. Operators have none: their only clock is event time. */
export interface Clock {
  /** µs since 1970. */
  now(): number
  /** Calls back after some µs; the returned function cancels. */
  after(micros: number, call: () => void): () => void
}

export const wallClock: Clock = {
  now: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
  after(micros, call) {
    const timer = setTimeout(call, micros / 1000)
    return () => clearTimeout(timer)
  },
}
