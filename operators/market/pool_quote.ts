import { z } from 'zod'
import { defineOperator } from '../../runtime/define.ts'
import { PoolState } from '../../schemas/chain.ts'
import { Quote } from '../../schemas/market.ts'
import { to } from '../../schemas/samples.ts'
import { ethUsdc } from './arbitrage_example.ts'
import { place } from './places.ts'

export const poolQuote = defineOperator({
  name: 'pool_quote',
  version: 1,
  summary: 'Tells the price of a pool at the margin as bid and ask, in quote tokens for one base token.',
  notes:
    'The ask is the price with the fee on top, the bid what is left of it after the fee: what an order of next to nothing would pay and get. Sizes are 0: on a curve nothing is traded at one price. An empty pool says nothing, nor do pools that are not named. Only its own instrument hears of it, so bars, signals and orders made of it are orders for that pool.',
  input: { pool: PoolState },
  output: Quote,
  params: z.strictObject({
    base: z
      .record(place, z.enum(['token0', 'token1']))
      .describe("pools, and which of their tokens is the base: { 'uniswap_v2:0x…': token1 }"),
  }),
  on: {
    pool(_state, { price, fee }, { params, key }) {
      const base = params.base[key]
      if (base === undefined || price === 0 || fee >= 1) return undefined
      const middle = base === 'token0' ? price : 1 / price
      return { bid: middle * (1 - fee), ask: middle / (1 - fee), bid_size: 0, ask_size: 0 }
    },
  },
  example: {
    params: { base: { 'uniswap_v2:0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc': 'token1' as const } },
    input: [to('pool', ethUsdc(1))],
    output: [{ bid: 1994, ask: 2006.0180541624875, bid_size: 0, ask_size: 0 }],
  },
})
