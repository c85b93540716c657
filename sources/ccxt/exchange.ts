import { nearest, type SourceContext } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'

/** What of a trade of ccxt is read. */
export interface CcxtTrade {
  readonly id?: string | undefined
  /** ms. */
  readonly timestamp?: number | undefined
  readonly side?: string | undefined
  readonly price?: number | undefined
  readonly amount?: number | undefined
  /** As the exchange sent it. */
  readonly info?: unknown
}
/** What of an exchange of ccxt is used. */
export interface Exchange {
  readonly symbols: readonly string[]
  readonly has: Readonly<Record<string, unknown>>
  urls: { api?: unknown }
  loadMarkets(): Promise<unknown>
  fetchTrades(symbol: string, since?: number, limit?: number): Promise<readonly CcxtTrade[]>
  watchTrades(symbol: string): Promise<readonly CcxtTrade[]>
  close?(): Promise<unknown>
  /** Without it ccxt opens no `ws://`. */
  loadHttpProxyAgent?(): Promise<unknown>
}
type ExchangeClass = new (options: Readonly<Record<string, unknown>>) => Exchange
export interface Ccxt {
  readonly version: string
  readonly exchanges: readonly string[]
  readonly pro: Readonly<Record<string, unknown>>
  readonly NetworkError: abstract new (...given: never[]) => Error
}

/** It is large and few need it, so it is loaded when a source asks for it. @throws PACKAGE_ABSENT */
export async function ccxtPackage(): Promise<Ccxt> {
  try {
    return (await import('ccxt')).default as unknown as Ccxt
  } catch (cause) {
    throw new TidegateError(
      'PACKAGE_ABSENT',
      'sources of ccxt need the package ccxt, found none; install it beside tidegate: npm install ccxt',
      { package: 'ccxt' },
      cause,
    )
  }
}

export interface Wanted {
  /** The source. */
  readonly name: string
  readonly exchange: string
  /** What the exchange must have: `fetchTrades`. */
  readonly method: string
  /** µs between two requests at least, in place of what ccxt knows. */
  readonly rate_limit?: number | undefined
}
/** @throws SOURCE_FAILED naming near matches of an unknown exchange, or what the exchange does not give */
export async function exchangeOf(
  ccxt: Ccxt,
  { name, exchange, method, rate_limit }: Wanted,
  context: SourceContext,
): Promise<Exchange> {
  const { exchanges, version } = ccxt
  if (!exchanges.includes(exchange)) {
    const near = nearest(exchange, exchanges)
    const meant = near === undefined ? '' : `; did you mean "${near}"?`
    throw new TidegateError('SOURCE_FAILED', `${name}: ccxt ${version} knows no exchange "${exchange}"${meant}`, {
      exchange,
    })
  }
  const Known = (ccxt.pro[exchange] ?? (ccxt as unknown as Record<string, unknown>)[exchange]) as ExchangeClass
  const opened = new Known({
    ...{ enableRateLimit: true, newUpdates: true },
    ...(rate_limit !== undefined && { rateLimit: rate_limit / 1000 }),
  })
  if (opened.has[method] !== true)
    throw new TidegateError('SOURCE_FAILED', `${name}: ccxt ${version} has no ${method} for ${exchange}`, {
      exchange,
      method,
    })
  const ws = context.endpoint(name)
  // who was pointed elsewhere never asks the venue itself
  const http = context.endpoint(`${name}.rest`) ?? ws?.replace(/^ws/, 'http')
  if (http !== undefined) opened.urls.api = pointed(opened.urls.api, http, ws ?? http.replace(/^http/, 'ws'))
  if (ws?.startsWith('ws:')) await opened.loadHttpProxyAgent?.()
  return opened
}
/** The addresses of an exchange, on another host. */
function pointed(urls: unknown, http: string, ws: string): unknown {
  if (typeof urls === 'string')
    return urls.replace(/^(http|ws)s?:\/\/[^/]+/, (_, kind: string) => (kind === 'ws' ? ws : http).replace(/\/$/, ''))
  if (typeof urls !== 'object' || urls === null) return urls
  return Object.fromEntries(Object.entries(urls).map(([key, url]) => [key, pointed(url, http, ws)]))
}

/** @throws SOURCE_FAILED naming near matches of the symbols the exchange does not trade */
export function checkSymbols({ symbols }: Exchange, wanted: readonly string[], { name, exchange }: Wanted): void {
  const known = new Set(symbols)
  const unknown = wanted.filter((symbol) => !known.has(symbol))
  if (unknown.length === 0) return
  const words = unknown.map((symbol) => {
    const near = nearest(symbol, symbols)
    return near === undefined ? `"${symbol}"` : `"${symbol}" (did you mean "${near}"?)`
  })
  throw new TidegateError('SOURCE_FAILED', `${name}: ${exchange} does not list ${words.join(', ')}`, { unknown })
}
