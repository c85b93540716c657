import { z } from 'zod'
import { kind } from './kind.ts'

// What is seen only across levels, venues and chains.

const price = z.number().positive()
const size = z.number().nonnegative()

const depth = z.object({
  bid_volume: size.describe('base units within the bid levels'),
  ask_volume: size.describe('base units within the ask levels'),
  imbalance: z.number().min(-1).max(1).describe('bid less ask volume, over both: 1 when nobody sells'),
  micro_price: price.describe('the quotes weighted by the size on the other side: leans to where the price is pushed'),
  bid_reach: price.describe('price of the last bid level counted'),
  ask_reach: price.describe('price of the last ask level counted'),
  bid_levels: z.int().nonnegative().describe('bid levels counted'),
  ask_levels: z.int().nonnegative().describe('ask levels counted'),
})
export interface Depth extends Readonly<z.output<typeof depth>> {}
export const Depth = kind('depth', depth, { summary: 'What stands near the best prices of a book.' })

const refusedBook = z.object({
  reason: z
    .enum(['crossed', 'exhausted'])
    .describe('crossed: the best bid reached the best ask; exhausted: no level is left of those remembered'),
  bid: z.number().describe('best bid, 0 when none is known'),
  ask: z.number().describe('best ask, 0 when none is known'),
  count: z.int().positive().describe('books of the instrument refused so far'),
  id: z.number().nonnegative().describe("the venue's number of the message that did it"),
})
export interface RefusedBook extends Readonly<z.output<typeof refusedBook>> {}
export const RefusedBook = kind('refused_book', refusedBook, {
  summary: 'A book that cannot be true any more: it is silent until the next snapshot.',
})

const bestQuote = z.object({
  instrument: z.string().describe('the instrument, as the params name it'),
  bid: price.describe('highest bid of all venues, quote units'),
  ask: price.describe('lowest ask of all venues, quote units; below the bid when venues cross'),
  bid_size: size.describe('size at that bid on that venue, base units'),
  ask_size: size.describe('size at that ask on that venue, base units'),
  bid_venue: z.string().describe('where the bid stands, as `venue:SYMBOL`'),
  ask_venue: z.string().describe('where the ask stands, as `venue:SYMBOL`'),
  venues: z.int().positive().describe('venues whose quote was fresh'),
})
export interface BestQuote extends Readonly<z.output<typeof bestQuote>> {}
export const BestQuote = kind('best_quote', bestQuote, {
  summary: 'The best bid and ask of one instrument over its venues.',
})

const consolidatedPrice = z.object({
  instrument: z.string().describe('the instrument, as the params name it'),
  price: price.describe('the one price of all venues, quote units'),
  venues: z.int().positive().describe('venues it was taken from'),
  rejected: z.int().nonnegative().describe('fresh venues left out because they were too far from the median'),
  stale: z.int().nonnegative().describe('venues left out because they were silent, or never spoke'),
  spread: size.describe('highest less lowest price of those taken, over the price'),
})
export interface ConsolidatedPrice extends Readonly<z.output<typeof consolidatedPrice>> {}
export const ConsolidatedPrice = kind('consolidated_price', consolidatedPrice, {
  summary: 'One price of an instrument from all its venues.',
})

const arbitrage = z.object({
  instrument: z.string().describe('the instrument, as the params name it'),
  route: z.enum(['dex_dex', 'cex_dex', 'dex_cex']).describe('where the base is bought, and where it is sold'),
  buy: z.string().describe('pool or venue where the base token is bought, as `venue:SYMBOL`'),
  sell: z.string().describe('pool or venue where it is sold'),
  size: z.number().positive().describe('base tokens bought and sold'),
  size_in: z.number().positive().describe('quote tokens paid, fees included'),
  size_out: z.number().positive().describe('quote tokens got, fees taken'),
  amount_in: z
    .string()
    .describe('what goes into the first pool of the route, in the smallest unit of its token, decimal'),
  gross: z.number().describe('size_out less size_in: fees and price impact are in it, gas is not'),
  gas: size.describe('what the transactions cost, quote tokens'),
  net: z.number().describe('gross less gas'),
  edge_bps: z.number().describe('net over size_in, in hundredths of a percent'),
  capped: z
    .boolean()
    .describe(
      'the best size is the last one the data vouches for: the end of a tick range, the size at the best quote',
    ),
})
export interface Arbitrage extends Readonly<z.output<typeof arbitrage>> {}
export const Arbitrage = kind('arbitrage', arbitrage, {
  summary: 'Buying in one place and selling in another would gain, at this size, after all costs.',
})
