import { tradeFrames as binanceFrames } from '../../sources/binance/frames.ts'
import { parseTradeFrame, readTradeFrame } from '../../sources/binance/trades.ts'
import { tradeFrame as bybitFrame } from '../../sources/bybit/frames.ts'
import { readTrades as readBybit } from '../../sources/bybit/trades.ts'
import { matchFrames as coinbaseFrames } from '../../sources/coinbase/frames.ts'
import { readMatchFrame } from '../../sources/coinbase/trades.ts'
import { tradeFrames as krakenFrames } from '../../sources/kraken/frames.ts'
import { readTradeFrame as readKraken } from '../../sources/kraken/trades.ts'
import { tradeFrames as okxFrames } from '../../sources/okx/frames.ts'
import { readTrades as readOkx } from '../../sources/okx/trades.ts'
import { median } from '../support.ts'

/** What reading one message with one trade costs, beside JSON.parse alone on the same bytes; ns, in one process. */
const COUNT = 2000
const bytesOf = (frames: readonly string[]) => frames.map((frame) => Buffer.from(frame))
const bybit = Array.from({ length: COUNT }, (_, n) => bybitFrame(n))
const readers = {
  'binance, scanned': [bytesOf(binanceFrames(COUNT)), readTradeFrame],
  'binance, parsed': [bytesOf(binanceFrames(COUNT)), parseTradeFrame],
  coinbase: [bytesOf(coinbaseFrames(COUNT)), readMatchFrame],
  kraken: [bytesOf(krakenFrames(COUNT)), readKraken],
  okx: [bytesOf(okxFrames(COUNT)), readOkx],
  bybit: [bytesOf(bybit), readBybit],
} as const
const PASSES = 25

function timed(frames: readonly Buffer[], read: (bytes: Buffer) => unknown): number {
  const began = process.hrtime.bigint()
  let seen = 0
  for (let pass = 0; pass < PASSES; pass++) for (const frame of frames) if (read(frame) !== undefined) seen++
  if (seen !== PASSES * frames.length) throw new Error('a frame was not read')
  return Number(process.hrtime.bigint() - began) / PASSES / frames.length
}
const json = (bytes: Buffer): unknown => JSON.parse(bytes.toString())
const rows = Object.entries(readers).map(([name, [frames, read]]) => {
  for (const frame of frames) {
    const { type } = read(frame, false)
    if (type !== 'row' && type !== 'rows') throw new Error(`${name}: a frame gave ${type}`)
  }
  const reads: number[] = []
  const parses: number[] = []
  // the first rounds warm up
  for (let n = 0; n < 9; n++) {
    const [a, b] = [timed(frames, (bytes) => read(bytes, false)), timed(frames, json)]
    if (n < 2) continue
    reads.push(a)
    parses.push(b)
  }
  return { name, ns: median(reads), json_ns: median(parses) }
})
process.stdout.write(JSON.stringify(rows))
