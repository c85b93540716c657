import { describe, expect, test } from 'vitest'
import { operators } from '../../operators/catalogue.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { natsLink } from '../../test/nats_link.ts'
import { natsServerBinary } from '../../testing/nats_server.ts'
import { wallClock } from '../clock.ts'
import type { Link } from '../log/jetstream/link.ts'
import { openJetStreamLog } from '../log/jetstream/log.ts'
import { layout, streamOf } from '../log/layout.ts'
import { type PlannedSource, plan } from '../plan.ts'
import { runFeed } from './feed.ts'
import { feedName } from './feed_name.ts'
import { replayStreams } from './stream_replay.ts'

const namespace = 'replayed'
const definition = {
  pipeline: 'p',
  nodes: {
    trades: { source: 'synthetic_market', params: { minutes: 600, seed: 7 } },
    bars: { op: 'time_bars', from: 'trades', params: { every: '10s' } },
  },
}
const planned = plan(definition, { operators, sources, sinks }, 'paper')
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
})
