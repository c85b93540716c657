/** What a run over a stored stream took, from a record on. */
export interface Spent {
  readonly seconds: number
  /** Of this process, its other threads included; not of the server. */
  readonly cpu_seconds: number
}

/** Starts counting; the function it gives says what was spent since. */
export function stopwatch(): () => Spent {
  const began = performance.now()
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return { seconds: (performance.now() - began) / 1000, cpu_seconds: (user + system) / 1e6 }
  }
}
