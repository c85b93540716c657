import { eventNow, type Shared } from './clock.ts'

export interface Schedule {
  readonly clock: Shared
  /** Event time of the first tick. */
  readonly start: number
  readonly rate: number
  readonly count: number
}
/** When a tick is due: fixed before anything runs, so a stall makes every tick behind it late. */
export const dueAt = ({ start, rate }: Schedule, n: number): number => Math.round(start + (n * 1e6) / rate)
/** Which tick was due then. */
export const tickDueAt = ({ start, rate }: Schedule, at: number): number => Math.round(((at - start) * rate) / 1e6)
export const endOf = (schedule: Schedule): number => dueAt(schedule, schedule.count)

/** The numbers of ticks as they become due, as ranges. */
export async function* due(schedule: Schedule): AsyncGenerator<{ from: number; to: number }> {
  for (let from = 0; from < schedule.count; ) {
    let to = from
    const now = eventNow(schedule.clock)
    while (to < schedule.count && dueAt(schedule, to) <= now) to++
    if (to > from) yield { from, to }
    from = to
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
