import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Bar, Quote, Trade } from '../../schemas/market.ts'
import { formatTime, parseTime } from '../../schemas/units.ts'
import { detect, formatNamed } from './catalogue.ts'
import { Expansion, expand } from './expand.ts'
import { type ImportedRow, isInvalid } from './format.ts'
import { headOf, importFile } from './import_file.ts'

// Recordings are third-party: they lie in TIDEGATE_DATA, never in the repository.
const data = process.env['TIDEGATE_DATA'] ?? './data'
const recording = (...paths: readonly string[]) => {
  const absent = paths.filter((path) => !existsSync(join(data, path)))
  return {
    run: test.skipIf(absent.length > 0),
    note: absent.length > 0 ? ` (absent from TIDEGATE_DATA: ${absent.join(', ')})` : '',
  }
}

async function read(format: string, path: string, options: unknown = {}) {
  const rows: ImportedRow[] = []
  const invalid: string[] = []
  for await (const block of importFile(formatNamed(format), join(data, path), options))
    for (const item of block)
      if (isInvalid(item)) invalid.push(`${item.invalid.line}: ${item.invalid.reason}`)
      else rows.push(item)
  return { rows, invalid }
}
const trades = (rows: readonly ImportedRow[]) => rows.map(({ value }) => value as Trade)
const x = { symbol: 'X' }
const bitfinex = 'ohlcv/bitfinex-1m'
const frames = 'ticks/binance-raw-frames'
const quality = (name: string) => `ticks/binance-data-quality/test_${name}_trxusdt_04-03-2025.csv.gz`

