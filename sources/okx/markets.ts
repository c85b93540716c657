import { z } from 'zod'
import { type Rest, RestFailure } from '../feed/rest.ts'
import type { Channel } from '../feed/venue.ts'

export const symbol = z
  .string()
  .regex(/^[A-Z0-9_]{1,20}(?:-[A-Z0-9_.]{1,20}){1,4}$/, 'expected an instrument as OKX spells it, such as BTC-USDT')

const host = 'wss://ws.okx.com:8443'
const subscription = (op: 'subscribe' | 'unsubscribe', channel: string, symbols: readonly string[]) =>
  JSON.stringify({ op, args: symbols.map((instId) => ({ channel, instId })) })

/** What every channel has: its path is `public`, or `business` for candles and single trades. */
export function connectionOf(path: 'public' | 'business', channel: string, symbols: readonly string[]) {
  return {
    venue: 'okx',
    url: (endpoint: string | undefined) => `${endpoint ?? host}/ws/v5/${path}`,
    greet: (names = symbols) => [subscription('subscribe', channel, names)],
    // A connection that is silent for 30 s is shut; any message counts (Overview, WebSocket, "Connect", 2026-08).
    ping: { every: 20e6, text: 'ping' },
    rest: 'https://www.okx.com',
    // 20 questions in 2 s for history-trades and candles (its REST documentation, "Get trades history").
    restPace: 100e3,
    listing: (rest: Rest) => listed(symbols, rest),
  } as const satisfies Partial<Channel<never>>
}
/** A subscription begins with a whole book. */
export const subscribedAnew = (channel: string, instrument: string): readonly string[] => [
  subscription('unsubscribe', channel, [instrument]),
  subscription('subscribe', channel, [instrument]),
]

/** Unavailable, timeout, too many requests, busy, failed: worth another question (its documentation, "Error Code", 2026-08). */
const busy: ReadonlySet<string> = new Set(['50001', '50004', '50011', '50013', '50026'])
const Answer = z.object({ code: z.string(), msg: z.string(), data: z.array(z.unknown()) })
/** Errors come with HTTP 200 and a code. @throws RestFailure */
export async function ask(rest: Rest, path: string, query: Readonly<Record<string, string | number>>) {
  const answer = await rest.get(`/api/v5/${path}`, query).catch(withItsCode)
  const { code, msg, data } = z.parse(Answer, answer)
  if (code !== '0') throw new RestFailure('refused', `OKX answered ${code}: ${msg}`, busy.has(code) ? 429 : 200)
  return data
}
/** A timeout (50004) comes with HTTP 400, where a refusal is otherwise for good. */
function withItsCode(error: unknown): never {
  const code = error instanceof RestFailure ? /"code":"(\d+)"/.exec(error.message)?.[1] : undefined
  if (code !== undefined && busy.has(code)) throw new RestFailure('refused', (error as Error).message, 429)
  throw error
}

const Instrument = z.object({ instId: z.string() })
/** `GET public/instruments`, of the kinds the symbols look like; options are listed by family. */
async function listed(symbols: readonly string[], rest: Rest): Promise<readonly string[]> {
  const kinds = new Map(symbols.map((instId) => [JSON.stringify(kindOf(instId)), kindOf(instId)]))
  const answers: unknown[] = []
  for (const kind of kinds.values()) answers.push(...(await ask(rest, 'public/instruments', kind)))
  return answers.map((given) => z.parse(Instrument, given).instId)
}
function kindOf(instId: string): Readonly<Record<string, string>> {
  const parts = instId.split('-')
  if (parts.length === 2) return { instType: 'SPOT' }
  if (parts.length === 5) return { instType: 'OPTION', instFamily: parts.slice(0, 2).join('-') }
  return { instType: parts[2] === 'SWAP' ? 'SWAP' : 'FUTURES' }
}

export const instruments =
  'Instruments are `okx:BTC-USDT` on spot, `okx:BTC-USDT-SWAP` and so on elsewhere, as OKX spells them.'
export const delivery =
  'Heartbeats: a silent symbol tells, every `heartbeat_every`, the time of the last sign of life on the connection less the largest offset between local clock and event time of the last minutes, less `heartbeat_lag`; no sign of life, no heartbeat. A row that comes later than that is late. OKX says when it is about to shut a connection for an upgrade: the feed leaves at once for a new one. Back pressure: none, OKX disconnects who reads too slowly. A misspelt instrument is an error that names near matches. Addresses of other regions are given as endpoints.'
