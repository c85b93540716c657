import { z } from 'zod'
import { Trade } from '../../schemas/market.ts'
import { aggressorOfTaker, price, size, tradeNumber } from './decimal.ts'
import { epoch } from './epoch.ts'
import {
  attempt,
  defineFormat,
  type Imported,
  type ImportedRow,
  notThisFormat,
  ordered,
  refuse,
  shown,
  symbolOption,
  symbolUnknown,
  venueOption,
} from './format.ts'

const number = z.union([z.number(), z.string()]).transform(String)
const Row = z.tuple([number, z.unknown(), z.unknown(), z.string().nullable(), number, number], z.unknown())
const fileName = /(?:^|\/)([A-Z0-9]+)_([A-Z0-9]+)-trades\.json/

export const ccxtTradesJson = defineFormat({
  name: 'ccxt_trades_json',
  summary: 'A JSON array of trades [ms, id, type, side, price, amount, cost], as freqtrade keeps what ccxt gave it.',
  kind: Trade,
  options: z.strictObject({
    ...ordered,
    venue: venueOption('ccxt'),
    symbol: symbolOption
      .optional()
      .describe('second half of the instrument; XRP/ETH from the name XRP_ETH-trades.json if left out'),
  }),
  notes:
    'The whole array is read into memory. The side is that of the taker. Invalid rows are counted as entries, from 1.',
  detects: ({ file, lines }) => fileName.test(file) || /^\[\[\d{13},\s*"?\w+"?,/.test(lines[0] ?? ''),
  open({ venue, symbol }, file) {
    const [, base, quote] = fileName.exec(file) ?? []
    const key = `${venue}:${symbol ?? (base === undefined ? symbolUnknown('ccxt_trades_json') : `${base}/${quote}`)}`
    const lines: string[] = []
    return {
      line(text) {
        lines.push(text)
        return undefined
      },
      end: () => rowsOf(lines.join('\n'), key),
    }
  },
  example_file: 'BTC_USDT-trades.json',
  example_options: { venue: 'binance' },
  example: `[[1704067200000,"7",null,"sell",42000.02,0.25,10500.005],
[1704067200000,"8",null,"sell",42000.01,0.5,21000.005],
[1704067201000,"9",null,"buy",42000.02,0.1,4200.002]]`,
})

function rowsOf(text: string, key: string): readonly Imported[] {
  let entries: unknown
  try {
    entries = text === '' ? [] : JSON.parse(text)
  } catch {
    return notThisFormat('ccxt_trades_json', 'expected one JSON array')
  }
  if (!Array.isArray(entries)) return notThisFormat('ccxt_trades_json', 'expected one JSON array')
  return entries.map((entry: unknown, i) => attempt(i + 1, () => rowOf(entry, key)))
}

function rowOf(entry: unknown, key: string): ImportedRow {
  const row = Row.safeParse(entry)
  if (!row.success) refuse(`expected [ms, id, type, side, price, amount, cost], found ${shown(JSON.stringify(entry))}`)
  const [at, id, , side, paid, amount] = row.data
  const value = {
    price: price(paid),
    size: size(amount, 'amount'),
    side: aggressorOfTaker(side ?? ''),
    id: tradeNumber(typeof id === 'number' ? String(id) : typeof id === 'string' ? id : undefined),
  }
  return { at: epoch(at, 'ms'), key, value }
}
