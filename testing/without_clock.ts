const banned = (what: string) => () => {
  throw new Error(`asked ${what}: an operator knows event time only`)
}

/** Runs something while the clocks and the chance of the process throw. */
export function withoutClock<T>(run: () => T): T {
  const [date, random, now, uuid, values] = [
    globalThis.Date,
    Math.random,
    performance.now,
    crypto.randomUUID,
    crypto.getRandomValues,
  ]
  const noon = class extends date {
    static override now = banned('Date.now')
    constructor(...given: readonly unknown[]) {
      if (given.length === 0) banned('new Date')()
      super(...(given as [number]))
    }
  }
  try {
    globalThis.Date = noon as unknown as DateConstructor
    Math.random = banned('Math.random')
    performance.now = banned('performance.now')
    crypto.randomUUID = banned('crypto.randomUUID')
    crypto.getRandomValues = banned('crypto.getRandomValues')
    return run()
  } finally {
    globalThis.Date = date
    Math.random = random
    performance.now = now
    crypto.randomUUID = uuid
    crypto.getRandomValues = values
  }
}
