/** Number of the first trade of every symbol: ten digits, and so are those that follow. */
export const FIRST_ID = 1_000_000_000

export const symbolName = (symbol: number): string => `T${String(symbol).padStart(3, '0')}USDT`

/** A trade is a function of its symbol and its number, so that whoever gets one can tell that it is whole. */
const centsOf = (symbol: number, id: number): number => 5_000_000 + ((symbol * 977 + (id - FIRST_ID) * 31) % 1_000_000)
const sizeOf = (symbol: number, id: number): number => 1 + ((symbol + (id - FIRST_ID) * 17) % 9998)
/** Whether the aggressor sold. */
const soldOf = (id: number): boolean => id % 3 === 0
export function tradeOf(symbol: number, id: number) {
  const price = centsOf(symbol, id) / 100
  return { price, size: sizeOf(symbol, id) / 10_000, side: soldOf(id) ? -1 : 1, id } as const
}
/** As the venue spells them. */
export const textsOf = (symbol: number, id: number) => {
  const { price, size } = tradeOf(symbol, id)
  return { price: price.toFixed(8), size: size.toFixed(8), sold: soldOf(id) }
}

/** Digits of a number, the last at `end`. */
function digits(bytes: Buffer, end: number, count: number, number: number): void {
  let rest = number
  for (let at = end; at > end - count; at--) {
    const tens = Math.floor(rest / 10)
    bytes[at] = 48 + rest - tens * 10
    rest = tens
  }
}

/** A message with room for the digits, and where the last of each number stands. */
interface Mould {
  readonly bytes: Buffer
  readonly id: number
  readonly cents: number
  readonly whole: number
  readonly size: number
  readonly sent: number
  readonly time: number
}
function mould(symbol: number, sold: boolean): Mould {
  const name = symbolName(symbol)
  const id = '#'.repeat(10)
  const time = '#'.repeat(13)
  // Field order and widths: developers.binance.com, Spot, WebSocket Streams, "Trade Streams" (2026-11).
  const fields = `"e":"trade","E":${time},"s":"${name}","t":${id},"p":"#####.##000000","q":"0.####0000","T":${time},"m":${sold},"M":true`
  const text = `{"stream":"${name.toLowerCase()}@trade","data":{${fields}}}`
  const bytes = Buffer.alloc(4 + text.length)
  bytes.set([0x81, 126])
  bytes.writeUInt16BE(text.length, 2)
  bytes.write(text, 4)
  const after = (field: string) => 4 + text.indexOf(field) + field.length
  const price = after('"p":"')
  return {
    bytes,
    id: after('"t":') + 9,
    whole: price + 4,
    cents: price + 7,
    size: after('"q":"') + 5,
    sent: after('"E":') + 12,
    time: after('"T":') + 12,
  }
}

/** Writes trades as Binance sends them in a combined stream, WebSocket frame and all: some 150 ns each. */
export class TradeMaker {
  /** Bytes of the largest message. */
  readonly largest: number
  private readonly moulds: readonly (readonly [bought: Mould, sold: Mould])[]

  constructor(symbols: number) {
    this.moulds = Array.from({ length: symbols }, (_, n) => [mould(n, false), mould(n, true)] as const)
    this.largest = Math.max(...this.moulds.flat().map(({ bytes }) => bytes.length))
  }

  /** Writes one trade at `from` and says where it ends. `time` is in ms. */
  write(into: Buffer, from: number, symbol: number, id: number, time: number): number {
    const { bytes, ...at } = this.moulds[symbol]![soldOf(id) ? 1 : 0]
    into.set(bytes, from)
    const cents = centsOf(symbol, id)
    digits(into, from + at.sent, 13, time)
    digits(into, from + at.time, 13, time)
    digits(into, from + at.id, 10, id)
    digits(into, from + at.whole, 5, Math.floor(cents / 100))
    digits(into, from + at.cents, 2, cents % 100)
    digits(into, from + at.size, 4, sizeOf(symbol, id))
    return from + bytes.length
  }
}
