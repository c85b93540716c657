import { describe, expect, test } from 'vitest'
import { operators } from '../../operators/catalogue.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { natsLink } from '../../test/nats_link.ts'
import { natsServerBinary } from '../../testing/nats_server.ts'
import { wallClock } from '../clock.ts'
import type { Link } from '../log/jetstream/link.ts'
import { openJetStreamLog } from '../log/jetstream/log.ts'
import { type PlannedSource, plan as planOf } from '../plan.ts'
import { runFeed } from './feed.ts'
import { rangesOf } from './feed_name.ts'
import { ReplaySignals } from './replay_signals.ts'
import { replayStreams } from './stream_replay.ts'

const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT', 'ADAUSDT', 'DOTUSDT']
const definition = {
  pipeline: 'p',
  nodes: {
    trades: { source: 'synthetic_market', params: { minutes: 400, seed: 7, symbols } },
    bars: { op: 'time_bars', from: 'trades', params: { every: '1s' } },
    trend: { op: 'ema', from: 'bars', params: { span: 2 } },
    above: { op: 'cross', from: 'bars', latest: { trend: 'trend' } },
    publish: { sink: 'signals', from: 'above' },
  },
}
const plan = planOf(definition, { operators, sources, sinks }, 'backtest')

const binary = natsServerBinary()
describe.skipIf(binary === undefined)('signals of a replay (apt-get install nats-server)', () => {
  let link: Link
  natsLink(binary, (opened) => {
    link = opened
  })

  test.each([1, 2])('of %i ranges are published whole, and wait for the server in small numbers', async (ranges) => {
    const namespace = `replayed${ranges}`
    const log = await openJetStreamLog(link, { namespace })
    const [source] = plan.sources as [PlannedSource]
    const { signal } = new AbortController()
    const own = { link, log, namespace, replicas: 1, ranges, source, clock: wallClock, random: Math.random }
    await runFeed({ ...own, notice() {} }, signal)
    const signals = await ReplaySignals.open(link, plan, `of${ranges}`, 1)
    const expected: string[] = []
    const pace = { start: { type: 'all' }, speed: Number.POSITIVE_INFINITY, clock: wallClock, signal } as const
    for (const range of rangesOf(ranges))
      await replayStreams(plan, log, {
        ...{ ...pace, range },
        output(row) {
          signals.write(row)
          if (row.edge === 'above') expected.push(row.id)
        },
        room: () => signals.room,
      })
    const stored = async () => (await link.jsm.streams.info(`bt_of${ranges}-sig-p`)).state.messages
    expect(signals.published - (await stored())).toBeLessThan(6000)
    await signals.flush()
    expect(signals.published).toBe(expected.length)
    expect(await stored()).toBe(expected.length)
    signals.close()
    await log.close()
  })
})
