import { expect, test } from 'vitest'
import { parseTime } from '../../schemas/units.ts'
import { formatNamed } from './catalogue.ts'
import { fields } from './csv.ts'
import { decimal } from './decimal.ts'
import { epoch, unitOf } from './epoch.ts'
import { type ImportedRow, isInvalid } from './format.ts'

async function read(name: string, text: string, options: unknown = {}, file = '') {
  const rows: ImportedRow[] = []
  const invalid: string[] = []
  for await (const block of formatNamed(name).rows([text.split('\n')], options, file))
    for (const item of block)
      if (isInvalid(item)) invalid.push(`${item.invalid.line}: ${item.invalid.reason}`)
      else rows.push(item)
  return { rows, invalid, values: rows.map(({ value }) => value) }
}
const at = (text: string) => parseTime(text) as number

test('takes stamps in s, ms, µs and ns to the same µs, and cuts off what is finer', () => {
  expect(epoch('1625097621.647', 's')).toBe(1_625_097_621_647_000)
  expect(epoch('1366463464.594167', 's')).toBe(1_366_463_464_594_167)
  expect(epoch('1527109200.0', 's')).toBe(1_527_109_200_000_000)
  expect(epoch('1625097621647.5', 'ms')).toBe(1_625_097_621_647_500)
  expect(epoch('1625097621647001', 'us')).toBe(1_625_097_621_647_001)
  expect(epoch('1723161254087896568', 'ns')).toBe(1_723_161_254_087_896)
  expect(['1625097621', '1625097621647', '1625097621647001', '1723161254087896568'].map(unitOf)).toEqual([
    's',
    'ms',
    'us',
    'ns',
  ])
})

test('refuses a stamp in the wrong unit rather than moving it to 1970 or far ahead', () => {
  expect(() => epoch('1625097621', 'ms')).toThrow('expected a time in ms after 1990, found "1625097621"')
  expect(() => epoch('1625097621647', 's')).toThrow('expected a time in s')
  expect(() => epoch('', 'iso')).toThrow('expected a time as ISO text')
})

test('takes decimals as written, and nothing else for a number', () => {
  expect(decimal('79.200000000000003', 'price')).toBe(79.2)
  expect(decimal('3.844E-5', 'size')).toBe(0.00003844)
  for (const text of ['', ' 1', '0x10', 'Infinity', '1_000', '3e-07.0', '.'])
    expect(() => decimal(text, 'price')).toThrow()
})

test('splits quoted fields', () => {
  expect(fields('a,"b,c","d ""e""",')).toEqual(['a', 'b,c', 'd "e"', ''])
  expect(() => fields('a,"b')).toThrow('closing quote')
})

test('takes the seller for the aggressor when the buyer made', async () => {
  const { rows } = await read('binance_public_trades', '7,42000.01,0.25,1,1704067200000,True,True', {
    symbol: 'BTCUSDT',
  })
  expect(rows).toEqual([
    {
      at: at('2024-01-01'),
      key: 'binance:BTCUSDT',
      value: { price: 42000.01, size: 0.25, side: -1, id: 7 },
    },
  ])
})

test('reads public Binance files in ms and µs, with and without a header, and their symbol from the name', async () => {
  const spot = '7,42000.01,0.25,1,1735689600010866,False,True'
  const futures = 'id,price,qty,quote_qty,time,is_buyer_maker\n7,42000.01,0.25,1,1735689600010,false'
  const [micros, millis] = [
    await read('binance_public_trades', spot, {}, 'data/BTCUSDT-trades-2025-01-01.csv'),
    await read('binance_public_trades', futures, {}, 'ETHUSDT-trades-2025-01-01.csv'),
  ]
  expect(micros.rows).toMatchObject([{ at: 1735689600010866, key: 'binance:BTCUSDT', value: { side: 1 } }])
  expect(millis.rows).toMatchObject([{ at: 1735689600010000, key: 'binance:ETHUSDT' }])
  await expect(read('binance_public_trades', spot)).rejects.toMatchObject({ code: 'PARAMS_INVALID' })
})

test('leaves out USD-M prints that no market order made, and can be told not to', async () => {
  const print = (t: number, price: string, X: string) =>
    `1704067200001000000 {"stream":"btcusdt@trade","data":{"e":"trade","E":1704067200000,"T":1704067200000,"s":"BTCUSDT","t":${t},"p":"${price}","q":"1","X":"${X}","m":false}}`
  const frames = [print(1, '42000', 'MARKET'), print(2, '41000', 'INSURANCE_FUND'), print(3, '0', 'NA')].join('\n')
  expect((await read('binance_raw_trades', frames)).values).toMatchObject([{ id: 1 }])
  const all = await read('binance_raw_trades', frames, { market_only: 'false' })
  expect(all.values).toMatchObject([{ id: 1 }, { id: 2 }])
  expect(all.invalid).toEqual(['3: expected a price above 0, found "0"'])
})

