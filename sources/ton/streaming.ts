import { textOf } from '../feed/invalid.ts'
import { isFields } from './transaction.ts'

export const finalities = ['pending', 'confirmed', 'finalized'] as const
export type Finality = (typeof finalities)[number]

/** One message of TON Center's Streaming API v2 (ton-org/docs, api/streaming, 2026-11). */
export type StreamWord =
  /** Transactions of one trace, as far as they belong to the accounts that were asked for. */
  | {
      readonly type: 'transactions'
      readonly finality: Finality
      readonly trace: string
      readonly transactions: readonly unknown[]
    }
  /** What was told of this trace before it was final never happened. */
  | { readonly type: 'invalidated'; readonly trace: string }
  | { readonly type: 'subscribed' }
  | { readonly type: 'alive' }
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'other'; readonly what: string }
  | { readonly type: 'invalid'; readonly reason: string }

/** Never throws. */
export function readStream(bytes: Buffer, binary: boolean): StreamWord {
  if (binary) return { type: 'invalid', reason: 'binary' }
  let message: unknown
  try {
    message = JSON.parse(bytes.toString())
  } catch {
    return { type: 'invalid', reason: 'not_json' }
  }
  if (!isFields(message)) return { type: 'invalid', reason: 'unknown_message' }
  const { type, status, error, finality, transactions, trace_external_hash_norm: trace } = message
  if (status === 'subscribed') return { type: 'subscribed' }
  if (typeof status === 'string' && error === undefined) return { type: 'alive' }
  // The form of an error is not documented; clients read a text or an object with one.
  if (error !== undefined)
    return { type: 'refused', message: (typeof error === 'string' ? error : textOf(error)).slice(0, 200) }
  if (type === 'trace_invalidated')
    return typeof trace === 'string' ? { type: 'invalidated', trace } : { type: 'invalid', reason: 'trace_fields' }
  if (type !== 'transactions')
    return typeof type === 'string' ? { type: 'other', what: type } : { type: 'invalid', reason: 'unknown_message' }
  const known = finalities.find((one) => one === finality)
  if (known === undefined || typeof trace !== 'string' || !Array.isArray(transactions))
    return { type: 'invalid', reason: 'transactions_fields' }
  return { type: 'transactions', finality: known, trace, transactions }
}

export const isData = ({ type }: StreamWord): boolean => type === 'transactions' || type === 'invalidated'

/** What is asked for. It replaces what the connection was asked for before. */
export const subscription = (addresses: readonly string[], finality: Finality) => ({
  types: finality === 'finalized' ? ['transactions'] : ['transactions', 'trace_invalidated'],
  addresses,
  min_finality: finality,
})
/** The documentation recommends one every 15 s. */
export const pingEvery = 15e6
export const pingText = JSON.stringify({ operation: 'ping', id: 'ping' })
