import { z } from 'zod'
import type { Kind } from '../../schemas/kind.ts'
import { Bar, Quote, Trade } from '../../schemas/market.ts'
import { aggressorOfTaker, price, size, tradeNumber, volume } from './decimal.ts'
import { epoch, type Unit, unitOf } from './epoch.ts'
import {
  defineFormat,
  type Format,
  type ImportedRow,
  notThisFormat,
  ordered,
  refuse,
  shown,
  symbolOption,
  venueOption,
} from './format.ts'

type Row = Readonly<Record<string, unknown>>
/** The text of a field of the kind; undefined when its column is not there or empty. */
type Field = (name: string) => string | undefined

const usualTimes = ['at', 'time', 'timestamp', 'ts', 'date']
const column = (what: string) => z.string().min(1).optional().describe(`the column of ${what}`)

/** The fields a file must have; the others can be told from these, or are 0. */
const neededOf = (kind: string, fields: readonly string[]) => fields.slice(0, kind === 'bar' ? 4 : 2)

/** Rows of a Parquet file, one message each; which column holds what is told by options. */
function parquet(
  kind: Kind<string, ImportedRow['value']>,
  value: (field: Field) => ImportedRow['value'],
  example: string,
): Format {
  const fields = Object.keys((kind.schema as unknown as z.ZodObject).shape)
  const name = `parquet_${kind.kind}s`
  const needed = neededOf(kind.kind, fields)
  return defineFormat({
    name,
    summary: `Rows of a Parquet file as ${kind.kind}s, with any names of columns.`,
    kind,
    options: z.strictObject({
      ...ordered,
      time: column(`event times; else the first there is of ${usualTimes.join(', ')}`),
      unit: z
        .enum(['s', 'ms', 'us', 'ns', 'iso'])
        .optional()
        .describe('unit of times that are no timestamps; by their length if left out'),
      key: z.string().min(1).default('key').describe('the column of instruments as venue:SYMBOL, where there is one'),
      symbol_column: z.string().min(1).default('symbol').describe('the column of symbols, where there is one'),
      symbol: symbolOption.optional(),
      venue: venueOption('parquet'),
      ...Object.fromEntries(fields.map((field) => [field, column(`\`${field}\`, if it has another name`)])),
    }),
    notes: `Needs the package @duckdb/node-api. Timestamps are taken to the µs. ${fields.filter((field) => !needed.includes(field)).join(', ')} may be left out. \`import parquet\` finds by the columns whether a file holds trades, quotes or bars. The example shows the rows as JSON.`,
    detects: ({ file, lines }) =>
      file.endsWith('.parquet') && needed.every((field) => lines[0]?.includes(`"${field}"`)),
    open(options) {
      const { unit, symbol, venue } = options
      const columnOf = options as unknown as Readonly<Record<string, string | undefined>>
      let time = options.time
      return {
        line(text, number) {
          const row = parsed(text)
          if (number === 1)
            expectColumns(
              name,
              row,
              time,
              needed.map((field) => columnOf[field] ?? field),
            )
          time ??=
            usualTimes.find((usual) => usual in row) ??
            notThisFormat(
              name,
              `expected a column of times: one of ${usualTimes.join(', ')}, or the option time`,
              number,
            )
          const key = cell(row, options.key)
          return {
            at: timeOf(cell(row, time), unit),
            key: key ?? `${venue}:${symbol ?? cell(row, options.symbol_column) ?? noInstrument(options)}`,
            value: value((field) => cell(row, columnOf[field] ?? field)),
          }
        },
      }
    },
    example_file: `${kind.kind}s.parquet`,
    example_options: {},
    example,
  })
}

function parsed(text: string): Row {
  try {
    const row: unknown = JSON.parse(text)
    if (typeof row === 'object' && row !== null) return row as Row
  } catch {
    // Said below.
  }
  return refuse(`expected a row as a JSON object, found ${shown(text)}`)
}

