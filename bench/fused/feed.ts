import { keyGroup } from '../../runtime/key_groups.ts'
import { decodeFrame, type Frame } from '../../schemas/frame.ts'
import { FrameWriter } from '../../schemas/frame_writer.ts'
import { kinds } from '../../schemas/kinds.ts'
import { Trade } from '../../schemas/market.ts'
import { Prng } from '../../sources/synthetic/prng.ts'

/** µs a row may lag behind the newest of its key group. */
export const LATENESS = 250_000
/** µs from one pass over a feed to the next: whole minutes, so that every pass cuts its bars at the same rows. */
export const spanOf = ({ at }: Feed): number => {
  let last = 0
  for (const time of at) last = Math.max(last, time)
  return Math.ceil((last - START + 1) / 60e6) * 60e6
}
const START = 1_700_000_040e6

/** Trades as columns: what the hand-fused loop reads. */
export interface Feed {
  readonly rows: number
  /** Names of the symbols, by number. */
  readonly keys: readonly string[]
  /** Key group of each symbol. */
  readonly group: Uint8Array
  readonly at: Float64Array
  readonly symbol: Uint16Array
  readonly price: Float64Array
  readonly size: Float64Array
  readonly side: Int8Array
}

const ticksPerSecond = (symbols: number): number => (symbols === 1 ? 50 : symbols <= 10 ? 500 : 10_000)

/** Zipf symbols; prices in cents; 30 % of the rows up to 120 ms out of order, 0.05 % so late that they are left out. */
export function makeFeed(symbols: number, rows: number): Feed {
  const chance = new Prng(1)
  const keys = Array.from({ length: symbols }, (_, s) => `bench:S${s}`)
  const shares = Array.from({ length: symbols }, (_, s) => 1 / (s + 1))
  const total = shares.reduce((sum, share) => sum + share)
  let sum = 0
  const upTo = shares.map((share) => {
    sum += share / total
    return sum
  })
  const lookup = Uint16Array.from({ length: 4096 }, (_, i) => upTo.findIndex((bound) => bound >= (i + 0.5) / 4096))
  const prices = Float64Array.from({ length: symbols }, () => 10 + chance.uniform() * 1000)
  const drift = new Float64Array(symbols)
  const feed: Feed = {
    rows,
    keys,
    group: Uint8Array.from(keys, keyGroup),
    at: new Float64Array(rows),
    symbol: new Uint16Array(rows),
    price: new Float64Array(rows),
    size: new Float64Array(rows),
    side: new Int8Array(rows),
  }
  const rate = ticksPerSecond(symbols)
  let time = START + 1e6
  for (let i = 0; i < rows; i++) {
    time += (-Math.log(chance.uniform()) * 1e6) / rate
    const s = lookup[Math.floor(chance.uniform() * 4096)]!
    drift[s] = drift[s]! * 0.999 + (chance.uniform() - 0.5) * 1e-6
    prices[s]! *= 1 + drift[s]! + (chance.uniform() + chance.uniform() - 1) * 2e-4
    const lag = chance.uniform() < 0.3 ? chance.uniform() * 120e3 : chance.uniform() * 10e3
    feed.symbol[i] = s
    feed.at[i] = Math.floor(time - lag - (chance.uniform() < 0.0005 ? 400e3 : 0))
    feed.price[i] = Math.round(prices[s]! * 100) / 100
    feed.size[i] = Math.round((0.001 + chance.uniform() * chance.uniform() * 5) * 1000) / 1000
    feed.side[i] = chance.uniform() < 0.5 + drift[s]! * 2000 ? 1 : -1
  }
  return feed
}

/** The same trades as frames, cut as a tape cuts them. */
export function framesOf(feed: Feed, origin: string, rowsPerFrame = 1024): readonly Frame[] {
  const frames: Frame[] = []
  const writer = new FrameWriter(Trade, origin, { capacity: rowsPerFrame })
  for (let i = 0; i < feed.rows; i++) {
    const value = { price: feed.price[i], size: feed.size[i], side: feed.side[i], id: i }
    writer.push(feed.at[i]!, feed.keys[feed.symbol[i]!]!, value)
    if (writer.rows === rowsPerFrame || i === feed.rows - 1) frames.push(decodeFrame(writer.take(), kinds))
  }
  return frames
}