test("stamps a quote without a time by the exchange's clock, not by a recorder's that is behind", async () => {
  const quote = (ns: string) =>
    `${ns} {"stream":"btcusdt@bookTicker","data":{"u":2,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"2"}}`
  const trade = (ns: string, sent: number) =>
    `${ns} {"stream":"btcusdt@trade","data":{"e":"trade","E":${sent},"s":"BTCUSDT","t":1,"p":"1","q":"1","T":${sent},"m":true}}`
  const frames = [
    quote('1704067200000000000'),
    trade('1704067200001000000', 1704067201001),
    quote('1704067200002000000'),
    trade('1704067200003000000', 1704067201001),
    quote('1704067200003500000'),
  ].join('\n')
  const { rows } = await read('binance_raw_quotes', frames)
  const start = at('2024-01-01')
  // One second ahead, then 998 ms: the third quote must not run back before the second.
  expect(rows.map((row) => row.at - start)).toEqual([1_000_000, 1_002_000, 1_002_000])
  const byReceipt = await read('binance_raw_quotes', frames, { time: 'receive' })
  expect(byReceipt.rows.map((row) => row.at - start)).toEqual([0, 2000, 3500])
})

test('explains rows that are not in order, numbered twice, damaged or of size 0, and goes on', async () => {
  const { invalid, rows } = await read(
    'binance_public_trades',
    [
      '7,42000,1,1,1704067200000,True,True',
      '7,42000,1,1,1704067200000,True,True',
      '8,abc,1,1,1704067200001,True,True',
      '9,42000,0,1,1704067200001,True,True',
      '10,42000,1,1,1704067199999,True,True',
      '11,42000,1,1,1704067200001,maybe,True',
      '12,42000,1',
      '13,42000,1,1,1704067200002,True,True',
    ].join('\n'),
    { symbol: 'BTCUSDT' },
  )
  expect(rows.map(({ value }) => 'id' in value && value.id)).toEqual([7, 13])
  expect(invalid).toEqual([
    '2: trade number 7 comes after 7',
    '3: expected a price, found "abc"',
    '4: expected a size above 0, found "0"',
    '5: time runs back from 2024-01-01T00:00:00.000Z to 2023-12-31T23:59:59.999Z; the option disorder allows for it',
    '6: expected whether the buyer was the maker, found "maybe"',
    '7: expected 6 fields, found 3',
  ])
})

test('lets rows run back as far as it is told', async () => {
  const text = '7,1,1,1,1704067200000,True\n8,1,1,1,1704067199000,True\n9,1,1,1,1704067198000,True'
  const { rows, invalid } = await read('binance_public_trades', text, { symbol: 'BTCUSDT', disorder: '1s' })
  expect([rows.length, invalid.length]).toEqual([2, 1])
})

test('says that a file is of another format when its header is', async () => {
  await expect(read('mtgox_csv', 'time,price\n1,2')).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('line 1: expected a header with t, d.price_int'),
  })
  await expect(read('ccxt_trades_json', '{"a":1}', { symbol: 'X' })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
})

test('reads the amounts of Mt.Gox that no number parser takes', async () => {
  const text = 't,d.price_int,d.amount_int,d.type_str\n2013-04-15 21:45:35+00:00,79.2,3e-07.0,1'
  expect((await read('mtgox_csv', text)).rows).toEqual([
    { at: at('2013-04-15T21:45:35Z'), key: 'mtgox:BTCUSD', value: { price: 79.2, size: 3e-7, side: -1, id: 0 } },
  ])
})

test('places candle columns by their header, in any order and case', async () => {
  const bar = { open: 1, high: 4, low: 0.5, close: 2, volume: 3, turnover: 6.5, count: 0, complete: true }
  const bitfinex = 'ts_ms,open,close,high,low,volume\n1704067200000,1,2,4,0.5,3'
  const unnamed = ',Open,High,Low,Close,Volume\n2024-01-01,1,4,0.5,2,3'
  const seconds = 'Volume,LOW,high,close,open,ts_s\n3,0.5,4,2,1,1704067200.0'
  expect((await read('ohlcv_csv', bitfinex, { symbol: 'X', every: '1m' })).rows).toEqual([
    { at: at('2024-01-01T00:01:00Z'), key: 'file:X', value: bar },
  ])
  expect((await read('ohlcv_csv', unnamed, { symbol: 'X' })).rows).toEqual([
    { at: at('2024-01-02'), key: 'file:X', value: bar },
  ])
  expect((await read('ohlcv_csv', seconds, { symbol: 'X' }, 'x/BTC-USD-4h.csv.gz')).rows).toEqual([
    { at: at('2024-01-01T04:00:00Z'), key: 'file:X', value: bar },
  ])
})

