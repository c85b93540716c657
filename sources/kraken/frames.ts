// Frames for tests, written after the pages of docs.kraken.com, Spot WebSocket v2 (2026-11).

export const frameTime = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000
const timeOf = (at: number): string =>
  new Date(Math.floor(at / 1000)).toISOString().replace('Z', `${String(at % 1000).padStart(3, '0')}Z`)

/** The n-th trade of a pair: numbers and times (1 ms apart) go on with it. */
export const tradeOf = (n: number, symbol = 'BTC/USD') => ({
  symbol,
  side: n % 2 === 0 ? 'buy' : 'sell',
  price: 45_283.5,
  qty: 0.0001246,
  ord_type: 'market',
  trade_id: 4_665_906 + n,
  timestamp: timeOf(frameTime + n * 1000),
})
export const tradeFrame = (...trades: readonly unknown[]): string =>
  JSON.stringify({ channel: 'trade', type: 'update', data: trades })
export const tradeFrames = (count: number): string[] => Array.from({ length: count }, (_, n) => tradeFrame(tradeOf(n)))

/** What REST says of the n-th trade. */
export const oldTrade = (n: number) => [
  '45283.50000',
  '0.00012460',
  (frameTime + n * 1000) / 1e6,
  n % 2 === 0 ? 'b' : 's',
  'm',
  '',
  4_665_906 + n,
]

export const tickerFrame = (bid: number, ask: number, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    channel: 'ticker',
    type: 'update',
    data: [{ symbol: 'BTC/USD', bid, bid_qty: 0.5, ask, ask_qty: 1.25, last: bid, volume: 9970, vwap: bid, ...more }],
  })

/** Prices and sizes are texts here and numbers in the frame: their digits matter. */
export type Sides = Readonly<Record<'bids' | 'asks', readonly (readonly [price: string, qty: string])[]>>
export const bookFrame = (
  type: 'snapshot' | 'update',
  { bids, asks }: Sides,
  checksum: number,
  at?: number,
): string => {
  const levels = (side: Sides['bids']) => side.map(([price, qty]) => `{"price":${price},"qty":${qty}}`).join(',')
  const time = at === undefined ? '' : `,"timestamp":"${timeOf(at)}"`
  return `{"channel":"book","type":"${type}","data":[{"symbol":"BTC/USD","bids":[${levels(bids)}],"asks":[${levels(asks)}],"checksum":${checksum}${time}}]}`
}
/** The worked example of "Book checksum (WebSocket v2)", and the checksum that page says it has. */
export const guide: Sides & { readonly checksum: number } = {
  checksum: 3_310_070_434,
  bids: [
    ['45283.5', '0.10000000'],
    ['45283.4', '1.54582015'],
    ['45282.1', '0.10000000'],
    ['45281.0', '0.10000000'],
    ['45280.3', '1.54592586'],
    ['45279.0', '0.07990000'],
    ['45277.6', '0.03310103'],
    ['45277.5', '0.30000000'],
    ['45277.3', '1.54602737'],
    ['45276.6', '0.15445238'],
  ],
  asks: [
    ['45285.2', '0.00100000'],
    ['45286.4', '1.54571953'],
    ['45286.6', '1.54571109'],
    ['45289.6', '1.54560911'],
    ['45290.2', '0.15890660'],
    ['45291.8', '1.54553491'],
    ['45294.7', '0.04454749'],
    ['45296.1', '0.35380000'],
    ['45297.5', '0.09945542'],
    ['45299.5', '0.18772827'],
  ],
}

/** The candle of a minute after `frameTime`, as it stands after some trades. */
export const candleOf = (minute: number, trades: number, symbol = 'BTC/USD') => ({
  symbol,
  open: 0.5624,
  high: 0.5628,
  low: 0.5622,
  close: 0.5627,
  trades,
  volume: 10 * trades,
  vwap: 0.5626,
  interval_begin: timeOf(Math.floor(frameTime / 60e6) * 60e6 + minute * 60e6),
  interval: 1,
})
export const ohlcFrame = (type: 'snapshot' | 'update', ...candles: readonly unknown[]): string =>
  JSON.stringify({ channel: 'ohlc', type, timestamp: timeOf(frameTime), data: candles })

export const controlFrames = {
  status:
    '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2","connection_id":15113583034416118705}]}',
  heartbeat: '{"channel":"heartbeat"}',
  pong: '{"method":"pong","req_id":42,"time_in":"2023-09-25T09:05:00.123456Z","time_out":"2023-09-25T09:05:00.123500Z"}',
  left: '{"method":"unsubscribe","result":{"channel":"book","depth":10,"symbol":"BTC/USD"},"success":true}',
}
export const acknowledged = (channel: string, symbol = 'BTC/USD'): string =>
  JSON.stringify({ method: 'subscribe', result: { channel, snapshot: true, symbol }, success: true })
export const refusedFrame =
  '{"error":"Currency pair not supported BTC/USX","method":"subscribe","success":false,"symbol":"BTC/USX"}'

export const rubbishFrames: readonly (readonly [reason: string, frame: string | Buffer])[] = [
  ['not_json', ''],
  ['not_json', '{"channel":"trade","type":"upd'],
  ['not_json', '['.repeat(50_000)],
  ['unknown_message', 'null'],
  ['unknown_message', '42'],
  ['unknown_message', '[]'],
  ['unknown_message', '{"event":"heartbeat"}'],
  ['unknown_message', '{"hello":"world"}'],
  ['trade_fields', '{"channel":"trade"}'],
  ['trade_fields', '{"channel":"trade","type":"update","data":[]}'],
  ['trade_fields', '{"channel":"trade","type":"update","data":[null]}'],
  ['trade_fields', '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD"}]}'],
  ['trade_fields', tradeFrame({ ...tradeOf(0), timestamp: 'today' })],
  ['trade_fields', tradeFrame({ ...tradeOf(0), side: 'both' })],
  ['trade_fields', tradeFrame(tradeOf(0), { ...tradeOf(1), trade_id: 'T1' })],
  ['trade_values', tradeFrame({ ...tradeOf(0), price: '45283.5' })],
  ['trade_values', tradeFrame({ ...tradeOf(0), qty: 0 })],
  ['trade_values', tradeFrame({ ...tradeOf(0), price: -1 })],
  ['binary', Buffer.from(tradeFrame(tradeOf(0)))],
]
