import { Equity, Position } from './account.ts'
import { Block, PoolState, Swap } from './chain.ts'
import { Arbitrage, BestQuote, ConsolidatedPrice, Depth, RefusedBook } from './cross_venue.ts'
import { Bands, Macd, Scalar } from './features.ts'
import type { Kind } from './kind.ts'
import { Bar, Book, FeedEvent, Gap, Heartbeat, Invalid, Quote, Trade } from './market.ts'
import { ApprovedOrder, Fill, OrderIntent, OrderStep, OrderUpdate, RefusedOrder, Signal } from './orders.ts'
import { JettonHolders, TonNetwork } from './ton.ts'

/** Every kind that flows, by name. */
export const kinds: Readonly<Record<string, Kind>> = Object.fromEntries(
  [
    Trade,
    Quote,
    Book,
    Bar,
    Swap,
    PoolState,
    Block,
    JettonHolders,
    TonNetwork,
    Scalar,
    Macd,
    Bands,
    Signal,
    OrderIntent,
    ApprovedOrder,
    RefusedOrder,
    OrderUpdate,
    OrderStep,
    Fill,
    Position,
    Equity,
    Gap,
    Heartbeat,
    Invalid,
    FeedEvent,
    Depth,
    RefusedBook,
    BestQuote,
    ConsolidatedPrice,
    Arbitrage,
  ].map((k: Kind) => [k.kind, k]),
)
