import { z } from 'zod'
import { defineOperator, many } from '../../../runtime/define.ts'
import { duration } from '../../../schemas/units.ts'
import { BidCount, HotItem } from '../kinds.ts'
import { countAt, until } from '../samples.ts'

export const nexmarkHottest = defineOperator({
  name: 'nexmark_hottest',
  version: 1,
  summary: 'Answers the auctions with the most bids of all in a window, several when they are equal (q5).',
  notes:
    'The counts of a window come at its end, when time has reached it in their key group; the answer, when time has passed it anywhere. A heartbeat at every end makes the first come before the second.',
  scope: 'pipeline',
  input: { count: BidCount },
  output: many(HotItem),
  params: z.strictObject({ hop: duration().default(2e6) }),
  init: () => ({ most: 0 }),
  each: () => ({ auction: 0, bids: 0, end: 0 }),
  on: {
    count(state, { auction, bids }, { each, at }) {
      each.auction = auction
      each.bids = bids
      each.end = at
      if (bids > state.most) state.most = bids
    },
  },
  timer: {
    every: ({ hop }) => hop,
    closed: () => 'right',
    fire(state, at, { all }) {
      const { most } = state
      if (most === 0) return undefined
      state.most = 0
      const hot: { auction: number; bids: number }[] = []
      for (const { auction, bids, end } of all) if (bids === most && end === at) hot.push({ auction, bids })
      return hot
    },
  },
  example: {
    params: { hop: '2s' },
    input: [countAt(2, 7, 5), countAt(2, 8, 9), countAt(2, 9, 9), until(3, '*')],
    output: [
      [
        { auction: 8, bids: 9 },
        { auction: 9, bids: 9 },
      ],
    ],
  },
})
