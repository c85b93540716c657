import { z } from 'zod'
import { kind } from '../../schemas/kind.ts'

// Nexmark's events without the columns that no query here reads (e-mail, card, city, url, extra). Event time and key are
// of the envelope: a bid is keyed by its auction, a person and an auction by the person who sells.

const id = z.int().nonnegative()
const cents = z.int().positive()

const person = z.object({ person: id, name: z.string() })
export interface Person extends Readonly<z.output<typeof person>> {}
export const Person = kind('nexmark_person', person, { summary: 'Somebody registers.' })

const auction = z.object({ auction: id, seller: id, category: id, initial_bid: cents, reserve: cents })
export interface Auction extends Readonly<z.output<typeof auction>> {}
export const Auction = kind('nexmark_auction', auction, { summary: 'Somebody opens an auction.' })

const bid = z.object({ auction: id, bidder: id, price: cents })
export interface Bid extends Readonly<z.output<typeof bid>> {}
export const Bid = kind('nexmark_bid', bid, { summary: 'Somebody bids in an auction.' })

const answered = z.object({ auction: id, bidder: id, price: z.number() })
export interface AnsweredBid extends Readonly<z.output<typeof answered>> {}
export const AnsweredBid = kind('nexmark_answered_bid', answered, {
  summary: 'A bid as q0 and q1 answer it; the price is in the currency asked for.',
  recorded: true,
})

const picked = z.object({ auction: id, price: cents })
export interface PickedBid extends Readonly<z.output<typeof picked>> {}
export const PickedBid = kind('nexmark_picked_bid', picked, {
  summary: 'A bid in one of the auctions q2 asks for.',
  recorded: true,
})

const counted = z.object({ auction: id, bids: z.int().positive() })
export interface BidCount extends Readonly<z.output<typeof counted>> {}
export const BidCount = kind('nexmark_bid_count', counted, { summary: 'Bids of one auction in a window.' })
export const HotItem = kind('nexmark_hot_item', counted, {
  summary: 'An auction with the most bids of all in a window.',
  recorded: true,
})

const best = z.object({ auction: id, bidder: id, price: cents, bid_at: z.int() })
export interface BestBid extends Readonly<z.output<typeof best>> {}
export const BestBid = kind('nexmark_best_bid', best, { summary: 'The highest bid of one auction in a window.' })
export const HighestBid = kind('nexmark_highest_bid', best, {
  summary: 'The highest bid of all auctions in a window.',
  recorded: true,
})

const seller = z.object({ person: id, window_start: z.int() })
export interface NewSeller extends Readonly<z.output<typeof seller>> {}
export const NewSeller = kind('nexmark_new_seller', seller, {
  summary: 'Somebody who registered and opened an auction in one window.',
  recorded: true,
})
