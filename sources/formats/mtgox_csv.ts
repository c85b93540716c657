import { z } from 'zod'
import { Trade } from '../../schemas/market.ts'
import { hasColumns, table } from './csv.ts'
import { price, size } from './decimal.ts'
import { epoch } from './epoch.ts'
import { defineFormat, ordered, refuse, shown, symbolOption, venueOption } from './format.ts'

export const mtgoxCsv = defineFormat({
  name: 'mtgox_csv',
  summary: 'Trades of Mt.Gox, with whole seconds.',
  kind: Trade,
  options: z.strictObject({ ...ordered, venue: venueOption('mtgox'), symbol: symbolOption.default('BTCUSD') }),
  notes:
    'The layout of the April 2013 trades of github.com/jheusser/vpin: t, d.price_int (USD), d.amount_int (BTC), d.type_str (0 bought, 1 sold). Many trades share a second and keep the order of the file. Small amounts are written like 3e-07.0, which no number parser takes: the trailing .0 is dropped.',
  detects: ({ lines }) => hasColumns(lines[0], 't', 'd.price_int', 'd.amount_int', 'd.type_str'),
  open({ venue, symbol }) {
    const key = `${venue}:${symbol}`
    return {
      line: table('mtgox_csv', ['t', 'd.price_int', 'd.amount_int', 'd.type_str'] as const, (row) => ({
        at: epoch(row.t, 'iso'),
        key,
        value: {
          price: price(row['d.price_int']),
          size: size(row['d.amount_int'].replace(/(e-?\d+)\.0$/, '$1')),
          side: sideOf(row['d.type_str']),
          id: 0,
        },
      })),
    }
  },
  example_file: 'april_trades.csv',
  example_options: {},
  example: `t,d.price_int,d.amount_int,d.type_str,d.currency,d.properties
2013-04-15 21:45:35+00:00,79.2,4.25,1,USD,limit
2013-04-15 21:45:36+00:00,79.3,3e-07.0,0,USD,"limit,mixed_currency"`,
})

function sideOf(type: string): -1 | 1 {
  if (type === '0') return 1
  if (type === '1') return -1
  return refuse(`expected the type 0 or 1, found ${shown(type)}`)
}
