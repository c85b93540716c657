import { createHash } from 'node:crypto'
import type { Bar } from '../../schemas/market.ts'
import { RefusalCode } from '../../schemas/orders.ts'

/** Where a variant writes what it found on one edge: rows of numbers, time and symbol first. */
export class Sheet {
  data: Float64Array = new Float64Array(1 << 12)
  length = 0
  readonly width: number
  constructor(width: number) {
    this.width = width
  }
  /** Place of a new row. */
  row(at: number, symbol: number): number {
    const place = this.length
    if (place + this.width > this.data.length) this.grow()
    this.data[place] = at
    this.data[place + 1] = symbol
    this.length = place + this.width
    return place + 2
  }
  private grow(): void {
    const data = new Float64Array(this.data.length * 2)
    data.set(this.data)
    this.data = data
  }
}

const bar = ['open', 'high', 'low', 'close', 'volume', 'turnover', 'count', 'complete']
/** Money as whole 1e-8: exact in a double below 9e15. */
export const edges = {
  minute: bar,
  second: bar,
  score: ['value'],
  probabilities: ['down', 'flat', 'up'],
  signal: ['direction', 'strength', 'price'],
  refused: ['code', 'found', 'allowed'],
  fill: ['order_at', 'side', 'quantity', 'price', 'notional', 'fee'],
  position: ['quantity', 'average_price', 'realised', 'unrealised', 'fees'],
  equity: ['cash', 'equity', 'realised', 'unrealised', 'fees'],
} as const
export type EdgeName = keyof typeof edges
/** What every graph writes. */
const common: readonly EdgeName[] = ['minute', 'second', 'signal', 'refused', 'fill', 'position', 'equity']

/** Symbol number of rows that belong to the whole account. */
export const ACCOUNT = -1
export const refusalNumber: Readonly<Record<string, number>> = Object.fromEntries(
  RefusalCode.options.map((code, number) => [code, number]),
)

/** Everything a variant found in one pass. */
export class Sheets {
  readonly minute = new Sheet(2 + edges.minute.length)
  readonly second = new Sheet(2 + edges.second.length)
  readonly score = new Sheet(2 + edges.score.length)
  readonly probabilities = new Sheet(2 + edges.probabilities.length)
  readonly signal = new Sheet(2 + edges.signal.length)
  readonly refused = new Sheet(2 + edges.refused.length)
  readonly fill = new Sheet(2 + edges.fill.length)
  readonly position = new Sheet(2 + edges.position.length)
  readonly equity = new Sheet(2 + edges.equity.length)
  /** The edges a graph writes, in this order. */
  readonly names: readonly EdgeName[]
  constructor(answer: 'score' | 'probabilities' = 'score') {
    this.names = [...common, answer]
  }

  clear(): void {
    for (const edge of this.names) this[edge].length = 0
  }
  rows(edge: EdgeName): number {
    return this[edge].length / this[edge].width
  }
  /** The values of the last row. */
  last(edge: EdgeName): readonly number[] {
    const { data, length, width } = this[edge]
    return length === 0 ? [] : [...data.subarray(length - width + 2, length)]
  }
  /** Equal for two variants only when every row on every edge is equal bit for bit, in order. */
  digest(edge: EdgeName): string {
    const { data, length } = this[edge]
    return createHash('sha256')
      .update(new Uint8Array(data.buffer, 0, length * 8))
      .digest('hex')
      .slice(0, 16)
  }
}

export function putBar(sheet: Sheet, at: number, symbol: number, value: Bar): void {
  const place = sheet.row(at, symbol)
  const { data } = sheet
  data[place] = value.open
  data[place + 1] = value.high
  data[place + 2] = value.low
  data[place + 3] = value.close
  data[place + 4] = value.volume
  data[place + 5] = value.turnover
  data[place + 6] = value.count
  data[place + 7] = value.complete ? 1 : 0
}
/** The numbers of a row that comes rarely; counts of 1e-8 may be bigints. */
export function put(sheet: Sheet, at: number, symbol: number, ...values: readonly (number | bigint)[]): void {
  const place = sheet.row(at, symbol)
  for (let i = 0; i < values.length; i++) sheet.data[place + i] = Number(values[i])
}
