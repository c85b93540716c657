import { z } from 'zod'
import { defineScan } from '../../../runtime/define.ts'
import { AnsweredBid, Bid } from '../kinds.ts'
import { bidAt } from '../samples.ts'

export const nexmarkPass = defineScan({
  name: 'nexmark_pass',
  version: 1,
  summary: 'Answers every bid as it is: what all else costs (q0).',
  input: Bid,
  output: AnsweredBid,
  params: z.strictObject({}),
  step: (_state, { auction, bidder, price }) => ({ auction, bidder, price }),
  example: { params: {}, input: [bidAt(1, 7, 100)], output: [{ auction: 7, bidder: 1, price: 100 }] },
})
