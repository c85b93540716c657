// Frames for tests, written after docs.cdp.coinbase.com, Exchange, WebSocket Channels (2026-11).

export const frameTime = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000
const timeOf = (at: number): string =>
  new Date(Math.floor(at / 1000)).toISOString().replace('Z', `${String(at % 1000).padStart(3, '0')}Z`)

/** The n-th match of a product: numbers and times (1 ms apart) go on with it. */
export const matchOf = (n: number) => ({
  type: 'match',
  trade_id: 1_000_010 + n,
  sequence: 5_000_050 + 3 * n,
  maker_order_id: 'ac928c66-ca53-498f-9c13-a110027a60e8',
  taker_order_id: '132fb6ae-456b-4654-b4e0-d681ac05cea1',
  time: timeOf(frameTime + n * 1000),
  product_id: 'BTC-USD',
  size: '5.23512',
  price: '400.23',
  side: n % 2 === 0 ? 'sell' : 'buy',
})
export const matchFrame = (n: number, fields: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ ...matchOf(n), ...fields })
export const matchFrames = (count: number): string[] => Array.from({ length: count }, (_, n) => matchFrame(n))
export const lastMatch = (n: number): string => matchFrame(n, { type: 'last_match' })
/** What REST says of the n-th match. */
export const oldMatch = (n: number) => {
  const { time, trade_id, price, size, side } = matchOf(n)
  return { time, trade_id, price, size, side }
}

/** The ticker of the n-th match. */
export const tickerFrame = (n: number, fields: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    type: 'ticker',
    sequence: 37_475_248_783 + 7 * n,
    product_id: 'ETH-USD',
    price: '1285.22',
    open_24h: '1310.79',
    volume_24h: '245532.79269678',
    best_bid: '1285.04',
    best_bid_size: '0.46688654',
    best_ask: '1285.27',
    best_ask_size: '1.56637040',
    side: 'buy',
    time: timeOf(frameTime + n * 1000),
    trade_id: 370_843_401 + n,
    last_size: '11.4396987',
    ...fields,
  })

type Levels = readonly (readonly [price: string, size: string])[]
export const snapshotFrame = (bids: Levels, asks: Levels): string =>
  JSON.stringify({ type: 'snapshot', product_id: 'BTC-USD', bids, asks })
export const changeFrame = (
  changes: readonly (readonly [side: string, price: string, size: string])[],
  at: number | undefined,
): string => {
  const time = at === undefined ? '0001-01-01T00:00:00.000000Z' : timeOf(at)
  return JSON.stringify({ type: 'l2update', product_id: 'BTC-USD', time, changes })
}

export const subscriptions = (name: string): string =>
  JSON.stringify({ type: 'subscriptions', channels: [{ name, product_ids: ['BTC-USD'], account_ids: null }] })
export const heartbeat =
  '{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD","time":"2014-11-07T08:19:28.464459Z"}'
export const refusedProduct =
  '{"type":"error","message":"Failed to subscribe","reason":"BTC-USX is not a valid product"}'
export const refusedChannel =
  '{"type":"error","message":"Failed to subscribe","reason":"level2, level3, and full channels now require authentication."}'

export const rubbishFrames: readonly (readonly [reason: string, frame: string | Buffer])[] = [
  ['not_json', ''],
  ['not_json', '{"type":"match","trade'],
  ['not_json', '['.repeat(50_000)],
  ['unknown_message', 'null'],
  ['unknown_message', '42'],
  ['unknown_message', '[]'],
  ['unknown_message', '{"hello":"world"}'],
  ['match_fields', '{"type":"match"}'],
  ['match_fields', matchFrame(0, { product_id: 7 })],
  ['match_fields', matchFrame(0, { time: 'today' })],
  ['match_fields', matchFrame(0, { time: '0001-01-01T00:00:00.000000Z' })],
  ['match_fields', matchFrame(0, { side: 'both' })],
  ['match_fields', matchFrame(0, { trade_id: '10' })],
  ['match_values', matchFrame(0, { price: '1e3' })],
  ['match_values', matchFrame(0, { price: 400.23 })],
  ['match_values', matchFrame(0, { size: '0.-10000' })],
  ['match_values', matchFrame(0, { size: '0' })],
  ['binary', Buffer.from(matchFrame(0))],
]
