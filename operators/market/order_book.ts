import { z } from 'zod'
import { defineOperator } from '../../runtime/define.ts'
import { Depth, RefusedBook } from '../../schemas/cross_venue.ts'
import { Book, Quote } from '../../schemas/market.ts'
import { level } from '../../schemas/samples.ts'
import { type BookSide, bestPrice, bestSize, bookSide, emptied, isExhausted, set } from './book_side.ts'

export const orderBook = defineOperator({
  name: 'order_book',
  version: 1,
  summary: 'Keeps the best levels of a book from its snapshots and changes, and tells the best quote when it is whole.',
  notes:
    'Instruments are those of the feed, one book for each. It answers at the last row of each message of the venue, never between two: silence before the first snapshot, after a gap of the feed until the next snapshot (a reconnect never merges into an old book), and while one side is empty. A book whose best bid reaches its best ask is refused with `crossed`, and waits for a snapshot; so is, with `exhausted`, one of whose remembered levels none is left. `levels` counts into `depth`; `behind` is how many more levels a side are remembered, so that deletions do not empty it (where ticks are small a thousand levels are a tenth of a percent): what lies beyond is let go, and is not believed in until a snapshot tells it again. A level that a snapshot does not reach counts as empty until it is told, as the venues say. Rows count in the order they come, also when their event time steps back. State: 16 bytes a level and side.',
  input: { book: Book },
  output: { quote: Quote, depth: Depth, refused: RefusedBook },
  params: z.strictObject({
    levels: z.int().min(1).max(1000).default(10).describe('levels a side that count into `depth`'),
    behind: z.int().min(0).max(20_000).default(4990).describe('further levels a side that are remembered'),
  }),
  on_gap: 'reset',
  late: true,
  init: ({ levels, behind }) => ({
    bids: bookSide(levels + behind),
    asks: bookSide(levels + behind),
    whole: false as boolean,
    filling: false as boolean,
    refused: 0,
  }),
  on: {
    book(state, { side, price, size, snapshot, last, id }, { params }) {
      const { bids, asks } = state
      if (snapshot && !state.filling) {
        emptied(bids)
        emptied(asks)
        state.filling = true
        state.whole = false
      }
      if (state.whole || state.filling) set(side === 1 ? bids : asks, side * price, size)
      if (!last) return
      if (state.filling) state.whole = true
      state.filling = false
      if (!state.whole) return
      const [bid, ask] = [bids.count === 0 ? 0 : bestPrice(bids), asks.count === 0 ? 0 : bestPrice(asks)]
      const crossed = bid !== 0 && ask !== 0 && bid >= ask
      if (crossed || isExhausted(bids) || isExhausted(asks)) {
        state.whole = false
        state.refused++
        const reason = crossed ? ('crossed' as const) : ('exhausted' as const)
        return { refused: { reason, bid, ask, count: state.refused, id } }
      }
      if (bid === 0 || ask === 0) return
      const quote = { bid, ask, bid_size: bestSize(bids), ask_size: bestSize(asks) }
      return { quote, depth: depthOf(bids, asks, params.levels) }
    },
  },
  example: {
    params: { levels: 2, behind: 1 },
    input: [
      level(1, 'bid', 99, 3, { snapshot: true }),
      level(1, 'bid', 98, 2, { snapshot: true }),
      level(1, 'ask', 101, 1, { snapshot: true, last: true }),
      level(2, 'bid', 100, 3, { last: true }),
      level(3, 'ask', 99.5, 1, { last: true }),
      level(4, 'ask', 99.5, 0, { last: true }),
    ],
    output: [
      {
        quote: { bid: 99, ask: 101, bid_size: 3, ask_size: 1 },
        depth: {
          bid_volume: 5,
          ask_volume: 1,
          imbalance: 2 / 3,
          micro_price: 100.5,
          bid_reach: 98,
          ask_reach: 101,
          bid_levels: 2,
          ask_levels: 1,
        },
      },
      {
        quote: { bid: 100, ask: 101, bid_size: 3, ask_size: 1 },
        depth: {
          bid_volume: 6,
          ask_volume: 1,
          imbalance: 5 / 7,
          micro_price: 100.75,
          bid_reach: 99,
          ask_reach: 101,
          bid_levels: 2,
          ask_levels: 1,
        },
      },
      { refused: { reason: 'crossed', bid: 100, ask: 99.5, count: 1, id: 0 } },
    ],
  },
})

function depthOf(bids: BookSide, asks: BookSide, levels: number): Depth {
  const [deep, high] = [Math.min(levels, bids.count), Math.min(levels, asks.count)]
  const [bidVolume, askVolume] = [volume(bids, deep), volume(asks, high)]
  const [bid, ask, bidSize, askSize] = [bestPrice(bids), bestPrice(asks), bestSize(bids), bestSize(asks)]
  return {
    bid_volume: bidVolume,
    ask_volume: askVolume,
    imbalance: (bidVolume - askVolume) / (bidVolume + askVolume),
    micro_price: (bid * askSize + ask * bidSize) / (bidSize + askSize),
    bid_reach: Math.abs(bids.prices.data[bids.count - deep] as number),
    ask_reach: Math.abs(asks.prices.data[asks.count - high] as number),
    bid_levels: deep,
    ask_levels: high,
  }
}
function volume({ sizes, count }: BookSide, levels: number): number {
  let sum = 0
  for (let i = count - levels; i < count; i++) sum += sizes.data[i] as number
  return sum
}
