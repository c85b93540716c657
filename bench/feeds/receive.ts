import WebSocket from 'ws'
import { feedOf, framesOf } from './source.ts'

/** Takes a flood to its end in one of several ways, and says what a message cost. */
const [how = 'bare', port = '0', count = '300000', symbols = '10'] = process.argv.slice(2)
const url = `ws://127.0.0.1:${port}`
const total = Number(count)

/** The first fifth warms up. */
const from = Math.floor(total / 5)
let began = 0
let spent: NodeJS.CpuUsage = { user: 0, system: 0 }
let seen = 0
let bytes = 0
function took(messages: number): void {
  if (seen < from && seen + messages >= from) {
    began = performance.now()
    spent = process.cpuUsage()
  }
  seen += messages
  if (seen < total) return
  const { user, system } = process.cpuUsage(spent)
  const rate = ((total - from) / (performance.now() - began)) * 1e3
  process.stdout.write(JSON.stringify({ rate, cpu_ns: ((user + system) / (total - from)) * 1e3, bytes }))
  process.exit(0)
}

if (how === 'ours' || how === 'frames') {
  feedOf(url, Number(symbols)).subscribe((items) => {
    if (how === 'frames') for (const frame of framesOf(items)) bytes += frame.length
    let rows = 0
    for (const { type } of items) if (type === 'row') rows++
    took(rows)
  })
} else {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  let sum = 0
  socket.on('message', (data: Buffer) => {
    if (how === 'json') sum += (JSON.parse(data.toString()) as { data: { t: number } }).data.t
    took(1)
  })
  process.once('exit', () => sum > 1e300 && process.stderr.write('!'))
}
