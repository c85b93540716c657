import { z } from 'zod'
import { defineSource, type SourceItem } from '../../runtime/define.ts'
import { Trade } from '../../schemas/market.ts'
import { parseTime } from '../../schemas/units.ts'
import { fitted } from './fitted.ts'
import { Market } from './order_flow.ts'

const time = z.union([
  z.int().nonnegative(),
  z.string().transform((text, context): number => {
    const at = parseTime(text)
    if (at !== undefined) return at
    context.addIssue({ code: 'custom', message: 'expected an ISO time such as 2024-01-01 or whole microseconds' })
    return z.NEVER
  }),
])

const params = z
  .strictObject({
    symbols: z
      .array(z.string().regex(/^\S{1,64}$/))
      .min(1)
      .refine((symbols) => new Set(symbols).size === symbols.length, 'expected each symbol once')
      .default(['BTCUSDT'])
      .describe('instruments, each a market of its own: synthetic:BTCUSDT'),
    seed: z.int().nonnegative().default(1).describe('the same seed gives the same rows'),
    trades: z.int().positive().optional().describe('how many trades there are in all; instead of minutes'),
    minutes: z.number().positive().optional().describe('how long it trades; 60 where trades is not given either'),
    start: time.default(1_704_067_200_000_000).describe('event time of the beginning'),
    start_price: z.number().min(1e-6).max(1e9).default(60_000).describe('first price of every symbol'),
    volatility: z
      .number()
      .min(0)
      .max(100)
      .default(1)
      .describe('factor on the moves of the price; 1 as in the recorded market'),
  })
  .refine(
    ({ trades, minutes }) => trades === undefined || minutes === undefined,
    'expected trades or minutes, not both',
  )
type Params = z.output<typeof params>

/** Rows in one block: large enough that a block costs nothing, small enough to stop between two. */
const blockRows = 512

/**
 * The rows of the market in blocks, from the one behind `position` on, and its end. A block is made when it is asked
 * for. A market has no state outside its seed: resuming makes the rows before `position` again and drops them.
 */
export function* generate(market: Params, position = 0): Generator<readonly SourceItem[], void, void> {
  const { symbols, seed, start, start_price: price, volatility } = market
  const last = market.trades ?? Number.POSITIVE_INFINITY
  const until = market.trades === undefined ? start + (market.minutes ?? 60) * 6e7 : Number.POSITIVE_INFINITY
  const markets = symbols.map((symbol, stream) => ({
    key: `synthetic:${symbol}`,
    flow: new Market(fitted, { seed, stream, start, price, volatility }),
  }))
  let block: SourceItem[] = []
  let row = 0
  let at = start
  for (;;) {
    let next = markets[0] as (typeof markets)[number]
    for (const other of markets) if (other.flow.at < next.flow.at) next = other
    const { key, flow } = next
    if (flow.at >= until || row >= last) break
    at = flow.at
    for (let i = 0; i < flow.count && row < last; i++) {
      row++
      if (row <= position) continue
      const value: Trade = {
        price: flow.prices[i] as number,
        size: flow.sizes[i] as number,
        side: flow.side,
        id: flow.before + i + 1,
      }
      block.push({ type: 'row', at, key, value })
      if (block.length === blockRows) {
        yield block
        block = []
      }
    }
    flow.next()
  }
  yield [...block, { type: 'end', at: Number.isFinite(until) ? Math.round(until) : at + 1 }]
}

export const syntheticMarket = defineSource({
  name: 'synthetic_market',
  version: 1,
  summary: 'Invented trades from a seed: a market in a box for demos, tests and benchmarks. No venue printed them.',
  notes:
    'Orders arrive in clusters, take one or more levels of a book one tick wide, lean to one side for a while and move the price; sizes mix round lots and two log-normals. The constants are fitted on ten minutes of recorded BTCUSDT trades, and only what docs/synthetic_market.md compares is like them: do not judge a strategy by it. The market is finite, resumes exactly, and makes its rows only as fast as they are taken.',
  output: Trade,
  params,
  generate,
  example: { params: { symbols: ['BTCUSDT'], seed: 7, minutes: 1 } },
})
