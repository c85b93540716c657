import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { duckdb } from '../../sources/formats/duckdb.ts'
import { captured } from '../describe/captured.ts'

const installed = await duckdb().then(
  () => true,
  () => false,
)
let directory = ''
const at = (name: string) => join(directory, name)
const run = async (...argv: string[]): Promise<Readonly<Record<string, unknown>>> => {
  const { code, json } = await captured([...argv, '--json'])
  return { code, ...json<Record<string, unknown>>() }
}
const rows = Array.from({ length: 5000 }, (_, i) => ({
  at: 1_700_000_000_000_000 + i * 100_000,
  key: `binance:S${i % 3}`,
  price: 100 + Math.round(300 * Math.sin(i / 90)) / 100,
  size: 1 + (i % 7) / 8,
  side: [1, -1, 0][i % 3],
  id: i + 1,
}))
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-cli-tape-'))
  writeFileSync(at('trades.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  for (const compression of ['none', 'packed', 'lz4'])
    await run(
      'import',
      'jsonl_trades',
      at('trades.jsonl'),
      '-o',
      at(`${compression}.tape`),
      '--compression',
      compression,
    )
})
afterAll(() => rmSync(directory, { recursive: true }))

test('an import packs unless it is told otherwise', async () => {
  expect(await run('import', 'jsonl_trades', at('trades.jsonl'), '-o', at('usual.tape'))).toMatchObject({
    code: 0,
    compression: 'packed',
  })
  expect(readFileSync(at('usual.tape')).equals(readFileSync(at('packed.tape')))).toBe(true)
  expect(
    await run('import', 'jsonl_trades', at('trades.jsonl'), '-o', at('x.tape'), '--compression', 'zip'),
  ).toMatchObject({ code: 2, error: { code: 'USAGE' } })
})

test('info says how a tape is kept and how much room a row takes', async () => {
  const infos = await Promise.all(['none', 'packed', 'lz4'].map((name) => run('tape', 'info', at(`${name}.tape`))))
  expect(infos).toMatchObject([
    { compression: 'none', rows: 5000 },
    { compression: 'packed', rows: 5000 },
    { compression: 'lz4', rows: 5000 },
  ])
  const [flat = 0, packed = 0, lz4 = 0] = infos.map((info) => Number(info['bytes_per_row']))
  expect(flat).toBeGreaterThan(37)
  expect(packed).toBeLessThan(flat / 3)
  expect(lz4).toBeLessThan(packed)
})

test('a backtest gives the same outputs from every kind of tape, and calls their data the same', async () => {
  const reports = await Promise.all(
    ['none', 'packed', 'lz4'].map((name) =>
      run('backtest', 'pipelines/btc_momentum.yaml', '--tape', at(`${name}.tape`), '--set', 'bars.every=10s'),
    ),
  )
  expect(reports[0]).toMatchObject({ code: 0, ticks: 5000 })
  const hashes = reports.map((report) => report['outputs_sha256'])
  expect(new Set(hashes).size).toBe(1)
})

describe.skipIf(!installed)('Parquet (skipped where @duckdb/node-api is not installed)', () => {
  test('a tape goes to Parquet and back to the same tape, and leaves nothing beside it', async () => {
    expect(
      await run('tape', 'export', at('packed.tape'), '--format', 'parquet', '-o', at('trades.parquet')),
    ).toMatchObject({ code: 0, rows: 5000, kind: 'trade' })
    for (const format of ['parquet', 'auto', 'parquet_trades']) {
      expect(await run('import', format, at('trades.parquet'), '-o', at('again.tape'))).toMatchObject({
        code: 0,
        format: 'parquet_trades',
      })
      expect(readFileSync(at('again.tape')).equals(readFileSync(at('packed.tape')))).toBe(true)
    }
    expect(readdirSync(directory).filter((name) => name.includes('partial'))).toEqual([])
  })

  test('an export may be cut, and names what it lacks', async () => {
    const some = ['tape', 'export', at('lz4.tape'), '--format', 'parquet', '--limit', '4100', '--kind', 'trade']
    expect(await run(...some, '-o', at('some.parquet'))).toMatchObject({ rows: 4100 })
    expect(await run(...some)).toMatchObject({ code: 2, error: { code: 'USAGE' } })
    expect(await run(...some, '-o', at('none/some.parquet'))).toMatchObject({ error: { code: 'FILE_ABSENT' } })
    expect(
      await run('tape', 'export', at('lz4.tape'), '--kind', 'quote', '--format', 'parquet', '-o', at('q.parquet')),
    ).toMatchObject({ code: 2 })
  })
})
