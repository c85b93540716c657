import { z } from 'zod'
import { columnsOf, isBare } from '../schemas/columns.ts'
import { type Fixed, fixed, notionalOf } from '../schemas/fixed.ts'
import type { Kind } from '../schemas/kind.ts'
import type { Sample } from '../schemas/samples.ts'

/** Chance that can be had again: 0 <= x < 1, the same series for the same seed (mulberry32). */
export function chanceOf(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

type Chance = () => number
const pick = <T>(chance: Chance, of: readonly T[]): T => of[Math.floor(chance() * of.length)] as T
const cents = (value: number): number => Math.round(value * 100) / 100

type Make = (chance: Chance, price: number, at: number) => unknown
const order = (chance: Chance, price: number) => ({
  side: pick(chance, ['buy', 'sell'] as const),
  quantity: 1 + Math.floor(chance() * 300) / 100,
  limit: chance() < 0.5 ? 0 : cents(price * (0.99 + chance() / 50)),
  price,
})
/** Messages that hang together: a bar whose high is the highest, a fill whose notional is price x quantity. */
const makers: Readonly<Record<string, Make>> = {
  trade: (chance, price) => ({
    price,
    size: 0.01 + chance(),
    side: pick(chance, [-1, 0, 1]),
    id: Math.floor(chance() * 1e9),
  }),
  quote: (chance, price) => ({
    bid: cents(price - 0.01 - chance() / 10),
    ask: price,
    bid_size: chance(),
    ask_size: chance(),
  }),
  bar(chance, close) {
    const [open, high, low] = [
      cents(close - 0.5 + chance()),
      cents(close + 0.5 + chance()),
      cents(close - 0.5 - chance()),
    ]
    const volume = chance() < 0.1 ? 0 : chance() * 10
    const count = Math.floor(chance() * 20)
    return { open, high, low, close, volume, turnover: volume * close, count, complete: chance() < 0.9 }
  },
  book: (chance, price) => ({
    side: pick(chance, [-1, 1]),
    price: cents(price * (0.99 + chance() / 50)),
    size: chance() < 0.2 ? 0 : chance(),
    snapshot: chance() < 0.3,
    last: chance() < 0.5,
    id: Math.floor(chance() * 1e9),
  }),
  pool_state(chance, price, at) {
    const model = pick(chance, ['constant_product', 'concentrated', 'stable'] as const)
    const concentrated = model === 'concentrated'
    const marginal = model === 'stable' ? 1 : price
    const root = concentrated ? BigInt(Math.round(Math.sqrt(marginal) * 2 ** 40)) << 56n : 0n
    const held = concentrated ? 0n : BigInt(Math.ceil(1e6 * (1 + chance()))) * 10n ** 8n
    return {
      model,
      reserve0: String(held),
      reserve1: String((held * BigInt(Math.round(marginal * 100))) / 100n),
      sqrt_price_x96: String(root),
      liquidity: concentrated ? '10000000000000000' : '0',
      tick: concentrated ? Math.floor(Math.log(marginal) / Math.log(1.0001)) : 0,
      fee: pick(chance, [0, 0.0005, 0.003]),
      price: marginal,
      decimals0: 8,
      decimals1: 8,
      block: Math.floor(chance() * 1e6),
      block_time: at,
      block_hash: '',
      age: 0,
      removed: chance() < 0.05,
    }
  },
  // on the way up mostly, with fees that double and halve; one in ten takes a block back
  block: (chance, _price, at) => ({
    number: Math.floor(at / 1e6) - 1_600_000_000 - Math.floor(chance() * 3),
    hash: '',
    parent: '',
    block_time: at,
    base_fee: `${Math.ceil(chance() * 60)}000000000`,
    gas_used: 15e6,
    gas_limit: 30e6,
    transactions: 0,
    removed: chance() < 0.1,
  }),
  scalar: (chance, price) => price - 0.5 + chance(),
  signal(chance, price) {
    const direction = pick(chance, [-1, 0, 1])
    return { direction, strength: direction * chance(), price }
  },
  order_intent: order,
  approved_order: order,
  fill(chance, price, at) {
    const quantity = fixed(1 + Math.floor(chance() * 300) / 100)
    const notional = notionalOf(price, quantity)
    const own = chance() < 0.9
    return {
      order_at: own ? Math.max(1, at - Math.floor(chance() * 3) * 1_000_000) : 0,
      order_ordinal: 0,
      side: pick(chance, ['buy', 'sell']),
      quantity,
      price,
      notional,
      fee: notionalOf(0.001, notional),
    }
  },
  gap: (chance, _price, at) => ({
    reason: pick(chance, ['connected', 'disconnected', 'sequence', 'stalled', 'resumed']),
    missing: Math.floor(chance() * 10),
    since: at,
  }),
}

/** Any message a kind allows, field by field: for kinds without a maker. */
function made(kind: Kind, chance: Chance, price: number): unknown {
  const shape = (kind.schema._zod.def as unknown as { shape?: Record<string, z.core.$ZodType> }).shape
  const fields = columnsOf(kind).map(({ name, type, values }) => {
    const schema = shape?.[name] ?? kind.schema
    const tried: readonly unknown[] =
      type === 'fixed'
        ? [fixed(cents(price)) as Fixed]
        : type === 'dict'
          ? [pick(chance, ['a', 'b', 'c'])]
          : type === 'u8'
            ? [pick(chance, values ?? [])]
            : [cents(price), Math.round(price), chance(), 0, 1, -chance(), -1]
    return [name, tried.find((value) => z.safeParse(schema, value).success)] as const
  })
  return isBare(kind) ? fields[0]?.[1] : Object.fromEntries(fields)
}

/** A message of a kind, near a price. */
export const messageOf = (kind: Kind, chance: Chance, price: number, at: number): unknown =>
  makers[kind.kind]?.(chance, price, at) ?? made(kind, chance, price)

export interface TapeOptions {
  readonly seed?: number
  readonly rows?: number
  readonly keys?: readonly string[]
  /** Mean event time between rows, µs. */
  readonly step?: number
  /** Rows come out of order by up to so much; one in a hundred by more, and is late. */
  readonly lateness?: number
  /** Shares of the tape that are gaps and heartbeats. */
  readonly gaps?: number
  readonly heartbeats?: number
  readonly end?: boolean
}

/** A seeded tape for named ports: prices walk per key, one row in five has the time of the row before. */
export function tapeOf(ports: Readonly<Record<string, Kind>>, options: TapeOptions = {}): Sample[] {
  const { seed = 1, rows = 150, keys = ['binance:BTCUSDT'], step = 700_000, lateness = 0 } = options
  const { gaps = 0.02, heartbeats = 0.05, end = true } = options
  const chance = chanceOf(seed)
  const named = Object.entries(ports)
  const prices = new Map(keys.map((key) => [key, cents(50 + 100 * chance())]))
  let newest = 1_700_000_000_000_000
  const tape = Array.from({ length: rows }, (): Sample => {
    if (chance() < 0.8) newest += Math.ceil(2 * step * chance())
    const key = pick(chance, keys)
    const price = Math.max(1, cents((prices.get(key) as number) * (0.99 + 0.02 * chance())))
    prices.set(key, price)
    const what = chance()
    if (what < gaps) return { kind: 'gap', at: newest, key, value: makers['gap']?.(chance, price, newest) }
    if (what < gaps + heartbeats) return { kind: 'heartbeat', at: newest, key, value: { end: false } }
    const back = chance() < 0.01 ? 3 * lateness : chance() < 0.2 ? Math.floor(lateness * chance()) : 0
    const at = newest - back
    const [port, kind] = pick(chance, named)
    return { kind: kind.kind, at, key, value: messageOf(kind, chance, price, at), port }
  })
  if (end) tape.push({ kind: 'heartbeat', at: newest + 1, key: '*', value: { end: true } })
  return tape
}
