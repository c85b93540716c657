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

/**
 * Takes the stored stream through a stage, with commits and without, after a pass that does not count: whoever came first
 * would pay for compiling. Then the same records and as many bytes through the client alone.
 */
async function measure(servers: string, name: string, warm: number, committedFirst: boolean): Promise<Stored> {
  const link = await openLink({ servers, name: 'bench' })
  const log = await openJetStreamLog(link, { namespace: NAMESPACE })
  const input = await log.stream(INPUT)
  const { last: records } = await input.state()
  const plan = queries[name]!.plan()
  const none = (to: string) =>
    endToEnd(plan, log, input, `${stageName(plan.pipeline)}.${to}`, { warm, committing: false })
  await none('warm')
  const before = committedFirst ? undefined : await none('none')
  const stage = await endToEnd(plan, log, input, stageName(plan.pipeline), { warm })
  const uncommitted = before ?? (await none('none'))
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
  for (const made of [...['', '.warm', '.none'].map((of) => `${stageName(plan.pipeline)}${of}`), copy])
    await link.jsm.streams.delete(streamOf(NAMESPACE, made))
  await log.close()
  await link.close()
  return { stage, uncommitted, client }
}

const [servers = '', query = '', warm, order] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await measure(servers, query, Number(warm), order === 'committed_first')))
