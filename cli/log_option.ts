import { keepLettingGo } from '../runtime/log/jetstream/let_go.ts'
import { openJetStreamLog } from '../runtime/log/jetstream/log.ts'
import { layout } from '../runtime/log/layout.ts'
import type { Log } from '../runtime/log/log.ts'
import { TidegateError } from '../schemas/errors.ts'
import { numberOption } from './args.ts'
import { namespaceOf, openServer } from './cluster.ts'
import type { RunDirectory } from './run_directory.ts'
import type { Args, Context } from './verb.ts'

export const onJetStream = (args: Args): boolean => {
  const kind = args.value('log') ?? 'embedded'
  if (kind !== 'embedded' && kind !== 'jetstream')
    throw new TidegateError('USAGE', `--log: expected embedded or jetstream, found "${kind}"`)
  return kind === 'jetstream'
}

/** The log of a run: its directory's own, or one on a server. Closing it closes the connection too. */
export async function logOf(
  args: Args,
  context: Context,
  pipeline: string,
  directory: RunDirectory,
  embedded: () => Promise<Log>,
): Promise<{ readonly log: Log; readonly where: string }> {
  if (!onJetStream(args)) return { log: await embedded(), where: directory.log }
  const [namespace, replicas] = [namespaceOf(args), numberOption(args, 'replicas') ?? 1]
  const link = await openServer(args, context, 'worker')
  const log = await openJetStreamLog(link, { namespace, replicas }).catch(async (error: unknown) => {
    await link.close()
    throw error
  })
  const closing = new AbortController()
  const close = async () => {
    closing.abort()
    await log.close()
    await link.close()
  }
  await keepLettingGo({ link, log, namespace, replicas }, [layout.inputs(pipeline), layout.run(pipeline)], {
    signal: closing.signal,
    kept: (reason) => context.io.say(`large records that are gone are kept: ${reason}`),
  })
  return { log: { ...log, close }, where: `${link.nc.getServer()}, namespace ${namespace}` }
}
