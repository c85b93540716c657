import type { Clock } from '../../runtime/define.ts'

/** What lets a loop that does one thing at a time wait, and be woken for what has come. */
export class Waker {
  private readonly clock: Clock
  private nudged = false
  private wake = () => {}

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Something has come. */
  nudge(): void {
    this.nudged = true
    this.wake()
  }
  /** Whether something has come that was not taken. */
  get called(): boolean {
    return this.nudged
  }
  /** What has come so far is taken now. */
  answer(): void {
    this.nudged = false
  }

  /** Waits so many µs, or until something comes. */
  rest(micros: number): Promise<void> {
    if (this.nudged) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.clock.after(micros, () => this.wake())
      this.wake = () => {
        cancel()
        this.wake = () => {}
        resolve()
      }
    })
  }

  /** Waits for what is asked, and has what comes meanwhile taken by `take`, for as long as that says. */
  async meanwhile<T>(asked: Promise<T>, take: () => Promise<'more' | 'enough'>): Promise<T> {
    let state: 'asked' | 'told' = 'asked'
    const tell = () => {
      state = 'told'
    }
    const told = asked.then(tell, tell)
    while (state === 'asked') {
      const come = new Promise<void>((resolve) => {
        this.wake = resolve
      })
      if (!this.nudged) await Promise.race([told, come])
      if (this.nudged && (await take()) === 'enough') break
    }
    this.wake = () => {}
    return asked
  }
}
