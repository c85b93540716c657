import { z } from 'zod'
import { price, size, volume } from './decimal.ts'
import { epoch, unitOf } from './epoch.ts'
import { refuse, shown } from './format.ts'

/** A frame as Binance sends it on a combined stream; fields by the letters of its documentation. */
const Frame = z.object({
  e: z.string().optional(),
  E: z.number().optional(),
  T: z.number().optional(),
  s: z.string().optional(),
  t: z.number().optional(),
  p: z.string().optional(),
  q: z.string().optional(),
  m: z.boolean().optional(),
  X: z.string().optional(),
  b: z.unknown().optional(),
  B: z.unknown().optional(),
  a: z.unknown().optional(),
  A: z.unknown().optional(),
})
type Frame = z.output<typeof Frame>
const Combined = z.object({ stream: z.string(), data: Frame })

/** Lines of a recorder: the receive stamp, a space, the JSON as sent. */
export interface Received {
  /** When the recorder had it, µs of the recorder's clock. */
  readonly received: number
  readonly stream: string
  readonly frame: Frame
}
/** undefined for what is no frame of a stream: answers of the REST interface, acknowledgements. */
export function received(line: string, unit: 'ns' | 'us'): Received | undefined {
  const space = line.indexOf(' ')
  if (space < 0) refuse(`expected a receive stamp, a space and JSON, found ${shown(line)}`)
  let json: unknown
  try {
    json = JSON.parse(line.slice(space + 1))
  } catch {
    return refuse(`expected JSON after the receive stamp, found ${shown(line.slice(space + 1))}`)
  }
  const combined = Combined.safeParse(json)
  if (!combined.success) return undefined
  return { received: epoch(line.slice(0, space), unit), stream: combined.data.stream, frame: combined.data.data }
}

/** Exchange stamps are ms, or µs where the connection asked for them. */
export function exchangeTime(stamp: number | undefined): number | undefined {
  if (stamp === undefined) return undefined
  const text = String(stamp)
  return epoch(text, unitOf(text))
}

export const symbolOf = ({ frame, stream }: Received): string =>
  frame.s ?? refuse(`expected a symbol in the frame of ${shown(stream)}`)

export function tradeOf({ frame }: Received) {
  if (frame.m === undefined) refuse('expected the field m, whether the buyer was the maker')
  const { p, q, t = 0, m } = frame
  return { price: price(p), size: size(q), side: m ? (-1 as const) : (1 as const), id: t }
}
export function quoteOf({ frame: { b, B, a, A } }: Received) {
  if (typeof b !== 'string' || typeof B !== 'string' || typeof a !== 'string' || typeof A !== 'string')
    refuse('expected bid and ask as decimals')
  return {
    bid: price(b, 'bid'),
    ask: price(a, 'ask'),
    bid_size: volume(B, 'bid size'),
    ask_size: volume(A, 'ask size'),
  }
}
/** True for the frames of a stream such as `trade`: the part of its name behind the first @. */
export const isStream = ({ stream }: Received, name: string): boolean => stream.slice(stream.indexOf('@') + 1) === name
