import { z } from 'zod'
import { defineOperator, Ring } from '../../../runtime/define.ts'
import { duration } from '../../../schemas/units.ts'
import { Bid, BidCount } from '../kinds.ts'
import { auctionKey, bidAt, until } from '../samples.ts'

export const nexmarkCount = defineOperator({
  name: 'nexmark_count',
  version: 1,
  summary: 'Counts the bids of an auction in windows that hop (q5).',
  notes: 'A window [end - size, end) is a sum of panes as long as the hop. An auction without a bid in it is silent.',
  input: { bid: Bid },
  output: BidCount,
  params: z
    .strictObject({ size: duration().default(10e6), hop: duration().default(2e6) })
    .refine(({ size, hop }) => hop > 0 && size % hop === 0, 'expected a size of whole hops'),
  prepare: ({ size, hop }) => ({ hop, panes: size / hop }),
  init: ({ panes }) => ({ auction: 0, bids: 0, pane: 0, panes: new Ring(panes) }),
  on: {
    bid(state, { auction }) {
      state.auction = auction
      state.pane++
    },
  },
  timer: {
    every: ({ hop }) => hop,
    // most keys: their panes are all empty, and stay so
    idle: ({ pane, bids }) => pane === 0 && bids === 0,
    fire(state) {
      state.bids += state.pane - state.panes.push(state.pane)
      state.pane = 0
      return state.bids === 0 ? undefined : { auction: state.auction, bids: state.bids }
    },
  },
  example: {
    params: { size: '4s', hop: '2s' },
    input: [bidAt(1, 7, 100), bidAt(3, 7, 100), bidAt(3, 7, 200), until(8, auctionKey(7))],
    output: [
      { auction: 7, bids: 1 },
      { auction: 7, bids: 3 },
      { auction: 7, bids: 2 },
    ],
  },
})
