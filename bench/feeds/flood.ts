import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FIRST_ID, TradeMaker } from '../../testing/trade_maker.ts'
import { acceptance } from '../../testing/websocket_bytes.ts'

/** Sends everybody who connects the same trades, made beforehand, in pieces of so many bytes, as fast as they are taken. */
const [symbols = '10', count = '300000', piece = '262144'] = process.argv.slice(2)
const maker = new TradeMaker(Number(symbols))
const all = Buffer.alloc(Number(count) * maker.largest)
let end = 0
for (let n = 0; n < Number(count); n++) {
  const symbol = n % Number(symbols)
  end = maker.write(
    all,
    end,
    symbol,
    FIRST_ID + Math.floor(n / Number(symbols)),
    1_700_000_000_000 + Math.floor(n / 50),
  )
}
const server = createServer()
server.on('upgrade', ({ headers }, socket) => {
  socket.on('error', () => {})
  socket.write(acceptance(String(headers['sec-websocket-key'])))
  let at = 0
  const go = () => {
    while (at < end) {
      const to = Math.min(end, at + Number(piece))
      const taken = socket.write(all.subarray(at, to))
      at = to
      if (!taken) {
        socket.once('drain', go)
        return
      }
    }
  }
  // who has just connected is ready when the first byte comes
  setTimeout(go, 200)
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.once('disconnect', () => process.exit(0))
