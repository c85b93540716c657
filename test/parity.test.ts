import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { operators } from '../operators/catalogue.ts'
import { wallClock } from '../runtime/clock.ts'
import type { Committed } from '../runtime/define.ts'
import { backtest } from '../runtime/environment/backtest.ts'
import { runPipeline } from '../runtime/environment/run.ts'
import type { Binding } from '../runtime/feed.ts'
import { openEmbeddedLog } from '../runtime/log/embedded.ts'
import { type Plan, plan as planOf } from '../runtime/plan.ts'
import { replay } from '../runtime/replay.ts'
import { openTape, TapeWriter } from '../runtime/tape.ts'
import { FrameWriter } from '../schemas/frame_writer.ts'
import { Trade } from '../schemas/market.ts'
import { sinks } from '../sinks/catalogue.ts'
import { sources } from '../sources/catalogue.ts'
import { formatNamed } from '../sources/formats/catalogue.ts'
import { isInvalid } from '../sources/formats/format.ts'
import { importFile } from '../sources/formats/import_file.ts'
import { generate } from '../sources/synthetic/market.ts'
import { readFrames, startVenue } from '../testing/venue_server.ts'

const catalogue = { operators, sources, sinks }
const data = (path: string) => join(process.env['TIDEGATE_DATA'] ?? 'data', path)
const framesPath = 'ticks/binance-raw-frames/spot_btcusdt_20240808.jsonl.txt.gz'
const mtgoxPath = 'ticks/mtgox-btc-2013-04/april_trades.csv.gz'
const [frames, mtgox] = [data(framesPath), data(mtgoxPath)]

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-parity-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

/** The flagship pipeline, on faster bars where the recording is short. */
function flagship(every: string, mode: 'backtest' | 'paper'): Plan {
  const spec = parse(readFileSync(new URL('../pipelines/btc_momentum.yaml', import.meta.url), 'utf8'))
  spec.nodes.bars.params.every = every
  return planOf(spec, catalogue, mode)
}

async function tapeOf(
  rows:
    | AsyncIterable<readonly { at: number; key: string; value: unknown }[]>
    | Iterable<readonly { at: number; key: string; value: unknown }[]>,
): Promise<string> {
  const path = join(directory, 'trades.tape')
  const tape = TapeWriter.create(path)
  const writer = new FrameWriter(Trade, 'import')
  for await (const block of rows)
    for (const row of block) {
      writer.push(row.at, row.key, row.value)
      if (writer.rows === 1000) tape.write(writer.take())
    }
  if (writer.rows > 0) tape.write(writer.take())
  await tape.close()
  return path
}
async function* imported(format: string, file: string) {
  for await (const block of importFile(formatNamed(format), file))
    yield block.flatMap((item) => (isInvalid(item) ? [] : [item]))
}
const idAndValue = ({ id, kind, value }: Committed) => ({ id, kind, value })

/** Backtest, paper from a paced replay, and the replay of the paper run's log, over one tape. */
async function threeWays(path: string, every: string, speed: number) {
  const bindings = () => new Map<string, Binding>([['trades', { type: 'recording', recording: openTape(path) }]])
  const tested: unknown[] = []
  const result = await backtest(flagship(every, 'backtest'), {
    bindings: bindings(),
    output: (row) => tested.push(idAndValue(row)),
  })
  const traded: unknown[] = []
  const log = await openEmbeddedLog(join(directory, 'log'))
  const plan = flagship(every, 'paper')
  await runPipeline(plan, {
    log,
    bindings: bindings(),
    clock: wallClock,
    random: Math.random,
    speed,
    output: (row) => traded.push(idAndValue(row)),
  })
  const again = await replay(plan, log)
  await log.close()
  expect(traded).toEqual(tested)
  expect(again).toMatchObject({
    equal: true,
    outputs: result.outputs,
    replay_sha256: result.outputs_sha256,
    first_difference: null,
  })
  return { ...result, fills: tested.filter((row) => (row as { kind: string }).kind === 'fill').length }
}

test('a synthetic market gives equal outputs and ids in backtest, paper and replay', async () => {
  const market = generate({
    symbols: ['BTCUSDT', 'ETHUSDT'],
    seed: 3,
    minutes: 10,
    start: 1_704_067_200_000_000,
    start_price: 60_000,
    volatility: 1,
  })
  const rows = [...market].map((block) => block.flatMap((item) => (item.type === 'row' ? [item] : [])))
  const { fills } = await threeWays(await tapeOf(rows), '1s', 5_000)
  expect(fills).toBeGreaterThan(20)
})

test.skipIf(!existsSync(frames))(
  `recorded Binance trades (${framesPath}) give equal outputs and ids in backtest, paced paper and replay`,
  { timeout: 30_000 },
  async () => {
    const { ticks, fills } = await threeWays(await tapeOf(imported('binance_raw_trades', frames)), '1s', 200)
    expect({ ticks, fills }).toEqual({ ticks: 9757, fills: 15 })
  },
)

test.skipIf(!existsSync(mtgox))(
  `recorded Mt.Gox trades (${mtgoxPath}) give equal outputs and ids in backtest, paper and replay`,
  { timeout: 60_000 },
  async () => {
    const { ticks, fills } = await threeWays(await tapeOf(imported('mtgox_csv', mtgox)), '1m', Number.POSITIVE_INFINITY)
    expect({ ticks, fills }).toEqual({ ticks: 469_100, fills: 5031 })
  },
)

test.skipIf(!existsSync(frames))(
  `a paper run on a local venue that plays recorded frames (${framesPath}) makes the fills of the backtest, and its log replays equal`,
  { timeout: 30_000 },
  async () => {
    const path = await tapeOf(imported('binance_raw_trades', frames))
    const expected: unknown[] = []
    await backtest(flagship('1s', 'backtest'), {
      bindings: new Map([['trades', { type: 'recording', recording: openTape(path) }]]),
      output: (row) => row.kind === 'fill' && expected.push(idAndValue(row)),
    })
    const venue = await startVenue({ frames: await readFrames(frames) })
    const log = await openEmbeddedLog(join(directory, 'log'))
    const stop = new AbortController()
    const found: unknown[] = []
    const plan = flagship('1s', 'paper')
    try {
      await runPipeline(plan, {
        log,
        bindings: new Map(),
        clock: wallClock,
        random: Math.random,
        speed: 1,
        endpoint: () => venue.url,
        signal: stop.signal,
        output: (row) => row.kind === 'fill' && found.push(idAndValue(row)),
        progress: (rows) => rows === 9757 && stop.abort(),
      })
      expect(await replay(plan, log)).toMatchObject({ equal: true, rows: 9757 })
    } finally {
      await venue.close()
      await log.close()
    }
    expect(found).toEqual(expected)
  },
)
