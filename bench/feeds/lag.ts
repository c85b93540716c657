import { fork } from 'node:child_process'
import { once } from 'node:events'
import WebSocket from 'ws'
import type { Trade } from '../../schemas/market.ts'
import { FIRST_ID } from '../../testing/trade_maker.ts'
import { eventNow, sharedClock } from '../latency/clock.ts'
import { percentile } from '../latency/spread.ts'
import { scriptAt } from '../support.ts'
import { feedOf, framesOf } from './source.ts'

/** From when a trade was due on the wire to when it is in a frame; or, bare, to when `ws` hands it over. */
const [how = 'bare', rate = '20000', seconds = '12'] = process.argv.slice(2)
const count = Number(rate) * Number(seconds)
const venue = fork(scriptAt('paced', import.meta.url), [rate, seconds], { execArgv: process.execArgv })
const [{ url }] = (await once(venue, 'message')) as [{ url: string }]
const clock = sharedClock()
const came = new Float64Array(count)
let seen = 0
let start = 0
venue.on('message', (said: { start: number }) => {
  start = said.start
})

function end(): void {
  // the first third warms up
  const from = Math.floor(count / 3)
  const late = came.subarray(from).map((at, n) => (at - start - ((from + n) * 1e6) / Number(rate)) / 1e3)
  const sorted = late.toSorted()
  const of = (share: number) => percentile(sorted, share)
  process.stdout.write(JSON.stringify({ p50: of(0.5), p99: of(0.99), p999: of(0.999) }))
  venue.kill('SIGKILL')
  process.exit(0)
}
const address = url.replace('http', 'ws')
if (how === 'ours')
  feedOf(address, 1).subscribe((items) => {
    if (framesOf(items).length === 0) return
    const at = eventNow(clock)
    for (const item of items) {
      if (item.type !== 'row') continue
      came[(item.value as Trade).id - FIRST_ID] = at
      seen++
    }
    if (seen === count) end()
  })
else {
  const socket = new WebSocket(address, { perMessageDeflate: false })
  socket.on('message', (data: Buffer) => {
    // the number stands at one place in every message
    const place = data.indexOf('"t":') + 4
    came[Number(data.toString('latin1', place, place + 10)) - FIRST_ID] = eventNow(clock)
    if (++seen === count) end()
  })
}
venue.send(clock)