test('stamps a bar with its end, whichever end its file stamps', async () => {
  const text = 'timestamp,open,high,low,close,volume\n2024-01-01 00:01:00.000000,1,1,1,1,1'
  const [open, close] = [
    await read('ohlcv_csv', text, { symbol: 'X', every: '1m', stamp: 'open' }),
    await read('ohlcv_csv', text, { symbol: 'X', stamp: 'close' }),
  ]
  expect(open.rows[0]?.at).toBe(at('2024-01-01T00:02:00Z'))
  expect(close.rows[0]?.at).toBe(at('2024-01-01T00:01:00Z'))
  await expect(read('ohlcv_csv', text, { symbol: 'X' })).rejects.toMatchObject({ code: 'PARAMS_INVALID' })
})

test('turns files that begin with the newest row', async () => {
  const newest = 'ts_s,open,high,low,close,volume\n1704067320,3,3,3,3,1\n1704067260,2,2,2,2,1\n1704067200,1,1,1,1,1'
  const { values } = await read('ohlcv_csv', newest, { symbol: 'X', every: '1m' })
  expect(values).toMatchObject([{ close: 1 }, { close: 2 }, { close: 3 }])
})

test('reads the 12-hour clock of CryptoDataDownload', async () => {
  const rows = ['11-AM', '12-AM', '12-PM', '01-PM', '11-PM'].map((hour) => `2024-01-01 ${hour},BTCUSD,1,1,1,1,2,3`)
  const text = ['Timestamps are UTC', 'date,symbol,open,high,low,close,volume_btc,volume', ...rows].join('\n')
  const bars = await read('cryptodatadownload_csv', text)
  // The end of the bar: an hour after the stamp.
  expect(bars.rows.map((row) => (row.at - at('2024-01-01')) / 3.6e9)).toEqual([1, 12, 13, 14, 24])
  expect(bars.values[0]).toMatchObject({ volume: 2, turnover: 3 })
})

test('refuses a bar whose high is below its close', async () => {
  const text = 'ts_s,open,high,low,close,volume\n1704067200,1,2,1,3,1'
  expect((await read('ohlcv_csv', text, { symbol: 'X', every: '1m' })).invalid).toEqual([
    '2: expected low <= open, close <= high, found open 1, high 2, low 1, close 3',
  ])
})

test('takes the day and the length of Lean bars from the path, or from options', async () => {
  const line = '60000,1,1,1,1,2'
  const minute = await read(
    'lean_bars_csv',
    line,
    { symbol: 'BTCUSD' },
    'crypto/coinbase/minute/btcusd/20240101_trade.zip',
  )
  const second = await read('lean_bars_csv', line, { symbol: 'BTCUSD', day: '2024-01-01', every: '1s' }, 'x.csv')
  expect(minute.rows[0]?.at).toBe(at('2024-01-01T00:02:00Z'))
  expect(second.rows[0]?.at).toBe(at('2024-01-01T00:01:01Z'))
  await expect(read('lean_bars_csv', line, { symbol: 'BTCUSD' }, 'x.csv')).rejects.toMatchObject({
    code: 'PARAMS_INVALID',
  })
})

test('reads JSON lines with the fields beside the envelope or inside it, and passes over other kinds', async () => {
  const text = [
    '{"at":1,"key":"a:B","price":1,"size":2}',
    '{"kind":"trade","at":2,"key":"a:B","value":{"price":1,"size":2,"side":1,"id":5}}',
    '{"kind":"quote","at":3,"key":"a:B","value":{"bid":1}}',
    '{"at":4,"key":"no venue","price":1,"size":2}',
    '{"at":5,"key":"a:B","price":-1,"size":2}',
    '[]',
  ].join('\n')
  const { rows, invalid } = await read('jsonl_trades', text)
  expect(rows).toEqual([
    { at: 1, key: 'a:B', value: { price: 1, size: 2, side: 0, id: 0 } },
    { at: 2, key: 'a:B', value: { price: 1, size: 2, side: 1, id: 5 } },
  ])
  expect(invalid.map((reason) => reason.slice(0, 30))).toEqual([
    '4: expected an instrument venu',
    '5: price: Too small: expected ',
    '6: expected an object with at ',
  ])
})
