import { z } from 'zod'
import { TidegateError } from '../../schemas/errors.ts'
import { Bar } from '../../schemas/market.ts'
import { duration } from '../../schemas/units.ts'
import { barOfText, lengthInName } from './bars.ts'
import { named, table } from './csv.ts'
import { epoch, type Unit, unitOf } from './epoch.ts'
import { defineFormat, type ImportedRow, notThisFormat, ordered, symbolOption, venueOption } from './format.ts'

/** Names of the time column, and the unit where the name tells it. */
const timeColumns: Readonly<Record<string, Unit | undefined>> = {
  ts_s: 's',
  ts_ms: 'ms',
  ts_us: 'us',
  ts_ns: 'ns',
  timestamp: undefined,
  ts: undefined,
  time: undefined,
  date: undefined,
  datetime: undefined,
  open_time: undefined,
  '': undefined,
}
const prices = ['open', 'high', 'low', 'close', 'volume'] as const
const timeColumn = (names: readonly string[]) => names.find((name) => Object.hasOwn(timeColumns, name))

export const ohlcvCsv = defineFormat({
  name: 'ohlcv_csv',
  summary: 'Candles under a header that names time, open, high, low, close and volume, in any order and case.',
  kind: Bar,
  options: z.strictObject({
    ...ordered,
    venue: venueOption('file'),
    symbol: symbolOption,
    unit: z
      .enum(['s', 'ms', 'us', 'ns', 'iso'])
      .optional()
      .describe('unit of the stamps; from the name of the column or the length of the stamp if left out'),
    stamp: z.enum(['open', 'close']).default('open').describe('whether a stamp is the start of its bar or its end'),
    every: duration()
      .optional()
      .describe('length of a bar; from a name such as BTCUSD-1m.csv, or 1d for stamps that are days, if left out'),
  }),
  notes:
    'The time column is called timestamp, ts, ts_s, ts_ms, ts_us, ts_ns, time, date, datetime or open_time, or has no name. Columns turnover (or quote_volume) and count are read where present; else turnover is volume x (high + low + close) / 3. Bars are stamped with their end. A file whose second row is older than its first is held in memory and turned round; all others stream.',
  detects: ({ lines }) => {
    const names = named(lines[0] ?? '')
    return timeColumn(names) !== undefined && prices.every((name) => names.includes(name))
  },
  open({ venue, symbol, unit, stamp, every }, file) {
    const key = `${venue}:${symbol}`
    const length = every ?? lengthInName(file)
    const held: ImportedRow[] = []
    let order: 'unknown' | 'ascending' | 'descending' = 'unknown'
    let read: ((line: string, number: number) => ImportedRow | undefined) | undefined
    const under = (header: string, number: number) => {
      const names = named(header)
      const time = timeColumn(names)
      if (time === undefined)
        return notThisFormat(
          'ohlcv_csv',
          `expected a header with a time column, found ${names.slice(0, 8).join(',')}`,
          number,
        )
      const turnover = names.find((name) => name === 'turnover' || name === 'quote_volume')
      const count = names.find((name) => name === 'count')
      const columns = [time, ...prices, ...(turnover ? [turnover] : []), ...(count ? [count] : [])]
      return table('ohlcv_csv', columns, (row): ImportedRow => {
        const text = row[time] as string
        const at = epoch(text, unit ?? timeColumns[time] ?? unitOf(text))
        return {
          at: stamp === 'close' ? at : at + (length ?? lengthOf(text)),
          key,
          value: barOfText({
            open: row['open'],
            high: row['high'],
            low: row['low'],
            close: row['close'],
            volume: row['volume'],
            turnover: turnover === undefined ? undefined : row[turnover],
            count: count === undefined ? undefined : row[count],
          }),
        }
      })
    }
    return {
      line(text, number) {
        read ??= under(text, number)
        const row = read(text, number)
        if (row === undefined || order === 'ascending') return row
        held.push(row)
        if (order === 'unknown' && held.length === 2)
          order = row.at < (held[0] as ImportedRow).at ? 'descending' : 'ascending'
        return order === 'ascending' ? held.splice(0) : undefined
      },
      end: () => held.sort((a, b) => a.at - b.at),
    }
  },
  example_file: 'BTCUSD-1m.csv',
  example_options: { symbol: 'BTCUSD' },
  example: `ts_ms,open,close,high,low,volume
1704067200000,42000,42005,42010,41990,5.13326771
1704067260000,42005,42001,42006,42001,15.53608162`,
})

/** A stamp that is only a day can only be a daily bar. */
function lengthOf(stamp: string): number {
  if (/^\d{4}-\d\d-\d\d$/.test(stamp)) return 8.64e10
  throw new TidegateError(
    'PARAMS_INVALID',
    'options of ohlcv_csv: the file does not tell the length of a bar; give every, such as 1m',
    { format: 'ohlcv_csv', option: 'every' },
  )
}
