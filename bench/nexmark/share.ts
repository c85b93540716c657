import { once } from 'node:events'
import { openLink } from '../../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../../runtime/log/jetstream/log.ts'
import { layout, type Range, streamOf } from '../../runtime/log/layout.ts'
import { type EndToEnd, endToEnd } from './end_to_end.ts'
import { queries } from './queries.ts'
import { inputOf, NAMESPACE } from './store.ts'

/** One of several processes that share the keys of a query: says when it is warm, and goes on when it is told to. */
async function measure(servers: string, name: string, range: Range): Promise<EndToEnd> {
  const link = await openLink({ servers, name: `bench ${range.part}` })
  const log = await openJetStreamLog(link, { namespace: NAMESPACE })
  const input = await log.stream(inputOf(range))
  const { last } = await input.state()
  const plan = queries[name]!.plan()
  const stage = layout.stage(plan.pipeline, range)
  const found = await endToEnd(plan, log, input, stage, {
    warm: Math.floor(last / 3),
    warmed: async () => {
      process.stdout.write('warm\n')
      await once(process.stdin, 'data')
    },
  })
  await link.jsm.streams.delete(streamOf(NAMESPACE, stage))
  await log.close()
  await link.close()
  return found
}

const [servers = '', query = '', part, of] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await measure(servers, query, { part: Number(part), of: Number(of) })))
process.stdin.destroy()
