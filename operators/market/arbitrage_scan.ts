import { z } from 'zod'
import { defineOperator, type Env } from '../../runtime/define.ts'
import { PoolState } from '../../schemas/chain.ts'
import { Arbitrage } from '../../schemas/cross_venue.ts'
import { Quote } from '../../schemas/market.ts'
import { duration } from '../../schemas/units.ts'
import { arbitrageExample } from './arbitrage_example.ts'
import { askLeg, bestOf, bidLeg, type Leg, poolLeg } from './legs.ts'
import { type Places, place, placesOf } from './places.ts'

const params = z.strictObject({
  instruments: z
    .record(
      z.string().min(1),
      z.strictObject({
        pools: z
          .record(place, z.enum(['token0', 'token1']))
          .default({})
          .describe('pools, and which of their tokens is the base'),
        quotes: z.array(place).default([]).describe('places with an order book, as venue:SYMBOL'),
      }),
    )
    .refine((all) => Object.keys(all).length > 0, 'expected at least one instrument')
    .describe("what is compared: { 'ETH/USDC': { pools: { 'uniswap_v2:0x…': token1 }, quotes: [binance:ETHUSDC] } }"),
  fee: z.number().min(0).max(1).default(0.001).describe('share an exchange takes of what is traded there'),
  gas: z.number().nonnegative().default(0).describe('what the transaction of one pool costs, in quote tokens'),
  min_profit: z.number().nonnegative().default(0).describe('quote tokens that must be left after all costs'),
  stale_after: duration().default(30e6).describe('a state or quote older than this is left out'),
})

interface Prepared {
  readonly places: Places
  readonly base: Readonly<Record<string, 'token0' | 'token1'>>
  readonly fee: number
  readonly gas: number
  readonly minimum: number
  readonly stale: number
}
/** What is known of a place: the numbers of a pool, or of a quote. `heard` is -1 before it spoke. */
const part = () => ({
  ...{ instrument: -1, number: -1, heard: -1, pool: false as boolean, zero_is_base: false as boolean },
  ...{ concentrated: false as boolean, reserve0: 0n as bigint, reserve1: 0n as bigint, liquidity: 0n as bigint },
  // a root of 160 bits in two halves: a state holds whole numbers of 128
  ...{ root_high: 0n as bigint, root_low: 0n as bigint, tick: 0, pips: 0, decimals0: 0, decimals1: 0 },
  ...{ bid: 0, ask: 0, bid_size: 0, ask_size: 0 },
})
type Part = ReturnType<typeof part>
type Seen = Env<Prepared, {}, Part>
const LOW = (1n << 80n) - 1n

function begin({ each, key, at, params }: Seen): boolean {
  const found = params.places.of[key]
  if (found === undefined) return false
  each.instrument = found.instrument
  each.number = found.number
  each.heard = at
  return true
}
function pooled(message: PoolState, env: Seen): Arbitrage | undefined {
  const { each, key, params } = env
  const base = params.base[key]
  // the curve of a stable pool wants an amplification nobody has told
  if (message.model === 'stable' || base === undefined || !begin(env)) return undefined
  const root = BigInt(message.sqrt_price_x96)
  each.pool = true
  each.zero_is_base = base === 'token0'
  each.concentrated = message.model === 'concentrated'
  each.reserve0 = BigInt(message.reserve0)
  each.reserve1 = BigInt(message.reserve1)
  each.liquidity = BigInt(message.liquidity)
  each.root_high = root >> 80n
  each.root_low = root & LOW
  each.tick = message.tick
  each.pips = Math.round(message.fee * 1e6)
  each.decimals0 = message.decimals0
  each.decimals1 = message.decimals1
  return scan(env)
}
function quoted({ bid, ask, bid_size, ask_size }: Quote, env: Seen): Arbitrage | undefined {
  if (env.params.base[env.key] !== undefined || !begin(env)) return undefined
  env.each.bid = bid
  env.each.ask = ask
  env.each.bid_size = bid_size
  env.each.ask_size = ask_size
  return scan(env)
}

const decimalsOf = ({ zero_is_base, decimals0, decimals1 }: Readonly<Part>) =>
  zero_is_base ? { base: decimals0, quote: decimals1 } : { base: decimals1, quote: decimals0 }
/** Quote tokens in and base out (`buy`), or base in and quote out. */
function legOf(p: Readonly<Part>, buy: boolean, decimals: { base: number; quote: number }, fee: number): Leg {
  if (!p.pool)
    return buy
      ? askLeg({ price: p.ask, size: p.ask_size, fee }, decimals)
      : bidLeg({ price: p.bid, size: p.bid_size, fee }, decimals)
  const sqrtPrice = (p.root_high << 80n) + p.root_low
  return poolLeg({ ...p, sqrtPrice }, buy ? !p.zero_is_base : p.zero_is_base)
}

