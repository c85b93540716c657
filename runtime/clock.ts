/** Wall time and waiting, handed in by the environment. Operators have none: their only clock is event time. */
export interface Clock {
  /** µs since 1970. */
  now(): number
  /** Calls back after some µs; the returned function cancels. */
  after(micros: number, call: () => void): () => void
}

/** A longer wait makes setTimeout call at once. */
const LONGEST_MS = 2 ** 31 - 1

export const wallClock: Clock = {
  now: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
  after(micros, call) {
    let timer: NodeJS.Timeout
    const wait = (ms: number) => {
      timer = ms > LONGEST_MS ? setTimeout(() => wait(ms - LONGEST_MS), LONGEST_MS) : setTimeout(call, ms)
    }
    wait(micros / 1000)
    return () => clearTimeout(timer)
  },
}

/** Waits, at most until the signal aborts. */
export function pause(clock: Clock, micros: number, signal?: AbortSignal): Promise<void> {
  if (micros <= 0 || signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(micros, done)
    signal?.addEventListener('abort', done, { once: true })
  })
}
