import type { Row, Word } from '../feed/venue.ts'

export type Fields = Readonly<Record<string, unknown>>
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a channel pushes: `arg` names channel and instrument, `data` is a list. */
export interface Push {
  readonly type: 'push'
  readonly channel: string
  readonly symbol: string
  readonly action: unknown
  readonly data: readonly unknown[]
}
type Control = Exclude<Word<never>, { readonly type: 'row' | 'rows' | 'book' }>
export type Reader<T> = (bytes: Buffer, binary?: boolean) => Word<T>

/** Reads the frames of some channels of one form. Never throws. */
export const readerOf =
  <T>(channels: readonly string[], read: (push: Push) => Word<T>): Reader<T> =>
  (bytes, binary = false) => {
    const push = open(bytes, binary)
    if (push.type !== 'push') return push
    return channels.includes(push.channel) ? read(push) : other(push.channel)
  }

// www.okx.com/docs-v5/en, Overview, "WebSocket" (2026-08): acks, errors and notices carry `event`, data carries `arg`.
function open(bytes: Buffer, binary: boolean): Push | Control {
  if (binary) return invalid('binary')
  const text = bytes.toString()
  if (text === 'pong') return { type: 'alive' }
  let frame: unknown
  try {
    frame = JSON.parse(text)
  } catch {
    return invalid('not_json')
  }
  if (!isFields(frame)) return invalid('unknown_message')
  const { event, arg, action, data } = frame
  if (typeof event === 'string') return readEvent(event, frame)
  if (!isFields(arg) || typeof arg['channel'] !== 'string' || !Array.isArray(data)) return invalid('unknown_message')
  const { channel, instId } = arg
  return typeof instId === 'string' ? { type: 'push', channel, symbol: instId, action, data } : other(channel)
}

function readEvent(event: string, { code, msg, arg }: Fields): Control {
  const told = isFields(arg) && typeof arg['instId'] === 'string' ? arg['instId'] : undefined
  const words = typeof msg === 'string' ? msg : event
  switch (event) {
    case 'subscribe':
      return { type: 'subscribed', ...(told !== undefined && { symbol: told }) }
    case 'error':
    case 'channel-conn-count-error': {
      // 60018 names the symbol in its words alone: `channel:tickers,instId:LTC-USD doesn't exist` (seen 2023 to 2026).
      const symbol = told ?? /instId:([^\s,]+)/.exec(words)?.[1]
      return {
        ...{ type: 'refused', message: words },
        ...((typeof code === 'string' || typeof code === 'number') && { code }),
        ...(symbol !== undefined && { symbol }),
      }
    }
    case 'notice':
      // 64008: the connection is about to be shut for an upgrade of the service.
      return code === '64008' ? { type: 'leave', detail: words } : { type: 'alive' }
    case 'unsubscribe':
    case 'channel-conn-count':
      return { type: 'alive' }
    default:
      return other(event)
  }
}

export const invalid = (reason: string): { readonly type: 'invalid'; readonly reason: string } => ({
  type: 'invalid',
  reason,
})
const other = (what: string): { readonly type: 'other'; readonly what: string } => ({ type: 'other', what })

/** All of them, or that one is none. */
export function rowsOf<T>(
  data: readonly unknown[],
  read: (given: unknown) => Row<T> | undefined,
  bad: string,
): Word<T> {
  const rows: Row<T>[] = []
  for (const given of data) {
    const row = read(given)
    if (row === undefined) return invalid(bad)
    rows.push(row)
  }
  return { type: 'rows', rows }
}

const decimal = /^\d+(?:\.\d+)?$/
const digits = /^\d{1,16}$/
export const isDecimal = (value: unknown): value is string => typeof value === 'string' && decimal.test(value)
/** A whole number sent as text or as a number; undefined where it is none, or beyond what a double holds. */
export function wholeOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && digits.test(value) ? Number(value) : value
  return Number.isSafeInteger(number) && (number as number) >= 0 ? (number as number) : undefined
}
/** Times are ms. */
export function microsOf(value: unknown): number | undefined {
  const ms = wholeOf(value)
  return ms !== undefined && Number.isSafeInteger(ms * 1000) ? ms * 1000 : undefined
}
