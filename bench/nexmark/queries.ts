import { type Catalogue, listed, type Operator } from '../../runtime/define.ts'
import { type Pen, pipeline, type SourceStreams } from '../../runtime/pipeline.ts'
import { type Plan, plan } from '../../runtime/plan.ts'
import type { Frame } from '../../schemas/frame.ts'
import { Sheet } from '../fused/sheets.ts'
import type { AnsweredBid, Auction, BestBid, Bid, BidCount, NewSeller, Person, PickedBid } from './kinds.ts'
import { nexmarkBest } from './operators/nexmark_best.ts'
import { nexmarkConvert } from './operators/nexmark_convert.ts'
import { nexmarkCount } from './operators/nexmark_count.ts'
import { nexmarkHighest } from './operators/nexmark_highest.ts'
import { nexmarkHottest } from './operators/nexmark_hottest.ts'
import { nexmarkPass } from './operators/nexmark_pass.ts'
import { nexmarkPick } from './operators/nexmark_pick.ts'
import { nexmarkSellers } from './operators/nexmark_sellers.ts'
import { rawConvert, rawPass, rawPick } from './raw_single.ts'
import { rawHighestBids, rawHotItems, rawNewSellers } from './raw_windows.ts'
import { auctions, bids, persons } from './sources.ts'

export const operators: Readonly<Record<string, Operator>> = listed(
  nexmarkPass,
  nexmarkConvert,
  nexmarkPick,
  nexmarkCount,
  nexmarkHottest,
  nexmarkBest,
  nexmarkHighest,
  nexmarkSellers,
)
const catalogue: Catalogue = { operators, sources: listed(persons, auctions, bids), sinks: {} }

interface Feeds {
  readonly person: SourceStreams<typeof Person>
  readonly auction: SourceStreams<typeof Auction>
  readonly bid: SourceStreams<typeof Bid>
}
/** One query: as a loop by hand, and as a pipeline. */
export interface Query {
  readonly plan: () => Plan
  readonly raw: (frames: readonly Frame[], into: Sheet) => void
  /** Where answers are written down: event time, the number of the auction or person, the other fields. */
  readonly sheet: () => Sheet
  readonly write: (into: Sheet, at: number, value: unknown) => void
}

function query<V>(
  name: string,
  draw: (pen: Pen, feeds: Feeds) => void,
  raw: Query['raw'],
  width: number,
  write: (into: Sheet, at: number, value: V) => void,
): Query {
  const drawn = pipeline(`nexmark_${name}`, (pen) => {
    // all three are of the stream, whoever reads them
    const person = pen.source('persons', persons({}))
    const auction = pen.source('auctions', auctions({}))
    const bid = pen.source('bids', bids({}))
    draw(pen, { person, auction, bid })
  })
  return {
    plan: () => plan(drawn, catalogue),
    raw,
    sheet: () => new Sheet(2 + width),
    write: write as Query['write'],
  }
}

const writeBid = (into: Sheet, at: number, { auction, bidder, price }: AnsweredBid) => {
  const place = into.row(at, auction)
  into.data[place] = bidder
  into.data[place + 1] = price
}

export const queries: Readonly<Record<string, Query>> = {
  q0: query('q0', (pen, { bid }) => pen.via('pass', bid, nexmarkPass({})), rawPass, 2, writeBid),
  q1: query('q1', (pen, { bid }) => pen.via('convert', bid, nexmarkConvert({})), rawConvert, 2, writeBid),
  q2: query(
    'q2',
    (pen, { bid }) => pen.via('pick', bid, nexmarkPick({})),
    rawPick,
    1,
    (into, at, { auction, price }: PickedBid) => {
      const place = into.row(at, auction)
      into.data[place] = price
    },
  ),
  q5: query(
    'q5',
    (pen, { bid }) => pen.via('hottest', pen.via('count', bid, nexmarkCount({})), nexmarkHottest({})),
    rawHotItems,
    1,
    (into, at, { auction, bids: most }: BidCount) => {
      const place = into.row(at, auction)
      into.data[place] = most
    },
  ),
  q7: query(
    'q7',
    (pen, { bid }) => pen.via('highest', pen.via('best', bid, nexmarkBest({})), nexmarkHighest({})),
    rawHighestBids,
    3,
    (into, at, { auction, bidder, price, bid_at }: BestBid) => {
      const place = into.row(at, auction)
      into.data[place] = bidder
      into.data[place + 1] = price
      into.data[place + 2] = bid_at
    },
  ),
  q8: query(
    'q8',
    (pen, { person, auction }) => pen.join('sellers', { person, auction }, nexmarkSellers({})),
    rawNewSellers,
    1,
    (into, at, { person, window_start }: NewSeller) => {
      const place = into.row(at, person)
      into.data[place] = window_start
    },
  ),
}
