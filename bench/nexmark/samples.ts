import { advance, of, type Sample } from '../../schemas/samples.ts'
import { Auction, BestBid, Bid, BidCount, Person } from './kinds.ts'

export const auctionKey = (auction: number): string => `nexmark:A${auction}`
export const personKey = (person: number): string => `nexmark:P${person}`

// Messages with their envelope for examples; times in whole seconds.

const sample = <T>(kind: string, seconds: number, key: string, value: T): Sample<T> => ({
  kind,
  at: seconds * 1e6,
  key,
  value,
})
export const bidAt = (seconds: number, auction: number, price: number, bidder = 1): Sample<Bid> =>
  sample(Bid.kind, seconds, auctionKey(auction), { auction, bidder, price })
export const countAt = (seconds: number, auction: number, bids: number): Sample<BidCount> =>
  sample(BidCount.kind, seconds, auctionKey(auction), { auction, bids })
export const bestAt = (seconds: number, auction: number, price: number): Sample<BestBid> =>
  sample(BestBid.kind, seconds, auctionKey(auction), { auction, bidder: 1, price, bid_at: seconds * 1e6 - 1 })
export const personAt = (seconds: number, person: number): Sample<Person> =>
  sample(Person.kind, seconds, personKey(person), { person, name: 'Vicky Noris' })
export const auctionAt = (seconds: number, auction: number, seller: number): Sample<Auction> =>
  sample(Auction.kind, seconds, personKey(seller), { auction, seller, category: 10, initial_bid: 100, reserve: 200 })
/** Time passes for a key, or for all of them: `*`. */
export const until = (seconds: number, key: string): Sample => of(key, advance(seconds))
