import { z } from 'zod'
import { Bar } from '../../schemas/market.ts'
import { duration } from '../../schemas/units.ts'
import { barOfText, lengthInName } from './bars.ts'
import { hasColumns, table } from './csv.ts'
import { epoch } from './epoch.ts'
import { defineFormat, type ImportedRow, ordered, venueOption } from './format.ts'

export const cryptodatadownloadCsv = defineFormat({
  name: 'cryptodatadownload_csv',
  summary: 'Candles of CryptoDataDownload: a banner, a header, newest first, a 12-hour clock.',
  kind: Bar,
  options: z.strictObject({
    ...ordered,
    venue: venueOption('coinbase'),
    every: duration().optional().describe('length of a bar; from a name such as Coinbase_BTCUSD_1h.csv, else 1h'),
  }),
  notes:
    'Stamps such as `2019-10-17 09-AM` are the start of the bar in UTC; ISO stamps are read too. Turnover is the volume column in quote units. The whole file is held in memory and turned into ascending order.',
  detects: ({ lines }) =>
    lines.some((line) => /cryptodatadownload/i.test(line)) || hasColumns(lines[0], 'date', 'volume_btc', 'volume'),
  open({ venue, every }, file) {
    const length = every ?? lengthInName(file.replaceAll('_', '-')) ?? 3.6e9
    const rows: ImportedRow[] = []
    let base: ReturnType<typeof under> | undefined
    const under = (header: string) => {
      const traded = header
        .split(',')
        .map((name) => name.trim().toLowerCase())
        .filter((name) => name.startsWith('volume'))
      const [volume = 'volume', turnover] = traded
      const columns = ['date', 'symbol', 'open', 'high', 'low', 'close', volume, ...(turnover ? [turnover] : [])]
      return table('cryptodatadownload_csv', columns, (row) => ({
        at: epoch(withHour(row['date'] as string), 'iso') + length,
        key: `${venue}:${row['symbol']}`,
        value: barOfText({
          open: row['open'],
          high: row['high'],
          low: row['low'],
          close: row['close'],
          volume: row[volume],
          turnover: turnover === undefined ? undefined : row[turnover],
        }),
      }))
    }
    return {
      line(text, number) {
        if (base === undefined && !hasColumns(text, 'open') && number === 1) return undefined
        base ??= under(text)
        const row = base(text, number)
        if (row !== undefined) rows.push(row)
        return undefined
      },
      end: () => rows.sort((a, b) => a.at - b.at),
    }
  },
  example_file: 'Coinbase_BTCUSD_1h.csv',
  example_options: {},
  example: `Timestamps are UTC timezone,https://www.CryptoDataDownload.com
date,symbol,open,high,low,close,volume_btc,volume
2024-01-01 01-PM,BTCUSD,42005,42010,42000,42008,61.25,2572990.00
2024-01-01 12-PM,BTCUSD,42000,42006,41990,42005,30.5,1281152.50`,
})

/** `2019-10-17 09-AM` as `2019-10-17T09:00`; other stamps stay. */
function withHour(text: string): string {
  const [, day, hour, half] = /^(\d{4}-\d\d-\d\d) (\d\d)-([AP]M)$/.exec(text) ?? []
  if (hour === undefined) return text
  return `${day}T${String((Number(hour) % 12) + (half === 'PM' ? 12 : 0)).padStart(2, '0')}:00`
}
