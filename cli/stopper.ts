import { wallClock } from '../runtime/clock.ts'

export interface Stopper {
  readonly signal: AbortSignal
  /** True when somebody stopped it, false when its time is over or it goes on. */
  readonly interrupted: () => boolean
  readonly done: () => void
}

/** Stops on Ctrl-C, on SIGTERM and when so many µs are over. */
export function stopper(length: number | undefined): Stopper {
  const controller = new AbortController()
  let interrupted = false
  const interrupt = () => {
    interrupted = true
    controller.abort()
  }
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  const cancel = length === undefined ? undefined : wallClock.after(length, () => controller.abort())
  return {
    signal: controller.signal,
    interrupted: () => interrupted,
    done() {
      cancel?.()
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', interrupt)
    },
  }
}
