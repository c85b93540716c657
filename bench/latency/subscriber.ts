import type { Link } from '../../runtime/log/jetstream/link.ts'
import { eventNow } from './clock.ts'
import { dueAt, endOf, type Schedule, tickDueAt } from './schedule.ts'
import { percentile, type Spread } from './spread.ts'

/** How long after the last tick is due messages are still waited for, in µs. */
const GRACE = 3e6

/** Listens on a subject until every tick of a schedule came or the time for it is over; the first ones do not count. */
export async function listen(link: Link, subject: string, schedule: Schedule, warm: number): Promise<Spread> {
  const { clock, count } = schedule
  const came = new Float64Array(count)
  let [seen, doubled, bytes] = [0, 0, 0]
  let done: () => void = () => {}
  link.nc.subscribe(subject, {
    callback(error, message) {
      if (error !== null) throw error
      const now = eventNow(clock)
      // only the due time is read: parsing whole messages would measure the subscriber
      const at = Number(/"at":(\d+)/.exec(message.string())?.[1])
      const n = tickDueAt(schedule, at)
      if (dueAt(schedule, n) !== at) throw new Error(`no tick was due at ${at}`)
      bytes = message.data.byteLength
      if (came[n] !== 0) doubled++
      else {
        came[n] = now
        if (++seen === count) done()
      }
    },
  })
  await link.nc.flush()
  process.stdout.write('listening\n')
  await new Promise<void>((resolve) => {
    done = resolve
    setTimeout(resolve, (endOf(schedule) + GRACE - eventNow(clock)) / 1000)
  })
  const end = eventNow(clock)
  const latencies = new Float64Array(count - warm)
  let received = 0
  for (let n = warm; n < count; n++) {
    const at = came[n] as number
    latencies[n - warm] = ((at || end) - dueAt(schedule, n)) / 1000
    if (at !== 0) received++
  }
  latencies.sort()
  const warmed = dueAt(schedule, warm)
  const later = came.filter((at) => at > warmed)
  const last = later.reduce((latest, at) => Math.max(latest, at), warmed)
  return {
    due: count - warm,
    received,
    doubled,
    rate: later.length === 0 ? 0 : (later.length * 1e6) / (last - warmed),
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    p999: percentile(latencies, 0.999),
    bytes,
  }
}