// Format, file, options; rows as the provenance of the data counts them; instrument; first and last event time.
// The USD-M trade stream has 10,000 lines: one is a print of price and quantity 0, without a trade.
const files = `
mtgox_csv ticks/mtgox-btc-2013-04/april_trades.csv.gz {} 469100 mtgox:BTCUSD 2013-04-15T21:45:35.000Z 2013-05-03T20:28:29.000Z
gemini_trades_csv ticks/gemini-ethusd/2021-07-01__trade.csv.gz {"symbol":"X"} 25222 gemini:X 2021-07-01T00:00:21.647Z 2021-07-01T23:59:58.988Z
gemini_quotes_csv ticks/gemini-ethusd/2021-07-01__market-depth.csv.gz {"symbol":"X"} 72180 gemini:X 2021-07-01T00:00:00.000Z 2021-07-01T23:59:59.000Z
crypto_microstructure_csv ticks/binance-btc-2026-02-16T04/trades_btc_spot.csv.gz {} 10215 binance:BTCUSDT 2026-02-16T04:00:00.204Z 2026-02-16T04:04:58.965Z
ccxt_trades_json ticks/binance-xrpeth/XRP_ETH-trades.json.gz {} 12477 ccxt:XRP/ETH 2019-10-11T00:00:11.620Z 2019-10-13T11:19:28.844Z
coinbase_csv ticks/coinbase-btcusd/questdb_btc_trades.csv.gz {} 5882 coinbase:BTC-USD 2023-09-05T16:00:01.281719Z 2023-09-05T16:59:58.761737Z
nautilus_trades_csv ticks/nautilus-binance/btcusdt-trades.csv.gz {"symbol":"X"} 2001 binance:X 2021-01-08T00:00:00.278Z 2021-01-08T00:00:46.355Z
nautilus_quotes_csv ticks/nautilus-binance/btcusdt-quotes.csv.gz {} 451 binance:BTCUSDT 2021-01-08T00:00:01.076Z 2021-01-08T00:00:46.674Z
tardis_trades_csv ticks/tardis-csv/bitmex_trades_XBTUSD.csv {} 10 bitmex:XBTUSD 2020-03-01T00:00:03.145Z 2020-03-01T00:00:03.276Z
tardis_quotes_csv ticks/tardis-csv/huobi-dm-swap_quotes_BTC-USD.csv {} 10 huobi_dm_swap:BTC-USD 2020-05-01T00:00:01.099Z 2020-05-01T00:00:01.814Z
tardis_book_csv ticks/tardis-csv/binance-futures_book_snapshot_5_BTCUSDT.csv {} 10 binance_futures:BTCUSDT 2020-09-01T00:00:03.696Z 2020-09-01T00:00:04.284Z
tardis_book_csv ticks/tardis-csv/binance-futures_book_snapshot_25_BTCUSDT.csv {} 10 binance_futures:BTCUSDT 2020-09-01T00:00:03.696Z 2020-09-01T00:00:04.005Z
ohlcv_csv ohlcv/bitfinex-1m/BTCUSD-1m-2018.csv.gz {"symbol":"X"} 520499 file:X 2018-01-01T00:01:00.000Z 2019-01-01T00:00:00.000Z
ohlcv_csv ohlcv/bitfinex-1m/ETHUSD-1m-2018H1.csv.gz {"symbol":"X"} 258179 file:X 2018-01-01T00:01:00.000Z 2018-07-01T00:00:00.000Z
ohlcv_csv ohlcv/bitfinex-1m/LTCUSD-1m-2018H1.csv.gz {"symbol":"X"} 239665 file:X 2018-01-01T00:01:00.000Z 2018-07-01T00:00:00.000Z
ohlcv_csv ohlcv/bitfinex-1m/XRPUSD-1m-2018H1.csv.gz {"symbol":"X"} 250265 file:X 2018-01-01T00:01:00.000Z 2018-07-01T00:00:00.000Z
ohlcv_csv ohlcv/btc-perp-1m/btc-perp-20211231-20220201_1m.csv.gz {"symbol":"X","stamp":"close"} 45031 file:X 2021-12-31T23:01:00.000Z 2022-02-01T05:31:00.000Z
ohlcv_csv ohlcv/coinbase-4h/BTC-USD-4h.csv.gz {"symbol":"X"} 20695 file:X 2016-05-18T08:00:00.000Z 2025-10-28T04:00:00.000Z
ohlcv_csv ohlcv/freqtrade-5m/DASH_BTC-5m.csv.gz {"symbol":"X"} 5758 file:X 2018-01-10T05:00:00.000Z 2018-01-30T04:55:00.000Z
ohlcv_csv ohlcv/freqtrade-5m/ETH_BTC-5m.csv.gz {"symbol":"X"} 5760 file:X 2018-01-10T05:00:00.000Z 2018-01-30T04:55:00.000Z
ohlcv_csv ohlcv/freqtrade-5m/LTC_BTC-5m.csv.gz {"symbol":"X"} 5760 file:X 2018-01-10T05:00:00.000Z 2018-01-30T04:55:00.000Z
ohlcv_csv ohlcv/freqtrade-5m/NXT_BTC-5m.csv.gz {"symbol":"X"} 5760 file:X 2018-01-10T05:00:00.000Z 2018-01-30T04:55:00.000Z
ohlcv_csv ohlcv/freqtrade-5m/UNITTEST_BTC-1m.csv.gz {"symbol":"X"} 13681 file:X 2017-11-04T23:03:00.000Z 2017-11-14T23:00:00.000Z
ohlcv_csv ohlcv/freqtrade-5m/XLM_BTC-5m.csv.gz {"symbol":"X"} 5760 file:X 2018-01-10T05:00:00.000Z 2018-01-30T04:55:00.000Z
ohlcv_csv ohlcv/freqtrade-5m/XMR_BTC-5m.csv.gz {"symbol":"X"} 5758 file:X 2018-01-10T05:00:00.000Z 2018-01-30T04:55:00.000Z
ohlcv_csv ohlcv/freqtrade-xrpeth/XRP_ETH-5m.csv.gz {"symbol":"X"} 706 file:X 2019-10-11T00:05:00.000Z 2019-10-13T11:20:00.000Z
ohlcv_csv ohlcv/bittrex-2018/ADA_BTC-5m.csv.gz {"symbol":"X"} 5730 file:X 2018-07-02T20:40:00.000Z 2018-07-22T20:35:00.000Z
ohlcv_csv ohlcv/bittrex-2018/ETC_BTC-30m.csv.gz {"symbol":"X"} 1919 file:X 2018-06-16T20:00:00.000Z 2018-07-26T19:00:00.000Z
ohlcv_csv ohlcv/bittrex-2018/XRP_BTC-1h.csv.gz {"symbol":"X"} 1440 file:X 2018-05-27T21:00:00.000Z 2018-07-26T20:00:00.000Z
cryptodatadownload_csv ohlcv/coinbase-1h/Coinbase_BTCUSD_1h.csv.gz {} 20111 coinbase:BTCUSD 2017-07-01T12:00:00.000Z 2019-10-17T10:00:00.000Z
ohlcv_csv statistics/backtesting.py/GOOG.csv.gz {"symbol":"X"} 2148 file:X 2004-08-20T00:00:00.000Z 2013-03-02T00:00:00.000Z
lean_quotes_csv ohlcv/lean-minute/coinbase/btcusd/20180404_quote.csv.gz {"symbol":"X"} 1437 coinbase:X 2018-04-04T00:01:00.000Z 2018-04-04T23:59:00.000Z
binance_processor_csv ticks/binance-data-quality/test_positive_binance_trade_stream_spot_trxusdt_04-03-2025.csv.gz {} 10000 binance:TRXUSDT 2025-03-04T00:00:01.271497Z 2025-03-04T00:47:59.150375Z
binance_processor_csv ticks/binance-data-quality/test_positive_binance_trade_stream_usd_m_futures_trxusdt_04-03-2025.csv.gz {} 9999 binance:TRXUSDT 2025-03-04T00:00:04.349Z 2025-03-04T00:16:44.086Z`
for (const file of files.trim().split('\n')) {
  const [format = '', path = '', options = '', count, key, first, last] = file.split(' ')
  const { run, note } = recording(path)
  run(`${format} reads every row of ${path}${note}`, async () => {
    const head = await headOf(join(data, path))
    expect(detect(head.file, head.lines)?.name).toBe(format)
    const { rows, invalid } = await read(format, path, JSON.parse(options))
    expect(invalid).toEqual([])
    expect(rows.length).toBe(Number(count))
    expect([rows[0]?.key, formatTime(rows[0]?.at ?? 0), formatTime(rows.at(-1)?.at ?? 0)]).toEqual([key, first, last])
  })
}

