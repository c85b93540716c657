import { requireJetStream } from '../../runtime/log/jetstream/link.ts'
import { codes, isTidegateError } from '../../schemas/errors.ts'
import { openServer } from '../cluster.ts'
import type { Args, Context } from '../verb.ts'
import type { Finding } from './doctor_checks.ts'

/** The server that workers and `--log jetstream` would use. One that was named must answer. */
export async function natsAddress(args: Args, context: Context): Promise<Finding> {
  const part = 'nats address'
  const named = args.value('nats') ?? context.environment['TIDEGATE_NATS']
  try {
    const link = await openServer(args, context, 'operator')
    try {
      await requireJetStream(link)
      return { part, status: 'ok', found: `${link.nc.getServer()}, nats-server ${link.version} with JetStream` }
    } finally {
      await link.close()
    }
  } catch (error) {
    if (!isTidegateError(error)) throw error
    if (named === undefined && error.code === 'NATS_UNREACHABLE')
      return {
        part,
        status: 'absent',
        found: 'none answers at nats://127.0.0.1:4222',
        fix: 'Only workers and `--log jetstream` need one; name it with TIDEGATE_NATS.',
      }
    return { part, status: 'missing', found: error.message, fix: codes[error.code].fix }
  }
}
