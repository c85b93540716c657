import type { Clock } from '../clock.ts'

interface Timer {
  readonly due: number
  readonly call: () => void
}

/**
 * Time that stands still while something is dealt with, and moves from event to event. Timers are called at the very time
 * they are due, before what comes later: so what a source makes of its events depends on their times alone.
 */
export class StepClock implements Clock {
  private at: number
  /** By time, at equal times in the order they were set. */
  private readonly timers: Timer[] = []
  /** Called when a timer is set that is due before all others. */
  private readonly sooner: () => void

  constructor(at: number, sooner: () => void = () => {}) {
    this.at = at
    this.sooner = sooner
  }

  now(): number {
    return this.at
  }
  after(micros: number, call: () => void): () => void {
    const timer = { due: this.at + Math.max(0, Math.ceil(micros)), call }
    let place = this.timers.length
    while (place > 0 && (this.timers[place - 1] as Timer).due > timer.due) place--
    this.timers.splice(place, 0, timer)
    if (place === 0) this.sooner()
    return () => {
      const index = this.timers.indexOf(timer)
      if (index >= 0) this.timers.splice(index, 1)
    }
  }

  /** When the next timer is due, Infinity where there is none. */
  get due(): number {
    return this.timers[0]?.due ?? Number.POSITIVE_INFINITY
  }

  /** Goes on to a time. What a timer sets off has come to its end before the next is called. */
  async to(at: number): Promise<void> {
    while (this.due <= at) {
      const { due, call } = this.timers.shift() as Timer
      this.at = Math.max(this.at, due)
      call()
      await turn()
    }
    this.at = Math.max(this.at, at)
  }
}

/** All that was promised has been done when the loop has turned. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
