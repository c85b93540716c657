// Frames for tests, written after the payloads on developers.binance.com, Spot, WebSocket Streams (2026-11).

export const frameTime = 1_672_515_782_136

/** The n-th trade of a stream: ids and times go on with it. */
export function tradeFrame(n: number, fields: Readonly<Record<string, unknown>> = {}, symbol = 'BTCUSDT'): string {
  const T = frameTime + n
  const data = { e: 'trade', E: T + 1, s: symbol, t: 12_345 + n, p: '0.00100000', q: '100', T, m: true, M: true }
  return JSON.stringify({ stream: `${symbol.toLowerCase()}@trade`, data: { ...data, ...fields } })
}
export const tradeFrames = (count: number, symbol = 'BTCUSDT'): string[] =>
  Array.from({ length: count }, (_, n) => tradeFrame(n, {}, symbol))

export const otherFrames: Readonly<Record<string, string>> = {
  answer: '{"result":null,"id":1}',
  listing: '{"result":["btcusdt@aggTrade"],"id":3}',
  aggTrade:
    '{"stream":"bnbbtc@aggTrade","data":{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,"T":1672515782136,"m":true,"M":true}}',
  bookTicker:
    '{"stream":"bnbusdt@bookTicker","data":{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}}',
  rawBookTicker:
    '{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}',
  depth: '{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}',
  depthUpdate:
    '{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"]],"a":[["0.0026","100"]]}',
  allTickers: '{"stream":"!miniTicker@arr","data":[{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC"}]}',
  serverShutdown: '{"event":{"e":"serverShutdown","E":1770123456789}}',
}
export const errorFrame = '{"code":2,"msg":"Invalid request: too many parameters","id":1}'

export const rubbishFrames: readonly (string | Buffer)[] = [
  '',
  '{"stream":"btcusdt@trade","data":{"e":"tra',
  'null',
  '42',
  '[]',
  '{"hello":"world"}',
  '{"stream":"btcusdt@trade","data":null}',
  '{"stream":"btcusdt@trade","data":{"s":"BTCUSDT"}}',
  '\u0000\u0001\u0002',
  '['.repeat(50_000),
  Buffer.from(tradeFrame(0)),
]
