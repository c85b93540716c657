import { z } from 'zod'
import { defineOperator } from '../../../runtime/define.ts'
import { Bid, PickedBid } from '../kinds.ts'
import { bidAt } from '../samples.ts'

export const nexmarkPick = defineOperator({
  name: 'nexmark_pick',
  version: 1,
  summary: 'Answers the bids in every so-manyth auction (q2).',
  input: { bid: Bid },
  output: PickedBid,
  params: z.strictObject({ of: z.int().min(1).default(123).describe('auctions per auction that is picked') }),
  on: {
    bid: (_state, { auction, price }, { params }) => (auction % params.of === 0 ? { auction, price } : undefined),
  },
  example: {
    params: { of: 5 },
    input: [bidAt(1, 7, 100), bidAt(2, 10, 200)],
    output: [{ auction: 10, price: 200 }],
  },
})