function expectColumns(format: string, row: Row, time: string | undefined, needed: readonly string[]): void {
  const missing = [...needed, ...(time === undefined ? [] : [time])].filter((name) => !(name in row))
  if (missing.length > 0)
    notThisFormat(format, `expected columns ${missing.join(', ')}, found ${Object.keys(row).join(', ')}`)
}

function cell(row: Row, name: string): string | undefined {
  const value = Object.hasOwn(row, name) ? row[name] : undefined
  return value === null || value === undefined ? undefined : String(value)
}

function timeOf(text: string | undefined, unit: Unit | undefined): number {
  return epoch(text, unit ?? unitOf(text))
}

const noInstrument = ({ key, symbol_column }: { readonly key: string; readonly symbol_column: string }) =>
  refuse(`expected an instrument in column ${key} or ${symbol_column}, found neither; or give the option symbol`)

const sides: Readonly<Record<string, -1 | 0 | 1>> = { '1': 1, '-1': -1, '0': 0, b: 1, s: -1 }
const optional = (text: string | undefined, what: string) => (text === undefined ? 0 : volume(text, what))

export const parquetTrades = parquet(
  Trade,
  (field) => {
    const side = field('side')?.toLowerCase() ?? ''
    return {
      price: price(field('price')),
      size: size(field('size')),
      side: sides[side] ?? aggressorOfTaker(side),
      id: tradeNumber(field('id')),
    }
  },
  `{"at":"1704067200000000","key":"binance:BTCUSDT","price":42000.01,"size":0.25,"side":-1,"id":7.0}
{"at":"1704067201500000","key":"binance:BTCUSDT","price":42000.02,"size":0.5,"side":1,"id":8.0}`,
)
export const parquetQuotes = parquet(
  Quote,
  (field) => ({
    bid: price(field('bid'), 'bid'),
    ask: price(field('ask'), 'ask'),
    bid_size: optional(field('bid_size'), 'size at the bid'),
    ask_size: optional(field('ask_size'), 'size at the ask'),
  }),
  `{"at":"1704067200000000","key":"binance:BTCUSDT","bid":42000.01,"ask":42000.02,"bid_size":1.5,"ask_size":2.0}
{"at":"1704067201500000","key":"binance:BTCUSDT","bid":42000.0,"ask":42000.02,"bid_size":0.5,"ask_size":2.0}`,
)
export const parquetBars = parquet(
  Bar,
  (field) => {
    const [open, high, low, close] = (['open', 'high', 'low', 'close'] as const).map((name) => price(field(name), name))
    const bar = { open: open as number, high: high as number, low: low as number, close: close as number }
    const traded = optional(field('volume'), 'volume')
    const turnover = field('turnover')
    return {
      ...bar,
      volume: traded,
      turnover: turnover === undefined ? (traded * (bar.high + bar.low + bar.close)) / 3 : volume(turnover, 'turnover'),
      count: optional(field('count'), 'count'),
      complete: field('complete') !== 'false',
    }
  },
  `{"at":"1704067260000000","key":"binance:BTCUSDT","open":42000.0,"high":42010.0,"low":41990.0,"close":42005.0,"volume":12.5}
{"at":"1704067320000000","key":"binance:BTCUSDT","open":42005.0,"high":42020.0,"low":42005.0,"close":42020.0,"volume":3.5,"turnover":147050.0,"count":95,"complete":true}`,
)

/** The format that finds its columns in a row of a Parquet file, under their own names or those the options give. */
export function parquetFormatOf(row: string, options: Readonly<Record<string, string>>): Format | undefined {
  const columns = parsed(row)
  return [parquetQuotes, parquetBars, parquetTrades].find(({ kind }) =>
    neededOf(kind.kind, Object.keys((kind.schema as unknown as z.ZodObject).shape)).every(
      (field) => (options[field] ?? field) in columns,
    ),
  )
}
