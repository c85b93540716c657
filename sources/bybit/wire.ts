import type { Word } from '../feed/venue.ts'

export type Fields = Readonly<Record<string, unknown>>
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

type Control = Exclude<Word<never>, { readonly type: 'row' | 'rows' | 'book' }>
export type Reader<T> = (bytes: Buffer, binary?: boolean) => Word<T>

/** Reads the frames of one channel: the topic `orderbook.50.BTCUSDT` is `orderbook.50` of a symbol. Never throws. */
export const readerOf =
  <T>(channel: string, read: (symbol: string, frame: Fields) => Word<T>): Reader<T> =>
  (bytes, binary = false) => {
    if (binary) return invalid('binary')
    let frame: unknown
    try {
      frame = JSON.parse(bytes.toString())
    } catch {
      return invalid('not_json')
    }
    if (!isFields(frame)) return invalid('unknown_message')
    const { topic } = frame
    if (typeof topic !== 'string') return readAnswer(frame)
    if (!topic.startsWith(`${channel}.`)) return { type: 'other', what: topic }
    return read(topic.slice(channel.length + 1), frame)
  }

// bybit-exchange.github.io/docs/v5/ws/connect (2026): answers carry `success`, `op` and the `req_id` of the question.
function readAnswer({ success, op, req_id, ret_msg, request }: Fields): Control {
  const asked = op ?? (isFields(request) ? request['op'] : undefined)
  if (asked === 'ping' || asked === 'pong' || asked === 'unsubscribe') return { type: 'alive' }
  const named = typeof req_id === 'string' ? symbolOf(req_id) : undefined
  if (success === true) return { type: 'subscribed', ...(named !== undefined && { symbol: named }) }
  if (success !== false) return invalid('unknown_message')
  // `Invalid symbol :[publicTrade.X]` on spot, `error:handler not found,topic:publicTrade.X` elsewhere (seen 2024 to 2026).
  const message = typeof ret_msg === 'string' ? ret_msg : 'refused'
  const symbol = symbolOf(message) ?? named
  return { type: 'refused', message, ...(symbol !== undefined && { symbol }) }
}
/** The symbol of the topic a text ends with. */
const symbolOf = (text: string): string | undefined => /\b[a-zA-Z]+(?:\.\w+)?\.([A-Z0-9-]+)\]?$/.exec(text)?.[1]

export const invalid = (reason: string): { readonly type: 'invalid'; readonly reason: string } => ({
  type: 'invalid',
  reason,
})

const decimal = /^\d+(?:\.\d+)?$/
export const isDecimal = (value: unknown): value is string => typeof value === 'string' && decimal.test(value)
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
/** Times are ms, in REST as text. */
export function microsOf(value: unknown): number | undefined {
  const ms = isDecimal(value) ? Number(value) : value
  return isCount(ms) && Number.isSafeInteger(ms * 1000) ? ms * 1000 : undefined
}
