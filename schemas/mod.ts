// What flows, for components and for readers of frames, tapes and signals.

export { Equity, Position } from './account.ts'
export { Block, PoolState, Swap } from './chain.ts'
export type { Column, ColumnType } from './columns.ts'
export { columnsOf, schemaHash, schemaText } from './columns.ts'
export { Arbitrage, BestQuote, ConsolidatedPrice, Depth, RefusedBook } from './cross_venue.ts'
export type { ErrorCode } from './errors.ts'
export { codes, isTidegateError, TidegateError } from './errors.ts'
export { Bands, features, Macd, Scalar } from './features.ts'
export {
  absolute,
  add,
  Fixed,
  fixed,
  negate,
  notionalOf,
  ratio,
  share,
  subtract,
  toNumber,
  toText,
  ZERO,
} from './fixed.ts'
export type { Frame } from './frame.ts'
export { decodeFrame, peekFrame } from './frame.ts'
export { rowReader } from './frame_reader.ts'
export { FrameWriter } from './frame_writer.ts'
export { guardOf } from './guard.ts'
export type { Kind, Of } from './kind.ts'
export { kind } from './kind.ts'
export { kinds } from './kinds.ts'
export { Bar, Book, FeedEvent, Gap, Heartbeat, Invalid, Quote, Trade } from './market.ts'
export {
  ApprovedOrder,
  Fill,
  OrderIntent,
  OrderStep,
  OrderUpdate,
  RefusalCode,
  RefusedOrder,
  Side,
  Signal,
} from './orders.ts'
export type { Sample } from './samples.ts'
export * as samples from './samples.ts'
export { PipelineSpec } from './spec.ts'
export { subjectOf, subjectToken } from './subjects.ts'
export { JettonHolders, TonNetwork } from './ton.ts'
export { duration, EventTime, formatDuration, formatTime, Instrument, parseDuration, parseTime } from './units.ts'
