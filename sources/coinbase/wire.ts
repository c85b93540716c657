import { parseTime } from '../../schemas/units.ts'
import type { Word } from '../feed/venue.ts'

export type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** How messages are read, by their `type`; those of other types are of other channels. */
export type Readers<T> = Readonly<Record<string, (fields: Fields) => Word<T>>>

/**
 * Reads frames of the Exchange feed (docs.cdp.coinbase.com, Exchange, WebSocket, 2026-11). Never throws. Frames of the
 * Advanced Trade feed, which is another interface, are known by their `channel` and left alone.
 */
export function readerOf<T>(readers: Readers<T>) {
  return (bytes: Buffer, binary = false): Word<T> => {
    if (binary) return invalid('binary')
    let frame: unknown
    try {
      frame = JSON.parse(bytes.toString())
    } catch {
      return invalid('not_json')
    }
    if (!isFields(frame)) return invalid('unknown_message')
    const { type, channel } = frame
    if (typeof type !== 'string')
      return typeof channel === 'string' ? { type: 'other', what: channel } : invalid('unknown_message')
    const read = Object.hasOwn(readers, type) ? readers[type] : undefined
    if (read !== undefined) return read(frame)
    switch (type) {
      case 'subscriptions':
        return { type: 'subscribed' }
      case 'heartbeat':
        return { type: 'alive' }
      case 'error':
        return refused(frame)
      default:
        // "New message types can be added at any time. Clients are expected to ignore messages they do not support."
        return { type: 'other', what: type }
    }
  }
}

function refused<T>({ message, reason }: Fields): Word<T> {
  const why = typeof reason === 'string' ? reason : undefined
  // the reason is the only place that names the product
  const symbol = why === undefined ? undefined : /^(\S+) is not a valid product$/.exec(why)?.[1]
  const words = [typeof message === 'string' ? message : 'no message', ...(why === undefined ? [] : [why])].join(': ')
  return { type: 'refused', message: words, ...(symbol !== undefined && { symbol }) }
}

export const invalid = (reason: string): { readonly type: 'invalid'; readonly reason: string } => ({
  type: 'invalid',
  reason,
})

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const decimal = /^\d+(?:\.\d+)?$/
export const isDecimal = (value: unknown): value is string => typeof value === 'string' && decimal.test(value)

/** µs of an RFC 3339 time; 0 for `0001-01-01T00:00:00Z`, which stands for none; undefined for what is no time. */
export const microsOf = (time: unknown): number | undefined => {
  const at = typeof time === 'string' ? parseTime(time) : undefined
  if (at !== undefined && at < 0) return 0
  return Number.isSafeInteger(at) ? at : undefined
}
