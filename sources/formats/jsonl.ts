import { z } from 'zod'
import type { Kind } from '../../schemas/kind.ts'
import { Bar, Quote, Trade } from '../../schemas/market.ts'
import { parseTime } from '../../schemas/units.ts'
import { defineFormat, type Format, type ImportedRow, ordered, refuse, shown } from './format.ts'

const Line = z.looseObject({
  at: z.union([z.number(), z.string()]),
  key: z.string(),
  value: z.record(z.string(), z.unknown()).optional(),
})

/** One market message a line: its event time, its instrument and the fields of its kind. */
function jsonl<T extends ImportedRow['value']>(
  kind: Kind<string, T>,
  usual: (value: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
  example: string,
): Format {
  const fields = Object.keys((kind.schema as unknown as z.ZodObject).shape)
  const name = `jsonl_${kind.kind}s`
  return defineFormat({
    name,
    summary: `JSON lines, one ${kind.kind} each: {"at": ..., "key": "venue:SYMBOL", ${fields.map((f) => `"${f}"`).join(', ')}}.`,
    kind,
    options: z.strictObject({ ...ordered }),
    notes:
      'Event time `at` is µs since 1970 or ISO text. The fields of the kind stand beside it or in an object `value`; other fields are passed over, and so is a line whose `kind` names another kind.',
    detects: ({ lines }) => {
      const [first = ''] = lines
      return /^\s*\{/.test(first) && /"at"\s*:/.test(first) && fields.slice(0, 1).every((f) => first.includes(`"${f}"`))
    },
    open: () => ({
      line(text) {
        const line = Line.safeParse(parsed(text))
        if (!line.success) refuse(`expected an object with at and key, found ${shown(text)}`)
        if (line.data['kind'] !== undefined && line.data['kind'] !== kind.kind) return undefined
        const at = typeof line.data.at === 'number' ? line.data.at : parseTime(line.data.at)
        const given = line.data.value ?? line.data
        const value = z.safeParse(kind.schema, { ...usual(given), ...given })
        if (!value.success)
          refuse(value.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '))
        return {
          at: at ?? refuse(`expected a time, found ${shown(String(line.data.at))}`),
          key: line.data.key,
          value: value.data,
        }
      },
    }),
    example_file: `${kind.kind}s.jsonl`,
    example_options: {},
    example,
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return refuse(`expected one JSON object, found ${shown(text)}`)
  }
}

export const jsonlTrades = jsonl(
  Trade,
  () => ({ side: 0, id: 0 }),
  `{"at":1704067200000000,"key":"binance:BTCUSDT","price":42000.01,"size":0.25,"side":-1,"id":7}
{"at":"2024-01-01T00:00:01.5Z","key":"binance:BTCUSDT","price":42000.02,"size":0.5}`,
)
export const jsonlQuotes = jsonl(
  Quote,
  () => ({ bid_size: 0, ask_size: 0 }),
  `{"at":1704067200000000,"key":"binance:BTCUSDT","bid":42000.01,"ask":42000.02,"bid_size":1,"ask_size":2}
{"at":"2024-01-01T00:00:01.5Z","key":"binance:BTCUSDT","bid":42000,"ask":42000.02}`,
)
export const jsonlBars = jsonl(
  Bar,
  ({ high, low, close, volume }) => ({
    turnover: (Number(volume) * (Number(high) + Number(low) + Number(close))) / 3,
    count: 0,
    complete: true,
  }),
  `{"at":1704067260000000,"key":"binance:BTCUSDT","open":42000,"high":42010,"low":41990,"close":42005,"volume":12.5}
{"at":"2024-01-01T00:02:00Z","key":"binance:BTCUSDT","open":42005,"high":42020,"low":42005,"close":42020,"volume":3.5,"turnover":147050,"count":95,"complete":true}`,
)
