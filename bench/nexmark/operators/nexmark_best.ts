import { z } from 'zod'
import { defineOperator } from '../../../runtime/define.ts'
import { duration } from '../../../schemas/units.ts'
import { BestBid, Bid } from '../kinds.ts'
import { auctionKey, bidAt, until } from '../samples.ts'

export const nexmarkBest = defineOperator({
  name: 'nexmark_best',
  version: 1,
  summary: 'Answers the highest bid of an auction in each window (q7).',
  notes: 'Of several bids at one price the first: a state holds no list that grows.',
  input: { bid: Bid },
  output: BestBid,
  params: z.strictObject({ size: duration().default(10e6) }),
  init: () => ({ auction: 0, bidder: 0, price: 0, bid_at: 0 }),
  on: {
    bid(state, { auction, bidder, price }, { at }) {
      if (price <= state.price) return
      state.auction = auction
      state.bidder = bidder
      state.price = price
      state.bid_at = at
    },
  },
  timer: {
    every: ({ size }) => size,
    idle: ({ price }) => price === 0,
    fire(state) {
      const { auction, bidder, price, bid_at } = state
      if (price === 0) return undefined
      state.price = 0
      return { auction, bidder, price, bid_at }
    },
  },
  example: {
    params: { size: '10s' },
    input: [bidAt(1, 7, 100, 1), bidAt(2, 7, 300, 2), bidAt(3, 7, 300, 3), until(10, auctionKey(7))],
    output: [{ auction: 7, bidder: 2, price: 300, bid_at: 2e6 }],
  },
})
