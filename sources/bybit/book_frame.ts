import type { Level } from '../feed/venue.ts'
import { type Fields, isCount, isDecimal, isFields, microsOf } from './wire.ts'

// bybit-exchange.github.io/docs/v5/websocket/public/orderbook (2026). `cts` is the time of the matching engine, `ts` that
// of the message; options have no `seq`.
/** What a frame of any `orderbook` channel says; undefined where it is none. */
export function bookFrame({ type, ts, cts, data }: Fields) {
  if (!isFields(data) || (type !== 'snapshot' && type !== 'delta')) return undefined
  const { u: id, seq = 0, b, a } = data
  const [at, bids, asks] = [microsOf(cts ?? ts), levelsOf(b), levelsOf(a)]
  if (at === undefined || bids === undefined || asks === undefined || !isCount(id) || !isCount(seq)) return undefined
  return { snapshot: type === 'snapshot', at, id, seq, bids, asks }
}

function levelsOf(given: unknown): readonly Level[] | undefined {
  if (!Array.isArray(given)) return undefined
  const levels: Level[] = []
  for (const level of given) {
    const [price, size] = Array.isArray(level) ? level : []
    if (!isDecimal(price) || !isDecimal(size) || !(Number(price) > 0)) return undefined
    levels.push([Number(price), Number(size)])
  }
  return levels
}
