import { z } from 'zod'
import { type Rest, RestFailure } from '../feed/rest.ts'
import type { Channel } from '../feed/venue.ts'

const venues = { spot: 'bybit', linear: 'bybit_linear', inverse: 'bybit_inverse' } as const
export type Market = keyof typeof venues

export const symbol = z
  .string()
  .regex(/^[A-Z0-9]{2,30}(?:-[A-Z0-9]{1,10})*$/, 'expected a symbol as Bybit spells it, such as BTCUSDT')
export const market = z
  .enum(['spot', 'linear', 'inverse'])
  .default('spot')
  .describe('spot, USDT and USDC contracts, or contracts settled in the base coin')

const subscription = (op: 'subscribe' | 'unsubscribe', topic: string) =>
  JSON.stringify({ req_id: topic, op, args: [topic] })

/** What every channel has. */
export function connectionOf(market: Market, channel: string, symbols: readonly string[]) {
  return {
    venue: venues[market],
    url: (endpoint: string | undefined) => `${endpoint ?? 'wss://stream.bybit.com'}/v5/public/${market}`,
    // One topic a message: one that is refused takes the others of its message with it (seen in 2026), spot takes ten.
    greet: (names = symbols) => names.map((name) => subscription('subscribe', `${channel}.${name}`)),
    // bybit-exchange.github.io/docs/v5/ws/connect, "How to Send the Heartbeat Packet" (2026).
    ping: { every: 20e6, text: '{"op":"ping"}' },
    rest: 'https://api.bybit.com',
    listing: (rest: Rest) => listed(market, rest),
  } as const satisfies Partial<Channel<never>>
}
/** A subscription begins with a whole book. */
export const subscribedAnew = (topic: string): readonly string[] => [
  subscription('unsubscribe', topic),
  subscription('subscribe', topic),
]

/** Timeout, too many visits, a failure of its own: worth another question (its documentation, "Error Codes", 2026). */
const busy: ReadonlySet<number> = new Set([10000, 10006, 10016])
const Answer = z.object({ retCode: z.int(), retMsg: z.string(), result: z.unknown() })
/** Errors come with HTTP 200 and a code. @throws RestFailure */
export async function ask(rest: Rest, path: string, query: Readonly<Record<string, string | number>>) {
  const { retCode, retMsg, result } = z.parse(Answer, await rest.get(`/v5/market/${path}`, query))
  if (retCode !== 0)
    throw new RestFailure('refused', `Bybit answered ${retCode}: ${retMsg}`, busy.has(retCode) ? 429 : 200)
  return result
}

const Listing = z.object({
  list: z.array(z.object({ symbol: z.string() })),
  nextPageCursor: z.string().optional(),
})
/** `GET instruments-info`, page by page. */
async function listed(category: Market, rest: Rest): Promise<readonly string[]> {
  const symbols: string[] = []
  for (let cursor = ''; ; ) {
    const query = { category, limit: 1000, ...(cursor !== '' && { cursor }) }
    const { list, nextPageCursor = '' } = z.parse(Listing, await ask(rest, 'instruments-info', query))
    symbols.push(...list.map((given) => given.symbol))
    if (nextPageCursor === '' || nextPageCursor === cursor || list.length === 0) return symbols
    cursor = nextPageCursor
  }
}

export const instruments =
  'Instruments are `bybit:BTCUSDT` on spot, `bybit_linear:BTCUSDT` and `bybit_inverse:BTCUSD` on contracts.'
export const delivery =
  'Heartbeats: a silent symbol tells, every `heartbeat_every`, the time of the last sign of life on the connection less the largest offset between local clock and event time of the last minutes, less `heartbeat_lag`; no sign of life, no heartbeat. A row that comes later than that is late. Back pressure: none, Bybit disconnects who reads too slowly. A misspelt symbol is an error that names near matches. Addresses of other regions are given as endpoints.'