/** The place that spoke, against every other of its instrument, in both directions; the best that is good enough. */
function scan({ each, all, at, params }: Seen): Arbitrage | undefined {
  let best: Arbitrage | undefined
  for (const other of all) {
    if (other.instrument !== each.instrument || other.number === each.number) continue
    if (other.heard < 0 || at - other.heard > params.stale || !(other.pool || each.pool)) continue
    const decimals = decimalsOf(each.pool ? each : other)
    const same = !(other.pool && each.pool) || sameDecimals(decimals, decimalsOf(other))
    if (!same) continue
    for (const [from, to] of [
      [each, other],
      [other, each],
    ] as const) {
      const found = routeOf(from, to, decimals, params)
      if (found !== undefined && (best === undefined || found.net > best.net)) best = found
    }
  }
  return best
}
const sameDecimals = (a: { base: number; quote: number }, b: { base: number; quote: number }): boolean =>
  a.base === b.base && a.quote === b.quote

function routeOf(
  buy: Readonly<Part>,
  sell: Readonly<Part>,
  decimals: { base: number; quote: number },
  { places, fee, gas, minimum }: Prepared,
): Arbitrage | undefined {
  const { put, middle, got, capped } = bestOf(legOf(buy, true, decimals, fee), legOf(sell, false, decimals, fee))
  if (put <= 0n || middle <= 0n || got <= put) return undefined
  const quote = (amount: bigint) => Number(amount) / Number(10n ** BigInt(decimals.quote))
  const cost = gas * (Number(buy.pool) + Number(sell.pool))
  const [size_in, gross] = [quote(put), quote(got - put)]
  if (gross - cost < minimum || gross - cost <= 0) return undefined
  return {
    instrument: places.names[buy.instrument] as string,
    route: buy.pool && sell.pool ? 'dex_dex' : buy.pool ? 'dex_cex' : 'cex_dex',
    buy: places.keys[buy.number] as string,
    sell: places.keys[sell.number] as string,
    size: Number(middle) / Number(10n ** BigInt(decimals.base)),
    size_in,
    size_out: quote(got),
    amount_in: String(buy.pool ? put : middle),
    gross,
    gas: cost,
    net: gross - cost,
    edge_bps: ((gross - cost) / size_in) * 1e4,
    capped,
  }
}

export const arbitrageScan = defineOperator({
  name: 'arbitrage_scan',
  version: 1,
  summary:
    'Finds what would be gained by buying an instrument in one place and selling it in another, after all costs.',
  notes:
    'Pools are computed by the exact integer curves of their contracts, at the size that gains most: fees and price impact are in it. Concentrated pools count up to the end of the tick range they stand in, for further ticks are not known; of a fee tier that is not 100, 500, 3000 or 10000 the range is one tick. Stable pools are passed over: their curve wants an amplification that the state does not tell. Exchanges count up to the size at their best quote. `gas` is paid for each pool of a route, `fee` on the exchange. Both pools must count the base and the quote token in the same decimals. Whoever speaks is compared with every other place of its instrument that is not stale; the best route is told under its key when `min_profit` is left. What was found may be gone before a transaction is in a block: it is a scan, not a promise. A gap of a feed forgets its places.',
  scope: 'pipeline',
  input: { pool: PoolState, other_pool: PoolState, quote: Quote, other_quote: Quote },
  optional: ['other_pool', 'quote', 'other_quote'],
  output: Arbitrage,
  on_gap: 'reset',
  params,
  prepare: ({ instruments, fee, gas, min_profit, stale_after }): Prepared => {
    const all = Object.entries(instruments)
    return {
      places: placesOf(
        Object.fromEntries(all.map(([name, { pools, quotes }]) => [name, [...Object.keys(pools), ...quotes]])),
      ),
      base: Object.fromEntries(all.flatMap(([, { pools }]) => Object.entries(pools))),
      ...{ fee, gas, minimum: min_profit, stale: stale_after },
    }
  },
  init: () => ({}),
  each: part,
  on: {
    pool: (_state, message, env) => pooled(message, env),
    other_pool: (_state, message, env) => pooled(message, env),
    quote: (_state, message, env) => quoted(message, env),
    other_quote: (_state, message, env) => quoted(message, env),
  },
  example: arbitrageExample,
})
