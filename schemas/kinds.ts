import { Equity, Position } from './account.ts'
import { Bands, Macd, Scalar } from './features.ts'
import type { Kind } from './kind.ts'
import { Bar, Gap, Heartbeat, Quote, Trade } from './market.ts'
import { ApprovedOrder, Fill, OrderIntent, OrderUpdate, RefusedOrder, Signal } from './orders.ts'

/** Every kind that flows, by name. */
export const kinds: Readonly<Record<string, Kind>> = Object.fromEntries(
  [
    Trade,
    Quote,
    Bar,
    Scalar,
    Macd,
    Bands,
    Signal,
    OrderIntent,
    ApprovedOrder,
    RefusedOrder,
    OrderUpdate,
    Fill,
    Position,
    Equity,
    Gap,
    Heartbeat,
  ].map((k: Kind) => [k.kind, k]),
)
