import { z } from 'zod'
import { defineOperator } from '../../../runtime/define.ts'
import { duration } from '../../../schemas/units.ts'
import { Auction, NewSeller, Person } from '../kinds.ts'
import { auctionAt, personAt, personKey, until } from '../samples.ts'

export const nexmarkSellers = defineOperator({
  name: 'nexmark_sellers',
  version: 1,
  summary: 'Answers who registered and opened an auction within one window (q8).',
  notes: 'The name of the person, which Nexmark asks for too, is left out: a state holds no text.',
  input: { person: Person, auction: Auction },
  output: NewSeller,
  params: z.strictObject({ size: duration().default(10e6) }),
  init: () => ({ person: 0, registered: false as boolean, selling: false as boolean }),
  on: {
    person(state, { person }) {
      state.person = person
      state.registered = true
    },
    auction(state) {
      state.selling = true
    },
  },
  timer: {
    every: ({ size }) => size,
    idle: ({ registered, selling }) => !registered && !selling,
    fire(state, at, { params }) {
      const both = state.registered && state.selling
      state.registered = false
      state.selling = false
      return both ? { person: state.person, window_start: at - params.size } : undefined
    },
  },
  example: {
    params: { size: '10s' },
    input: [personAt(1, 3), auctionAt(2, 7, 3), auctionAt(12, 8, 3), until(20, personKey(3))],
    output: [{ person: 3, window_start: 0 }],
  },
})
