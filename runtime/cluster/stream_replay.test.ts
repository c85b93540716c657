import { describe, expect, test } from 'vitest'
import { operators } from '../../operators/catalogue.ts'
import { peekFrame } from '../../schemas/frame.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { generate } from '../../sources/synthetic/market.ts'
import { natsLink } from '../../test/nats_link.ts'
import { natsServerBinary } from '../../testing/nats_server.ts'
import { wallClock } from '../clock.ts'
import type { Committed } from '../connect.ts'
import { backtest } from '../environment/backtest.ts'
import { encodeItems } from '../feed.ts'
import type { Link } from '../log/jetstream/link.ts'
import { openJetStreamLog } from '../log/jetstream/log.ts'
import { layout, streamOf } from '../log/layout.ts'
import { type PlannedSource, plan as planOf } from '../plan.ts'
import { replay } from '../replay.ts'
import { Stage } from '../stage.ts'
import { runFeed } from './feed.ts'
import { feedName } from './feed_name.ts'
import { type Start, startAt } from './start.ts'
import { replayStreams } from './stream_replay.ts'

const market = { symbols: ['BTCUSDT'], start: 1_704_067_200_000_000, start_price: 60_000, volatility: 1 }
const namespace = 'replayed'
const definition = {
  pipeline: 'p',
  nodes: {
    trades: { source: 'synthetic_market', params: { minutes: 600, seed: 7 } },
    bars: { op: 'time_bars', from: 'trades', params: { every: '10s' } },
  },
}
const planned = planOf(definition, { operators, sources, sinks }, 'paper')
const source = planned.sources[0] as PlannedSource

const binary = natsServerBinary()
describe.skipIf(binary === undefined)('replays of a nats-server (apt-get install nats-server)', () => {
  let link: Link
  natsLink(binary, (opened) => {
    link = opened
  })

  test('a replay that ends before its streams do leaves no reader behind', async () => {
    const log = await openJetStreamLog(link, { namespace })
    const world = { clock: wallClock, random: Math.random, notice() {} }
    await runFeed({ link, log, namespace, replicas: 1, ranges: 1, source, ...world }, new AbortController().signal)
    const times: number[] = []
    const own = { range: { part: 0, of: 1 }, start: { type: 'all' }, speed: Number.POSITIVE_INFINITY } as const
    const { signal } = new AbortController()
    const run = (to?: number) =>
      replayStreams(planned, log, {
        ...own,
        to,
        clock: wallClock,
        signal,
        output() {},
        progress: (_rows, at) => times.push(at),
      })
    const all = await run()
    const part = await run(times[10])
    expect(part.rows).toBeGreaterThan(0)
    expect(part.rows).toBeLessThan(all.rows)
    const ticks = streamOf(namespace, layout.tick(feedName(source)))
    await expect.poll(async () => (await link.jsm.streams.info(ticks)).state.consumer_count).toBe(0)
    await log.close()
  })

  test('a damaged record is left out, and counted, where the stage left it out too', async () => {
    const log = await openJetStreamLog(link, { namespace: 'damaged' })
    const { trades } = definition.nodes
    const short = {
      ...definition,
      nodes: { ...definition.nodes, trades: { ...trades, params: { minutes: 5, seed: 7 } } },
    }
    const plan = planOf(short, { operators, sources, sinks }, 'paper')
    const own = { range: { part: 0, of: 1 }, speed: Number.POSITIVE_INFINITY, clock: wallClock }
    const name = layout.tick(feedName(plan.sources[0] as PlannedSource))
    const ticks = await log.stream(name)
    const records: Uint8Array[] = []
    for (const items of generate({ ...market, minutes: 5, seed: 7 }))
      records.push(...encodeItems(plan.sources[0] as PlannedSource, items))
    const times = records.map((data) => peekFrame(data).first)
    // one in its rows, one in its head, and one in the time it tells; halving meets the last two
    const middle = Math.floor(records.length / 2)
    for (const [at, byte] of [
      [3, 100],
      [middle, 0],
      [middle + 1, 39],
    ] as const)
      (records[at] as Uint8Array)[byte] = 0x11
    for (const [seq, data] of records.entries()) await ticks.append(data, seq)

    const inputs = [{ stream: ticks, source: 'trades' }]
    const stage = await Stage.open(plan, log, { inputs, name: layout.stage('p') })
    const rows: Committed[] = []
    for await (const record of ticks.read(1)) rows.push(...(await stage.step([record])))
    stage.close()
    expect(await replay(plan, log, { inputs, name: layout.stage('p') })).toMatchObject({ equal: true, dead: 3 })
    const again: Committed[] = []
    const { signal } = new AbortController()
    const run = (start: Start) => replayStreams(plan, log, { ...own, start, signal, output: (row) => again.push(row) })
    expect(await run({ type: 'all' })).toMatchObject({ dead: 3, rows: stage.engine.counts.rows })
    expect(again.map(({ id, value }) => ({ id, value }))).toEqual(rows.map(({ id, value }) => ({ id, value })))
    const cut = { type: 'time', at: times[middle + 2] as number } as const
    expect(await startAt(ticks, cut)).toBeGreaterThan(middle - 1)
    expect(await startAt(ticks, cut)).toBeLessThanOrEqual(middle + 3)
    await log.close()
  })

  test('a stretch that ends in the middle of a record gives what a backtest of it gives', async () => {
    const log = await openJetStreamLog(link, { namespace: 'cut' })
    const said = {
      bars: { op: 'time_bars', from: 'trades', params: { every: '1s' } },
      trend: { op: 'ema', from: 'bars', params: { span: 2 } },
      above: { op: 'cross', from: 'bars', latest: { trend: 'trend' } },
      publish: { sink: 'signals', from: 'above' },
    }
    const nodes = { trades: definition.nodes.trades, ...said }
    const speaking = planOf({ ...definition, nodes }, { operators, sources, sinks }, 'paper')
    const rows = [...generate({ ...market, minutes: 30, seed: 7 })].flat().filter(({ type }) => type === 'row')
    const records = encodeItems(source, rows)
    const ticks = await log.stream(layout.tick(feedName(source)))
    for (const [seq, data] of records.entries()) await ticks.append(data, seq)
    const bindings = new Map([['trades', { type: 'recording', recording: { frames: () => records } } as const]])
    const { signal } = new AbortController()
    const own = { range: { part: 0, of: 1 }, start: { type: 'all' }, speed: Number.POSITIVE_INFINITY } as const
    const first = rows[0]?.at as number
    for (const after of [95, 95.5, 100, 600.000001, 1200.1, 1799, 9999]) {
      const to = first + after * 1e6
      const tested = await backtest(speaking, { bindings, to })
      const { outputs, outputs_sha256 } = await replayStreams(speaking, log, {
        ...{ ...own, to, clock: wallClock, signal },
        output() {},
      })
      expect({ to, outputs, outputs_sha256 }).toEqual({
        ...{ to, outputs: tested.outputs, outputs_sha256: tested.outputs_sha256 },
      })
    }
    await log.close()
  })
})
