import { z } from 'zod'
import { defineOperator, many } from '../../../runtime/define.ts'
import { duration } from '../../../schemas/units.ts'
import { BestBid, HighestBid } from '../kinds.ts'
import { bestAt, until } from '../samples.ts'

export const nexmarkHighest = defineOperator({
  name: 'nexmark_highest',
  version: 1,
  summary: 'Answers the highest bid of all auctions in each window, one of each auction where several are equal (q7).',
  notes: 'Closes its windows as `nexmark_hottest` does.',
  scope: 'pipeline',
  input: { best: BestBid },
  output: many(HighestBid),
  params: z.strictObject({ size: duration().default(10e6) }),
  init: () => ({ price: 0 }),
  each: () => ({ auction: 0, bidder: 0, price: 0, bid_at: 0, end: 0 }),
  on: {
    best(state, { auction, bidder, price, bid_at }, { each, at }) {
      each.auction = auction
      each.bidder = bidder
      each.price = price
      each.bid_at = bid_at
      each.end = at
      if (price > state.price) state.price = price
    },
  },
  timer: {
    every: ({ size }) => size,
    closed: () => 'right',
    fire(state, at, { all }) {
      const highest = state.price
      if (highest === 0) return undefined
      state.price = 0
      const bids: { auction: number; bidder: number; price: number; bid_at: number }[] = []
      for (const { auction, bidder, price, bid_at, end } of all)
        if (price === highest && end === at) bids.push({ auction, bidder, price, bid_at })
      return bids
    },
  },
  example: {
    params: { size: '10s' },
    input: [bestAt(10, 7, 100), bestAt(10, 8, 300), until(11, '*')],
    output: [[{ auction: 8, bidder: 1, price: 300, bid_at: 10e6 - 1 }]],
  },
})
