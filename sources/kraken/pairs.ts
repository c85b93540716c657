import { z } from 'zod'
import { type Rest, RestFailure } from '../feed/rest.ts'

export const streams = 'wss://ws.kraken.com/v2'
export const rest = 'https://api.kraken.com'

export const symbol = z
  .string()
  .regex(/^[A-Za-z0-9.]{1,20}\/[A-Z0-9.]{1,20}$/, 'expected a symbol as Kraken spells it, such as BTC/USD')

/** What is said to have a channel of some symbols. */
export const subscribe = (channel: string, symbols: readonly string[], more: Readonly<Record<string, unknown>>) =>
  JSON.stringify({ method: 'subscribe', params: { channel, symbol: symbols, ...more } })
export const unsubscribe = (channel: string, symbols: readonly string[], more: Readonly<Record<string, unknown>>) =>
  JSON.stringify({ method: 'unsubscribe', params: { channel, symbol: symbols, ...more } })

/** REST and v1 keep two old names that v2 has given up. */
const renamed = [
  ['XBT', 'BTC'],
  ['XDG', 'DOGE'],
] as const
const spelled = (pair: string, from: 0 | 1): readonly string[] =>
  pair.split('/').map((asset) => renamed.find((names) => names[from] === asset)?.[from === 0 ? 1 : 0] ?? asset)
/** `XBT/USD` of REST as v2 spells it. */
export const symbolOf = (wsname: string): string => spelled(wsname, 0).join('/')
/** What REST calls a pair of v2: `XBTUSD`. */
export const altnameOf = (symbol: string): string => spelled(symbol, 1).join('')

const Answer = z.object({ error: z.array(z.string()), result: z.unknown().optional() })
/**
 * Asks the public REST interface, which refuses within an answer of HTTP 200.
 * @throws RestFailure
 */
export async function ask(rest: Rest, path: string, query: Readonly<Record<string, string | number>> = {}) {
  const { error, result } = z.parse(Answer, await rest.get(`/0/public/${path}`, query))
  const busy = error.some((text) => /^EService:|Rate limit exceeded|Too many requests/.test(text))
  if (error.length > 0) throw new RestFailure('refused', `Kraken answered ${error.join(', ')}`, busy ? 429 : 200)
  return result
}

const Pairs = z.record(z.string(), z.object({ wsname: z.string().optional() }))
/** `GET AssetPairs`: every pair that has a stream. */
export async function listing(rest: Rest): Promise<readonly string[]> {
  const pairs = z.parse(Pairs, await ask(rest, 'AssetPairs'))
  return Object.values(pairs).flatMap(({ wsname }) => (wsname === undefined ? [] : [symbolOf(wsname)]))
}

export const instruments = 'Instruments are `kraken:BTC/USD`: pairs as WebSocket v2 spells them.'
export const heartbeats =
  'Heartbeats: a silent symbol tells, every `heartbeat_every`, the time of the last sign of life on the connection (Kraken sends one a second) less the largest offset between local clock and event time of the last minutes, less `heartbeat_lag`; no sign of life, no heartbeat. A row that comes later than that is late.'
export const delivery =
  'Back pressure: none. A misspelt pair is an error that names near matches; Kraken refuses it by name too.'
