import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isTidegateError } from '../../schemas/errors.ts'
import { duckdb, quoted } from './duckdb.ts'
import type { Format } from './format.ts'
import { headOf, importFile } from './import_file.ts'
import { parquetBars, parquetFormatOf, parquetQuotes, parquetTrades } from './parquet.ts'

const installed = await duckdb().then(
  () => true,
  () => false,
)
let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-parquet-'))
  path = join(directory, 'a.parquet')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function write(select: string) {
  const { DuckDBInstance } = await duckdb()
  const database = await DuckDBInstance.create(':memory:')
  const connection = await database.connect()
  await connection.run(`COPY (${select}) TO ${quoted(path)} (FORMAT parquet)`)
  connection.closeSync()
  database.closeSync()
}
async function read(format: Format, options: Readonly<Record<string, string>> = {}) {
  const items: unknown[] = []
  for await (const block of importFile(format, path, options)) items.push(...block)
  return items
}

describe.skipIf(!installed)('a Parquet file (skipped where @duckdb/node-api is not installed)', () => {
  test('gives trades under any names of columns, with exact times', async () => {
    await write(
      `SELECT 1700000000123456789::BIGINT AS ns, 42000.01 AS px, 0.25::DECIMAL(18,8) AS qty, 'buy' AS taker, 'BTCUSDT' AS sym
       UNION ALL SELECT 1700000001999999999, 42000.02, 0.5, 'sell', 'ETHUSDT'`,
    )
    const options = { time: 'ns', price: 'px', size: 'qty', side: 'taker', symbol_column: 'sym', venue: 'binance' }
    expect(await read(parquetTrades, options)).toEqual([
      { at: 1700000000123456, key: 'binance:BTCUSDT', value: { price: 42000.01, size: 0.25, side: 1, id: 0 } },
      { at: 1700000001999999, key: 'binance:ETHUSDT', value: { price: 42000.02, size: 0.5, side: -1, id: 0 } },
    ])
    const [row = ''] = (await headOf(path)).lines
    expect(parquetFormatOf(row, {})).toBeUndefined()
    expect(parquetFormatOf(row, options)?.name).toBe('parquet_trades')
  })

  test('gives quotes and bars, from timestamps of any precision', async () => {
    await write(`SELECT TIMESTAMP_NS '2024-01-01 00:00:00.000001' AS timestamp, 'okx:BTC' AS key, 1.5 AS bid, 2 AS ask`)
    expect(await read(parquetQuotes)).toEqual([
      { at: 1704067200000001, key: 'okx:BTC', value: { bid: 1.5, ask: 2, bid_size: 0, ask_size: 0 } },
    ])
    await write(`SELECT DATE '2024-01-02' AS date, 1.0 AS open, 4.0 AS high, 1.0 AS low, 1.0 AS close, 3 AS volume`)
    expect(await read(parquetBars, { symbol: 'BTC', venue: 'okx' })).toEqual([
      {
        at: 1704153600000000,
        key: 'okx:BTC',
        value: { open: 1, high: 4, low: 1, close: 1, volume: 3, turnover: 6, count: 0, complete: true },
      },
    ])
  })

  test('keeps the order of the file over many row groups', async () => {
    await write('SELECT 1700000000000000 + i AS at, 1 + i AS price, 1 AS size, 1 AS id FROM range(300000) r(i)')
    const prices = (await read(parquetTrades, { symbol: 'X' })) as { value: { price: number } }[]
    expect(prices.length).toBe(300_000)
    expect(prices.every(({ value }, i) => value.price === 1 + i)).toBe(true)
  })

  test('names the columns it misses and those there are', async () => {
    await write('SELECT 1 AS a, 2 AS b')
    await expect(read(parquetTrades)).rejects.toThrow('expected columns price, size, found a, b')
  })

  test('a file that only begins as one is refused by code', async () => {
    writeFileSync(path, 'PAR1 and nothing of the kind')
    await expect(read(parquetTrades)).rejects.toSatisfy((e) => isTidegateError(e) && e.code === 'INPUT_INVALID')
    expect(existsSync(path)).toBe(true)
  })
})