const bittrex = recording('ohlcv/bittrex-2018')
bittrex.run(`ohlcv_csv reads all Bittrex files without a refusal${bittrex.note}`, async () => {
  for (const name of readdirSync(join(data, 'ohlcv/bittrex-2018'))) {
    const { rows, invalid } = await read('ohlcv_csv', `ohlcv/bittrex-2018/${name}`, x)
    expect([name, invalid]).toEqual([name, []])
    expect(rows.length).toBeGreaterThanOrEqual(500)
  }
})

interface Facts {
  readonly events: Readonly<Record<string, number>>
  readonly trades: {
    readonly n: number
    readonly qty: string
    readonly notional: string
    readonly first_id: number
    readonly last_id: number
    readonly buyer_maker: number
  }
}
for (const name of [
  'usdm_btcusdt',
  'usdm_ethusdt',
  'cm_btcusd_perp',
  'cm_ethusd_perp',
  'spot_btcusdt',
  'spot_ethusdt',
]) {
  const path = `${frames}/${name}_20240808.jsonl.txt.gz`
  const { run, note } = recording(path, `${frames}/facts.json`)
  run(`raw frames of ${name} give the trades and quotes that an independent program counted${note}`, async () => {
    const all = JSON.parse(readFileSync(join(data, frames, 'facts.json'), 'utf8')) as Record<string, Facts>
    const facts = all[path.slice('ticks/'.length)] as Facts
    const { rows, invalid } = await read('binance_raw_trades', path)
    const values = trades(rows)
    expect(invalid).toEqual([])
    expect({
      n: values.length,
      first_id: values[0]?.id,
      last_id: values.at(-1)?.id,
      buyer_maker: values.filter(({ side }) => side === -1).length,
    }).toEqual({
      n: facts.trades.n,
      first_id: facts.trades.first_id,
      last_id: facts.trades.last_id,
      buyer_maker: facts.trades.buyer_maker,
    })
    const quantity = values.reduce((sum, { size }) => sum + size, 0)
    const notional = values.reduce((sum, { size, price }) => sum + size * price, 0)
    expect(quantity / Number(facts.trades.qty)).toBeCloseTo(1, 12)
    expect(notional / Number(facts.trades.notional)).toBeCloseTo(1, 12)

    const quotes = await read('binance_raw_quotes', path)
    expect(quotes.invalid).toEqual([])
    expect(quotes.rows.length).toBe(facts.events['bookTicker'] ?? facts.events['bookTicker(spot)'])
    expect(quotes.rows.every(({ value }) => (value as Quote).bid < (value as Quote).ask)).toBe(true)
  })
}

