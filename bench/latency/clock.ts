/**
 * One clock for several processes of a machine: the monotonic one (`process.hrtime`, whose zero they share), told as event
 * time in µs.
 */
export interface Shared {
  readonly event: number
  readonly monotonic: number
}
const now = (): number => Number(process.hrtime.bigint()) / 1000
export const sharedClock = (): Shared => ({ event: Date.now() * 1000, monotonic: now() })
export const eventNow = ({ event, monotonic }: Shared): number => event + (now() - monotonic)
