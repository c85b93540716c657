import { FloodVenue } from '../../testing/flood_venue.ts'
import { feedOf } from './source.ts'

/** How long after a connection is cut the first row of the next one comes, in ms, again and again. */
const [times = '4'] = process.argv.slice(2)
const venue = new FloodVenue({ symbols: 1 })
const url = (await venue.listen()).replace('http', 'ws')
const waits: number[] = []
let cut = 0
const ticking = setInterval(() => venue.print(1, Date.now(), () => 0), 1)
feedOf(url, 1).subscribe((items) => {
  if (cut === 0 || !items.some(({ type }) => type === 'row')) return
  waits.push(performance.now() - cut)
  cut = 0
  if (waits.length < Number(times)) return
  clearInterval(ticking)
  process.stdout.write(JSON.stringify(waits))
  process.exit(0)
})
setInterval(() => {
  if (cut > 0) return
  cut = performance.now()
  venue.drop()
}, 2500)
