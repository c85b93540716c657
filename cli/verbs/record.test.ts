import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tradeFrames } from '../../sources/binance/frames.ts'
import { type RunningVenue, startVenue } from '../../testing/venue_server.ts'
import { captured } from '../describe/captured.ts'

let directory = ''
let venue: RunningVenue
const at = (name: string) => join(directory, name)
const run = async (...argv: string[]) => {
  const { code, json, stderr } = await captured([...argv, '--json'])
  const document = json<Record<string, never>>() as Readonly<Record<string, unknown>>
  return { code, stderr, document, error: document['error'] as { code: string; message: string } }
}
const endpoint = () => [`binance_trades=${venue.url}`].flatMap((text) => ['--endpoint', text])
const beats = { heartbeat_every: '50ms', heartbeat_lag: '1ms' }
const params = ['--params', JSON.stringify({ symbols: ['BTCUSDT'], ...beats })]

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-record-'))
  venue = await startVenue({
    frames: tradeFrames(400),
    rate: 1000,
    faults: [
      { type: 'drop', after: 100 },
      { type: 'skip', after: 200, frames: 10 },
      { type: 'say', after: 300, what: 'rubbish' },
    ],
  })
  const recorded = ['record', 'binance_trades', ...params, ...endpoint(), '--raw', at('raw'), '-o', at('live.tape')]
  const { code, document } = await run(...recorded, '--for', '4s')
  expect(code).toBe(0)
  expect(document).toEqual({
    recorded: [{ source: 'binance_trades', rows: 390, files: [at('raw/binance_trades'), at('live.tape')] }],
  })
})
afterAll(async () => {
  await venue.close()
  rmSync(directory, { recursive: true, force: true })
})

test('a tape of the raw frames is, byte for byte, the tape of the live run', async () => {
  const { code, document } = await run('import', 'raw', at('raw'), '-o', at('again.tape'))
  expect(code).toBe(0)
  expect(document).toMatchObject({ format: 'raw', kinds: { trade: 390, gap: 2, invalid: 1 } })
  expect((document['kinds'] as { heartbeat: number }).heartbeat).toBeGreaterThan(0)
  expect(readFileSync(at('again.tape')).equals(readFileSync(at('live.tape')))).toBe(true)
})

test('a pipeline bound to raw frames gives what it gives on the tape of the live run', async () => {
  const pipeline = at('ema.yaml')
  const nodes = { trades: { source: 'binance_trades', params: { symbols: ['BTCUSDT'], ...beats } } }
  const more = { bars: { op: 'time_bars', from: 'trades', params: { every: '50ms' } } }
  writeFileSync(pipeline, JSON.stringify({ pipeline: 'ema', nodes: { ...nodes, ...more } }))
  const raw = await run('backtest', pipeline, '--bind', `trades=raw:${at('raw')}`)
  const tape = await run('backtest', pipeline, '--bind', `trades=${at('live.tape')}`)
  expect(raw.code).toBe(0)
  expect(raw.document['ticks']).toBe(390)
  expect(raw.document['outputs_sha256']).toBe(tape.document['outputs_sha256'])
  const other = at('other.yaml')
  writeFileSync(
    other,
    JSON.stringify({
      pipeline: 'other',
      nodes: { trades: { ...nodes.trades, source: 'bybit_trades', params: { symbols: ['BTCUSDT'] } } },
    }),
  )
  expect((await run('backtest', other, '--bind', `trades=raw:${at('raw')}`)).error).toMatchObject({
    code: 'BINDING_INVALID',
  })
})

test('without --raw rows alone are kept, and a source without a feed is refused', async () => {
  const alone = await run('record', 'binance_trades', ...params, ...endpoint(), '-o', at('tapes'), '--for', '300ms')
  expect(alone.code).toBe(0)
  expect(readdirSync(at('tapes'))).toEqual(['binance_trades.tape'])
  const both = await run('record', 'binance_trades', ...params, '-o', at('both.tape'), '--nats', 'nats://127.0.0.1:1')
  expect([both.code, both.error.code]).toEqual([2, 'USAGE'])
  const made = await run('record', 'synthetic_market', '--raw', at('made'))
  expect([made.code, made.error.code]).toEqual([3, 'BINDING_INVALID'])
  const ccxt = ['record', 'ccxt_trades', '--params', '{"exchange":"kraken","symbols":["BTC/USD"]}']
  expect((await run(...ccxt, '--raw', at('ccxt'))).error).toMatchObject({ message: expect.stringContaining('with -o') })
})

test('a source that cannot start says so, and what was said to it is kept', async () => {
  const nowhere = ['--endpoint', 'binance_trades=nowhere']
  const { code, error } = await run('record', 'binance_trades', ...params, ...nowhere, '--raw', at('failed'))
  expect([code, error.code]).toEqual([4, 'SOURCE_FAILED'])
  const again = await run('import', 'raw', at('failed'), '-o', at('failed.tape'))
  expect(again.error).toMatchObject({ code: 'SOURCE_FAILED' })
})

test('a folder in the way of raw frames is a coded error', async () => {
  writeFileSync(at('file'), '')
  const { code, error } = await run('record', 'binance_trades', ...params, ...endpoint(), '--raw', at('file'))
  expect([code, error.code]).toEqual([1, 'RECORDING_UNWRITABLE'])
  const absent = await run('import', 'raw', at('nowhere'), '-o', at('x.tape'))
  expect([absent.code, absent.error.code]).toEqual([4, 'FILE_ABSENT'])
})
