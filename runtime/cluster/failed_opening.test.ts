import { headers } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { operators } from '../../operators/catalogue.ts'
import { Scalar } from '../../schemas/features.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { natsLink } from '../../test/nats_link.ts'
import { natsServerBinary } from '../../testing/nats_server.ts'
import { wallClock } from '../clock.ts'
import { defineKernel, listed } from '../define.ts'
import type { Link } from '../log/jetstream/link.ts'
import { openJetStreamLog } from '../log/jetstream/log.ts'
import { layout, subjectOfLog } from '../log/layout.ts'
import { type PlannedSource, plan } from '../plan.ts'
import { replay } from '../replay.ts'
import { Events } from './events.ts'
import { runFeed } from './feed.ts'
import { feedName } from './feed_name.ts'
import { project } from './projector.ts'
import { provideSignals } from './provide.ts'
import { replayStreams } from './stream_replay.ts'

const definition = {
  pipeline: 'p',
  nodes: {
    trades: { source: 'synthetic_market', params: { minutes: 1, seed: 7 } },
    bars: { op: 'time_bars', from: 'trades', params: { every: '10s' } },
  },
}
const planned = plan(definition, { operators, sources, sinks }, 'paper')
const source = planned.sources[0] as PlannedSource
const { signal } = new AbortController()

const binary = natsServerBinary()
describe.skipIf(binary === undefined)('what a worker tries again leaves nothing behind', () => {
  let link: Link
  natsLink(binary, (opened) => {
    link = opened
  })

  test.each([1, 2])('a feed over %i ranges, of which one does not say how far it got', async (ranges) => {
    const namespace = `feed${ranges}`
    const log = await openJetStreamLog(link, { namespace })
    const range = { part: ranges - 1, of: ranges }
    const { name } = await log.stream(layout.tick(feedName(source), range))
    await link.js.publish(subjectOfLog(namespace, name), 'of nobody')
    const listeners = link['listeners'].size
    const own = { link, log, namespace, replicas: 1, source, ranges, clock: wallClock, random: Math.random }
    await expect(runFeed({ ...own, notice() {} }, signal)).rejects.toMatchObject({ code: 'LOG_LOST' })
    // the other ranges are opened beside it
    await log.close()
    expect(link['listeners'].size).toBe(listeners)
  })

  test('signals whose last one says nothing of where it stands', async () => {
    const namespace = 'signals'
    const log = await openJetStreamLog(link, { namespace })
    await provideSignals(link, namespace, 'p', 1)
    const at = headers()
    at.set('Tg-At', '{"0":"far"}')
    await link.js.publish(`${namespace}.sig.p.publish.v.A`, '{}', { headers: at })
    const listeners = link['listeners'].size
    const own = {
      link,
      log,
      namespace,
      replicas: 1,
      pipeline: 'p',
      ranges: 1,
      events: await Events.open(link, namespace, 'test', 1),
      planOf: async () => planned,
      missing() {},
    }
    await expect(project(own, signal)).rejects.toThrow()
    expect(link['listeners'].size).toBe(listeners)
    await log.close()
  })

  test('a replay that cannot begin, of a plan with a model', async () => {
    const namespace = 'replays'
    const log = await openJetStreamLog(link, { namespace })
    const { name } = await log.stream(layout.tick(feedName(source)))
    let open = 0
    const model = defineKernel({
      ...{ name: 'model', version: 1, summary: 'A model.', input: Scalar, output: Scalar, params: z.strictObject({}) },
      open() {
        open++
        return { run: (rows) => rows, close: () => open-- }
      },
      example: { params: {}, input: [], output: [] },
    })
    const nodes = { ...definition.nodes, trend: { op: 'ema', from: 'bars', params: { span: 5 } } }
    const asking = { ...definition, nodes: { ...nodes, model: { op: 'model', from: 'trend' } } }
    const modelled = plan(asking, { operators: { ...operators, ...listed(model) }, sources, sinks }, 'paper')
    await expect(replay(modelled, log, { name, inputs: [], after: 5 })).rejects.toMatchObject({ code: 'LOG_LOST' })
    expect(open).toBe(0)
    const place = { range: { part: 0, of: 1 }, start: { type: 'seq', seq: 5 } } as const
    const pace = { speed: Number.POSITIVE_INFINITY, clock: wallClock, signal, output() {} }
    await expect(replayStreams(modelled, log, { ...place, ...pace })).rejects.toMatchObject({ code: 'LOG_LOST' })
    expect(open).toBe(0)
    await log.close()
  })
})