const spot = recording(`${frames}/spot_btcusdt_20240808.jsonl.txt.gz`)
spot.run(`spot quotes stand on the clock of the trades, though their recorder was behind${spot.note}`, async () => {
  const path = `${frames}/spot_btcusdt_20240808.jsonl.txt.gz`
  const quotes = (await read('binance_raw_quotes', path)).rows
  const byReceipt = (await read('binance_raw_quotes', path, { time: 'receive' })).rows
  const outside = (rows: readonly ImportedRow[], of: readonly ImportedRow[]) => {
    let q = 0
    let count = 0
    let stamps = 0
    let last = 0
    for (const { at, value } of of) {
      // Later trades of one stamp walk through the book that the first one met.
      if (at === last) continue
      last = at
      stamps++
      while (q + 1 < rows.length && (rows[q + 1] as ImportedRow).at < at) q++
      const { bid, ask } = (rows[q] as ImportedRow).value as Quote
      const { price } = value as Trade
      if (price < bid || price > ask) count++
    }
    return count / stamps
  }
  const of = (await read('binance_raw_trades', path)).rows
  // Each trade against the quote standing before it: on one clock nearly all lie within; 1.27 s of look-ahead shows.
  expect(outside(quotes, of)).toBeLessThan(0.15)
  expect(outside(byReceipt, of)).toBeGreaterThan(0.6)
})

const faults: readonly (readonly [string, readonly string[]])[] = [
  [
    'trade_stream_spot',
    ['4: trade number 348656871 comes after 348656871', '10001: received 83454849625us after its transaction'],
  ],
  ['trade_stream_usd_m_futures', ['2: expected a price above 0, found "-1"']],
]
for (const [stream, planted] of faults) {
  const [sound, damaged] = [quality(`positive_binance_${stream}`), quality(`negative_binance_${stream}`)]
  const { run, note } = recording(sound, damaged)
  run(`finds what was planted in the damaged ${stream}, and nothing in its sound twin${note}`, async () => {
    const [twin, negative] = [await read('binance_processor_csv', sound), await read('binance_processor_csv', damaged)]
    expect(twin.invalid).toEqual([])
    expect(negative.invalid).toEqual(planted)
    expect(twin.rows.length - negative.rows.length).toBe(planted.length)
  })
}

/** Bars [open, close) of trades, or of shorter bars, by hand. */
function barsOf(rows: readonly ImportedRow[], every: number): Map<number, Bar> {
  const bars = new Map<number, Bar>()
  for (const { at, value } of rows) {
    const row = 'price' in value ? { ...value, open: value.price, high: value.price, low: value.price } : (value as Bar)
    const close = 'price' in value ? value.price : (value as Bar).close
    const size = 'price' in value ? value.size : (value as Bar).volume
    const start = 'price' in value ? at : at - 1
    const end = (Math.floor(start / every) + 1) * every
    const bar = bars.get(end)
    bars.set(end, {
      open: bar?.open ?? row.open,
      high: Math.max(bar?.high ?? row.high, row.high),
      low: Math.min(bar?.low ?? row.low, row.low),
      close,
      volume: (bar?.volume ?? 0) + size,
      turnover: 0,
      count: 0,
      complete: true,
    })
  }
  return bars
}
function expectSameBars(built: ReadonlyMap<number, Bar>, expected: readonly ImportedRow[]): void {
  const text = (at: number, { open, high, low, close }: Bar) => `${formatTime(at)} ${open} ${high} ${low} ${close}`
  expect([...built].map(([at, bar]) => text(at, bar))).toEqual(expected.map(({ at, value }) => text(at, value as Bar)))
  for (const { at, value } of expected) expect(built.get(at)?.volume).toBeCloseTo((value as Bar).volume, 8)
}

