import WebSocket from 'ws'
import { FloodVenue } from '../../testing/flood_venue.ts'
import { feedOf } from './source.ts'

/** What a connection costs when it is open, and after it carried messages: a feed's, or one of `ws` alone. Wants --expose-gc. */
const [how = 'ours', connections = '50', messages = '20000'] = process.argv.slice(2)
const venue = new FloodVenue({ symbols: 1 })
const url = (await venue.listen()).replace('http', 'ws')
const settle = async () => {
  for (let n = 0; n < 5; n++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    globalThis.gc?.()
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}
// one warms everything up
let rows = 0
const open = () => {
  if (how === 'ours')
    feedOf(url, 1).subscribe((items) => {
      rows += items.length
    })
  else
    new WebSocket(url, { perMessageDeflate: false }).on('message', () => {
      rows++
    })
}
open()
for (let n = 0; n < 50; n++) {
  venue.print(100, Date.now(), () => 0)
  await new Promise((resolve) => setTimeout(resolve, 2))
}
const before = await settle()
for (let n = 0; n < Number(connections); n++) open()
while (venue.connected < Number(connections) + 1) await new Promise((resolve) => setTimeout(resolve, 5))
const idle = await settle()
for (let sent = 0; sent < Number(messages); sent += 200) {
  venue.print(200, Date.now(), () => 0)
  await venue.drained()
  await new Promise((resolve) => setImmediate(resolve))
}
const busy = await settle()
const per = (bytes: number) => bytes / Number(connections) / 1024
process.stdout.write(JSON.stringify({ idle_kib: per(idle - before), busy_kib: per(busy - before), rows }))
process.exit(0)
