// Frames for tests, written after the payloads on www.okx.com/docs-v5/en (2026-08).

export const frameTime = 1_630_048_897_897
type Fields = Readonly<Record<string, unknown>>
export type LevelText = readonly [price: string, size: string, deprecated: string, orders: string]
export const level = (price: string, size: string): LevelText => [price, size, '0', '1']

export const push = (channel: string, instId: string, data: readonly unknown[], more: Fields = {}): string =>
  JSON.stringify({ arg: { channel, instId }, ...more, data })

export const tradeOf = (n: number, fields: Fields = {}, instId = 'BTC-USDT') => ({
  ...{ instId, tradeId: String(130_639_474 + n), px: '42219.9', sz: '0.12060306', side: 'buy' },
  ...{ ts: String(frameTime + n), source: '0', ...fields },
})
/** The n-th trade of an instrument: numbers and times go on with it. */
export const tradeFrame = (n: number, fields: Fields = {}, instId = 'BTC-USDT', channel = 'trades-all'): string =>
  push(channel, instId, [tradeOf(n, fields, instId)])
export const tradeFrames = (count: number): string[] => Array.from({ length: count }, (_, n) => tradeFrame(n))

export const quoteFrame = (n: number, fields: Fields = {}): string => {
  const quote = { asks: [level('111.06', '55154')], bids: [level('111.05', '57745')], ts: String(frameTime + n) }
  return push('bbo-tbt', 'BTC-USDT', [{ ...quote, seqId: 363_996_337 + n, ...fields }])
}

/** A book whose best prices are 8476.97 and 8476.98. */
export const bookOf = (n: number, seqId: number, fields: Fields = {}) => ({
  asks: [level('8476.98', '415'), level('8477', '7')],
  bids: [level('8476.97', '256'), level('8475.55', '101')],
  ...{ ts: String(frameTime + n), checksum: 0, prevSeqId: -1, seqId, ...fields },
})
export const wholeBookFrame = (n: number, seqId: number, fields: Fields = {}): string =>
  push('books', 'BTC-USDT', [bookOf(n, seqId, fields)], { action: 'snapshot' })
export const bookChangeFrame = (n: number, [prevSeqId, seqId]: readonly [number, number], fields: Fields = {}) =>
  push('books', 'BTC-USDT', [bookOf(n, seqId, { asks: [], bids: [], prevSeqId, ...fields })], { action: 'update' })

const minute = 60_000
export const barStart = Math.floor(frameTime / minute) * minute
/** The n-th bar of a minute; unfinished ones say `0` at the end. */
export const barOf = (n: number, confirm: '0' | '1' = '1', length = minute): readonly string[] => {
  const start = Math.floor(frameTime / length) * length + n * length
  return [String(start), '8533.02', '8553.74', '8527.17', '8548.26', '45.25', '386521.1', '386520.9', confirm]
}
export const barFrame = (n: number, confirm: '0' | '1' = '1', instId = 'BTC-USDT'): string =>
  push('candle1m', instId, [barOf(n, confirm)])

export const subscribedFrame =
  '{"id":"1512","event":"subscribe","arg":{"channel":"trades-all","instId":"BTC-USDT"},"connId":"a4d3ae55"}'
export const refusedFrame =
  '{"event":"error","code":"60018","msg":"Wrong URL or channel:trades-all,instId:BTC-USTD doesn\'t exist. Please use the correct URL, channel and parameters referring to API document.","connId":"a4d3ae55"}'
export const upgradeFrame =
  '{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":"a4d3ae55"}'
export const rubbishFrames: readonly (string | Buffer)[] = [
  ...['', '{"arg":{"channel":"trades-all","in', 'null', '42', '[]', '{"hello":"world"}', '['.repeat(50_000)],
  ...['{"arg":{"channel":"books"}}', '{"arg":null,"data":[]}', 'ping', Buffer.from(tradeFrame(0))],
]
