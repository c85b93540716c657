// Frames for tests, written after the payloads on bybit-exchange.github.io/docs/v5/websocket (2026).

export const frameTime = 1_672_304_486_865
type Fields = Readonly<Record<string, unknown>>
export type LevelText = readonly [price: string, size: string]

export const push = (topic: string, data: unknown, more: Fields = {}): string =>
  JSON.stringify({ topic, type: 'snapshot', ts: frameTime + 3, ...more, data })

export const tradeOf = (n: number, fields: Fields = {}, s = 'BTCUSDT') => ({
  ...{ T: frameTime + n, s, S: 'Buy', v: '0.001', p: '16578.50', L: 'PlusTick' },
  ...{ i: '20f43950-d8dd-5b31-9112-a178eb6023af', BT: false, seq: 1_783_284_617, ...fields },
})
/** The n-th trade of a symbol: its time goes on with it. */
export const tradeFrame = (n: number, fields: Fields = {}, s = 'BTCUSDT'): string =>
  push(`publicTrade.${s}`, [tradeOf(n, fields, s)])

interface BookFields {
  readonly depth?: number
  readonly type?: 'snapshot' | 'delta'
  readonly b?: readonly LevelText[]
  readonly a?: readonly LevelText[]
  readonly seq?: number
}
/** A message of a book whose best prices are 16493.50 and 16611.00, made at time n by the matching engine. */
export const bookFrame = (n: number, u: number, fields: BookFields = {}): string => {
  const { depth = 50, type = 'snapshot' } = fields
  const { b = type === 'snapshot' ? [['16493.50', '0.006'] as const] : [], seq = 7_961_638_724 + n } = fields
  const { a = type === 'snapshot' ? [['16611.00', '0.029'] as const] : [] } = fields
  return push(`orderbook.${depth}.BTCUSDT`, { s: 'BTCUSDT', b, a, u, seq }, { type, cts: frameTime + n })
}

export const barStart = 1_672_324_800_000
export const barOf = (n: number, confirm = true, minutes = 1) => ({
  ...{ start: barStart + n * minutes * 60_000, end: barStart + (n + 1) * minutes * 60_000 - 1, interval: '1' },
  ...{ open: '16649.5', close: '16677', high: '16677', low: '16608', volume: '2.081', turnover: '34666.4005' },
  ...{ confirm, timestamp: barStart + n * minutes * 60_000 + 5 },
})
export const barFrame = (n: number, confirm = true): string => push('kline.1.BTCUSDT', [barOf(n, confirm)])

export const subscribedFrame =
  '{"success":true,"ret_msg":"subscribe","conn_id":"2324d924","req_id":"publicTrade.BTCUSDT","op":"subscribe"}'
export const pongFrames = [
  '{"success":true,"ret_msg":"pong","conn_id":"0970e817","op":"ping"}',
  '{"success":true,"ret_msg":"pong","conn_id":"465772b1","req_id":"","op":"ping"}',
  '{"args":["1672916271846"],"op":"pong"}',
]
export const refusedFrames = [
  '{"success":false,"ret_msg":"Invalid symbol :[publicTrade.BTCUSTD]","conn_id":"c","op":"subscribe"}',
  '{"success":false,"ret_msg":"error:handler not found,topic:publicTrade.BTCUSTD","conn_id":"c","req_id":"","op":"subscribe"}',
  '{"success":false,"ret_msg":"not today","conn_id":"c","req_id":"publicTrade.BTCUSTD","op":"subscribe"}',
]
export const rubbishFrames: readonly (string | Buffer)[] = [
  ...['', '{"topic":"publicTrade.BTC', 'null', '42', '[]', '{"hello":"world"}', '['.repeat(50_000), 'pong'],
  Buffer.from(tradeFrame(0)),
]
