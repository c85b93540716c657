import { parseTime } from '../../schemas/units.ts'
import type { Word } from '../feed/venue.ts'

export type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A channel by its name, how its frames are parsed, and how the entries of one are read, in the order sent. */
export interface ChannelReader<T> {
  readonly channel: string
  readonly parse?: (text: string) => unknown
  readonly entries: (entries: readonly Fields[], kind: 'snapshot' | 'update') => Word<T>
}

/** Reads frames of the WebSocket API v2 (docs.kraken.com, Spot WebSocket v2, 2026-11). Never throws. */
export function readerOf<T>({ channel: ours, parse = JSON.parse, entries: read }: ChannelReader<T>) {
  return (bytes: Buffer, binary = false): Word<T> => {
    if (binary) return invalid('binary')
    let frame: unknown
    try {
      frame = parse(bytes.toString())
    } catch {
      return invalid('not_json')
    }
    if (!isFields(frame)) return invalid('unknown_message')
    const { channel, type, data } = frame
    if (typeof channel !== 'string') return readAnswer(frame, ours)
    if (channel === 'heartbeat' || channel === 'status') return { type: 'alive' }
    if (channel !== ours) return { type: 'other', what: channel }
    if (type !== 'snapshot' && type !== 'update') return invalid(`${ours}_fields`)
    return Array.isArray(data) && data.length > 0 && data.every(isFields) ? read(data, type) : invalid(`${ours}_fields`)
  }
}

/** Answers to what was asked name no channel of their own; a refused one may name its symbol. */
function readAnswer<T>({ method, success, error, symbol, result }: Fields, ours: string): Word<T> {
  // a book that was never subscribed cannot be left, and need not be
  if (method === 'unsubscribe' || method === 'pong') return { type: 'alive' }
  if (success === false)
    return {
      type: 'refused',
      message: typeof error === 'string' ? error : 'no reason given',
      ...(typeof symbol === 'string' && { symbol }),
    }
  if (typeof method !== 'string') return invalid('unknown_message')
  if (method !== 'subscribe' || !isFields(result) || result['channel'] !== ours) return { type: 'other', what: method }
  return { type: 'subscribed', ...(typeof result['symbol'] === 'string' && { symbol: result['symbol'] }) }
}

export const invalid = (reason: string): { readonly type: 'invalid'; readonly reason: string } => ({
  type: 'invalid',
  reason,
})

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** µs of an RFC 3339 time; what is finer is cut off. */
export const microsOf = (time: unknown): number | undefined => {
  const at = typeof time === 'string' ? parseTime(time) : undefined
  return at !== undefined && at > 0 && Number.isSafeInteger(at) ? at : undefined
}
