import { chanceOf } from './tapes.ts'
import { serverFrame } from './websocket_bytes.ts'

/** What a server says in place of what was asked. `silence` leaves the question open, `half` stops in the middle. */
export type Answer = 'html' | 'silence' | 'half' | { readonly status: number; readonly retryAfter?: number }

/** What can go wrong between a feed and its venue. Times in µs; counts are messages. */
export type Fault =
  /** The connection is gone without a word. */
  | { readonly type: 'cut' }
  /** Nothing comes; `deaf` leaves pings unanswered too. What the venue says meanwhile comes late, or never. */
  | { readonly type: 'stall'; readonly micros: number; readonly deaf: boolean; readonly outcome: 'tell' | 'lose' }
  | { readonly type: 'lose'; readonly messages: number }
  | { readonly type: 'duplicate'; readonly messages: number }
  /** The messages come, the last of them first. */
  | { readonly type: 'reorder'; readonly messages: number }
  /** Half of a frame, and the end of the connection. */
  | { readonly type: 'truncate' }
  | { readonly type: 'rubbish'; readonly what: keyof typeof rubbish }
  /** Byte after byte, a thousand a second. */
  | { readonly type: 'dribble'; readonly micros: number }
  /**
   * The end of a TLS session in place of data. `close_notify` and `fin` are a session shut down with and without its
   * farewell, `alert` is the bytes of a fatal alert where nobody can read them. Without TLS the first two are the same.
   */
  | { readonly type: 'tls_end'; readonly how: 'close_notify' | 'fin' | 'alert' }
  /** The next attempts to connect are answered so. */
  | { readonly type: 'refuse'; readonly answer: Answer; readonly times: number }
  /** The next questions over REST are answered so. */
  | { readonly type: 'rest'; readonly answer: Answer; readonly times: number }

const text = (what: string): Buffer => serverFrame(1, Buffer.from(what))
const head = (...bytes: readonly number[]): Buffer => Buffer.from(bytes)
/** By name: what a venue never says. Whole frames of rubbish, and bytes that are no frame. */
export const rubbish = {
  half_json: text('{"stream":"btcusdt@trade","data":{"e":"tra'),
  html: text('<!DOCTYPE html><html><body>502 Bad Gateway</body></html>'),
  other_json: text('{"hello":"world"}'),
  nesting: text('['.repeat(200_000)),
  nested_object: text(`${'{"data":'.repeat(50_000)}1${'}'.repeat(50_000)}`),
  prototype: text('{"stream":"x@trade","data":{"__proto__":{"e":"trade"},"constructor":1}}'),
  binary: serverFrame(2, Buffer.from([0, 1, 2, 253, 254, 255])),
  empty: text(''),
  not_utf8: serverFrame(1, Buffer.from([0x22, 0xc3, 0x28, 0x22])),
  no_frame: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
  reserved_bits: head(0xf1, 0x01, 0x41),
  unknown_opcode: head(0x83, 0x01, 0x41),
  masked_by_server: head(0x81, 0x81, 1, 2, 3, 4, 0x41),
  continuation_of_nothing: head(0x80, 0x01, 0x41),
  long_ping: serverFrame(9, Buffer.alloc(200)),
  endless: Buffer.concat([head(0x81, 0x7f), Buffer.from([0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])]),
} as const
type Rubbish = keyof typeof rubbish

const answers: readonly Answer[] = [
  { status: 429, retryAfter: 1 },
  { status: 418, retryAfter: 1 },
  { status: 500 },
  { status: 502 },
  { status: 503 },
  'html',
  'half',
]

export interface Strike {
  /** µs since the strike before. */
  readonly after: number
  readonly faults: readonly Fault[]
}

/** Faults without end, the same for the same seed: on average one strike in `every` µs. */
export function* strikes(seed: number, every: number): Generator<Strike, never> {
  const chance = chanceOf(seed)
  const whole = (from: number, to: number): number => from + Math.floor(chance() * (to - from + 1))
  const one = <T>(of: readonly T[]): T => of[whole(0, of.length - 1)] as T
  const stall = (deaf: boolean, outcome: 'tell' | 'lose'): Fault => ({
    type: 'stall',
    micros: whole(1, 20) * 1e5,
    deaf,
    outcome,
  })
  const kinds: readonly (() => readonly Fault[])[] = [
    () => [{ type: 'cut' }],
    () => [stall(false, 'tell')],
    () => [stall(false, 'lose')],
    () => [stall(true, 'tell')],
    () => [{ type: 'lose', messages: whole(1, 500) }],
    () => [{ type: 'duplicate', messages: whole(1, 500) }],
    () => [{ type: 'reorder', messages: whole(2, 50) }],
    () => [{ type: 'truncate' }],
    () => [{ type: 'rubbish', what: one(Object.keys(rubbish) as Rubbish[]) }],
    () => [{ type: 'dribble', micros: whole(1, 10) * 1e5 }],
    () => [{ type: 'tls_end', how: one(['close_notify', 'fin', 'alert'] as const) }],
    () => [{ type: 'refuse', answer: one(answers), times: whole(1, 2) }, { type: 'cut' }],
    () => [
      { type: 'rest', answer: one(answers), times: whole(1, 3) },
      { type: 'lose', messages: whole(1, 500) },
    ],
    () => [{ type: 'rest', answer: one(answers), times: whole(1, 3) }, { type: 'cut' }],
  ]
  // every kind in turn in an order of its own, so that few strikes cover all
  for (let left: typeof kinds = []; ; ) {
    if (left.length === 0) left = kinds
    const next = one(left)
    left = left.filter((kind) => kind !== next)
    yield { after: Math.round(-Math.log(1 - chance()) * every), faults: next() }
  }
}
