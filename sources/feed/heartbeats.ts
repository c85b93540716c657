import type { Clock } from '../../runtime/define.ts'
import type { Outlet } from './outlet.ts'
import { Pulse } from './pulse.ts'
import type { Track } from './track.ts'

export interface HeartbeatSettings<T> {
  readonly clock: Clock
  readonly outlet: Outlet
  readonly tracks: Iterable<Track<T>>
  /** µs of silence after which the time of a symbol is told. */
  readonly every: number
  readonly lag: number
  /** Whether rows wait for what is missing before them: no time passes meanwhile. */
  readonly waiting: () => boolean
  /** Called at every beat. */
  readonly also: (now: number, opened: number) => void
}
/** Silent symbols wait this many heartbeats after a reconnection for a number that proves continuity. */
const PROOF_BEATS = 5

/** Lets time pass for silent symbols while a connection lives. */
export class Heartbeats<T> {
  readonly pulse: Pulse
  private readonly settings: HeartbeatSettings<T>
  private cancel = () => {}

  constructor(settings: HeartbeatSettings<T>) {
    this.settings = settings
    this.pulse = new Pulse(settings.lag)
  }

  start(opened: number): void {
    const { clock, every, tracks, waiting, also } = this.settings
    this.cancel = clock.after(every, () => {
      const now = clock.now()
      const passed = this.pulse.passed()
      if (!waiting()) for (const track of tracks) this.beat(track, now, passed, now - opened >= PROOF_BEATS * every)
      this.start(opened)
      also(now, opened)
    })
  }
  stop(): void {
    this.cancel()
  }

  private beat(track: Track<T>, now: number, passed: number, proven: boolean): void {
    const { every, outlet } = this.settings
    if (track.standing === 'refused') return
    if (now - track.received < every || passed <= track.told) return
    if (track.keeper === undefined && track.sequencer.doubted !== undefined) {
      if (track.sequencer.newest > 0 && !proven) return
      track.sequencer.pass(passed)
    }
    track.told = passed
    outlet.tell({ type: 'heartbeat', at: passed, key: track.key })
  }
}
