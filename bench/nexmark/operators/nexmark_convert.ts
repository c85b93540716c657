import { z } from 'zod'
import { defineScan } from '../../../runtime/define.ts'
import { AnsweredBid, Bid } from '../kinds.ts'
import { bidAt } from '../samples.ts'

export const nexmarkConvert = defineScan({
  name: 'nexmark_convert',
  version: 1,
  summary: 'Answers every bid with its price in another currency (q1).',
  input: Bid,
  output: AnsweredBid,
  params: z.strictObject({ rate: z.number().positive().default(0.908).describe('units per unit of the bid') }),
  step: (_state, { auction, bidder, price }, { params }) => ({ auction, bidder, price: price * params.rate }),
  example: { params: { rate: 0.5 }, input: [bidAt(1, 7, 100)], output: [{ auction: 7, bidder: 1, price: 50 }] },
})
