import type { Word } from '../feed/venue.ts'

export type Fields = Readonly<Record<string, unknown>>
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a stream is called behind the `@`, its event name, and how its data are read. */
export interface StreamReader<T> {
  readonly stream: string
  readonly event: string
  readonly data: (fields: Fields) => Word<T>
  /** Frames that carry no event name and belong to the stream all the same: quotes of spot. */
  readonly unnamed?: (fields: Fields) => boolean
}

/** Reads frames of a raw or combined stream (developers.binance.com, Spot, WebSocket Streams, 2026-11). Never throws. */
export function readerOf<T>({ stream: wanted, event, data: read, unnamed }: StreamReader<T>) {
  const ours = (fields: Fields): boolean =>
    fields['e'] === event || (fields['e'] === undefined && unnamed?.(fields) === true)
  return (bytes: Buffer, binary = false): Word<T> => {
    if (binary) return invalid('binary')
    let frame: unknown
    try {
      frame = JSON.parse(bytes.toString())
    } catch {
      return invalid('not_json')
    }
    if (!isFields(frame)) return invalid('unknown_message')
    const { stream } = frame
    if (typeof stream !== 'string') return ours(frame) ? read(frame) : readOther(frame)
    const { data } = frame
    if (!isFields(data)) return Array.isArray(data) ? other(stream) : invalid('unknown_message')
    if (ours(data)) return read(data)
    // Quotes and partial books of spot carry no event name, others always do.
    const named = typeof data['e'] === 'string'
    return named ||
      stream
        .slice(stream.indexOf('@') + 1)
        .split('@')[0]
        ?.split('_')[0] !== wanted
      ? other(stream)
      : invalid(`${event}_fields`)
  }
}

export const invalid = (reason: string): { readonly type: 'invalid'; readonly reason: string } => ({
  type: 'invalid',
  reason,
})
const other = (what: string): { readonly type: 'other'; readonly what: string } => ({ type: 'other', what })

const decimal = /^\d+(?:\.\d+)?$/
export const isDecimal = (value: unknown): value is string => typeof value === 'string' && decimal.test(value)
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

// Times are ms, or µs when the URL says `timeUnit=MICROSECOND`: 1e14 ms is the year 5138, 1e14 µs 1973.
export const microsOf = (time: number): number => (time < 1e14 ? time * 1000 : time)

/** Messages outside a stream: answers to requests, errors ("Error Messages"), raw events, book snapshots. */
function readOther<T>(frame: Fields): Word<T> {
  const { code, msg } = isFields(frame['error']) ? frame['error'] : frame
  if (typeof code === 'number' && typeof msg === 'string') return { type: 'refused', code, message: msg }
  const event = isFields(frame['event']) ? frame['event']['e'] : frame['e']
  // "serverShutdown" comes minutes before the server closes the connection (2026-11)
  if (event === 'serverShutdown') return { type: 'leave', detail: 'serverShutdown' }
  if (typeof event === 'string') return other(event)
  if ('result' in frame && 'id' in frame) return { type: 'alive' }
  if ('lastUpdateId' in frame) return other('depth')
  if ('u' in frame && 'B' in frame && 'A' in frame) return other('bookTicker')
  return invalid('unknown_message')
}
