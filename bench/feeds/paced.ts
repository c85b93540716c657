import { wallClock } from '../../runtime/clock.ts'
import { FloodVenue } from '../../testing/flood_venue.ts'
import { eventNow, type Shared } from '../latency/clock.ts'

/** Prints trades of one symbol when they are due: the n-th of the schedule has the n-th number. */
const [rate = '20000', seconds = '12'] = process.argv.slice(2)
const venue = new FloodVenue({ symbols: 1 })
process.send?.({ url: await venue.listen() })
process.once('message', (clock: Shared) => {
  const begin = () => {
    if (venue.connected === 0) {
      setTimeout(begin, 5)
      return
    }
    const start = eventNow(clock) + 100e3
    process.send?.({ start })
    // every turn of the loop: a timer would turn once a millisecond, and its grain would be most of what is measured
    const turn = () => {
      const now = eventNow(clock)
      const due = Math.min(Number(rate) * Number(seconds), Math.floor(((now - start) * Number(rate)) / 1e6))
      if (due > venue.printed) venue.print(due - venue.printed, Math.floor(wallClock.now() / 1e3), () => 0)
      if (venue.printed < Number(rate) * Number(seconds)) setImmediate(turn)
    }
    turn()
  }
  begin()
})
process.once('disconnect', () => process.exit(0))