const xrp = ['ticks/binance-xrpeth/XRP_ETH-trades.json.gz', 'ohlcv/freqtrade-xrpeth/XRP_ETH-1m.csv.gz'] as const
const candles = recording(...xrp)
candles.run(`XRP/ETH trades folded by the minute equal the candles of the same span${candles.note}`, async () => {
  const [ticks, bars] = [await read('ccxt_trades_json', xrp[0]), await read('ohlcv_csv', xrp[1], x)]
  const built = barsOf(ticks.rows, 60e6)
  expect(bars.rows.length).toBe(2469)
  expectSameBars(built, bars.rows)
  for (const { at, value } of bars.rows)
    expect(Math.abs((built.get(at)?.volume ?? 0) - (value as Bar).volume)).toBeLessThan(1e-9)
})

for (const day of ['20161007', '20161008']) {
  const paths = [
    `ticks/lean-coinbase-btcusd-1s/${day}_second_trade.csv.gz`,
    `ohlcv/lean-minute/coinbase/btcusd/${day}_trade.csv.gz`,
  ] as const
  const { run, note } = recording(...paths)
  run(`Lean seconds of ${day} folded by the minute equal the Lean minutes${note}`, async () => {
    const [seconds, minutes] = [await read('lean_bars_csv', paths[0], x), await read('lean_bars_csv', paths[1], x)]
    expect([seconds.invalid, minutes.invalid]).toEqual([[], []])
    expect(seconds.rows.length).toBe({ 20161007: 4063, 20161008: 3453 }[day])
    expectSameBars(barsOf(seconds.rows, 60e6), minutes.rows)
  })
}

const order = recording(`${bitfinex}/ETHUSD-1m-2018H1.csv.gz`)
order.run(`Bitfinex candles keep close before high where their header says so${order.note}`, async () => {
  const { rows } = await read('ohlcv_csv', `${bitfinex}/ETHUSD-1m-2018H1.csv.gz`, {
    venue: 'bitfinex',
    symbol: 'ETHUSD',
  })
  expect(rows[0]).toMatchObject({
    at: parseTime('2018-01-01T00:01:00Z'),
    key: 'bitfinex:ETHUSD',
    value: { open: 736.77, close: 736.5, high: 736.82, low: 736.5, volume: 45.36081317 },
  })
})

const perpetual = 'ohlcv/btc-perp-1m/btc-perp-20211231-20220201_1m.csv.gz'
const minutes = recording(perpetual)
minutes.run(`10,000 BTC minutes expand into 40,000 quotes whose last stands on the close${minutes.note}`, async () => {
  const { rows } = await read('ohlcv_csv', perpetual, { venue: 'perpetual', symbol: 'BTC', stamp: 'close' })
  const offsets = ['300ms', '200ms', '100ms', '0s']
  const expansion = Expansion.parse({ into: 'quotes', every: '1m', offsets })
  const quotes = rows
    .slice(0, 10_000)
    .flatMap((row) => expand({ at: row.at, key: row.key, value: row.value as Bar }, expansion))
  expect(quotes.length).toBe(40_000)
  expect(quotes.slice(0, 4).map(({ at, value }) => `${formatTime(at)} ${(value as Quote).bid}`)).toEqual([
    '2021-12-31T23:00:59.700Z 46319',
    '2021-12-31T23:00:59.800Z 46385',
    '2021-12-31T23:00:59.900Z 46319',
    '2021-12-31T23:01:00.000Z 46377',
  ])
  expect(formatTime(quotes.at(-1)?.at ?? 0)).toBe('2022-01-07T21:40:00.000Z')
  expect(quotes.at(-1)?.value).toMatchObject({ bid: 41_985, ask: 41_985 })
})
