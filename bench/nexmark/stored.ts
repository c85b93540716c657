import { openLink } from '../../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../../runtime/log/jetstream/log.ts'
import { streamOf, subjectOfLog } from '../../runtime/log/layout.ts'
import { stageName } from '../../runtime/stage.ts'
import { clientAlone } from './client_alone.ts'
import { type EndToEnd, endToEnd } from './end_to_end.ts'
import { queries } from './queries.ts'
import type { Spent } from './stopwatch.ts'
import { INPUT, NAMESPACE } from './store.ts'

/** What one process says of a query over the stored stream. */
export interface Stored {
  readonly stage: EndToEnd
  readonly uncommitted: Spent
  readonly client: Spent
}

/** Takes the stored stream through a stage, then the same records and as many bytes through the client alone. */
async function measure(servers: string, name: string, warm: number): Promise<Stored> {
  const link = await openLink({ servers, name: 'bench' })
  const log = await openJetStreamLog(link, { namespace: NAMESPACE })
  const input = await log.stream(INPUT)
  const { last: records } = await input.state()
  const plan = queries[name]!.plan()
  const stage = await endToEnd(plan, log, input, stageName(plan.pipeline), { warm })
  const uncommitted = await endToEnd(plan, log, input, `${stageName(plan.pipeline)}.none`, { warm, committing: false })
  const copy = `copy.${plan.pipeline}`
  await log.stream(copy)
  const client = await clientAlone(link, {
    from: streamOf(NAMESPACE, INPUT),
    to: subjectOfLog(NAMESPACE, copy),
    records,
    warm,
    bytes: Math.round(stage.commit_bytes / stage.commits),
    every: (records - warm) / stage.commits,
  })
  for (const made of [stageName(plan.pipeline), `${stageName(plan.pipeline)}.none`, copy])
    await link.jsm.streams.delete(streamOf(NAMESPACE, made))
  await log.close()
  await link.close()
  return { stage, uncommitted, client }
}

const [servers = '', query = '', warm] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await measure(servers, query, Number(warm))))
