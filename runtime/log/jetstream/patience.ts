import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream'
import { type NatsConnection, PermissionViolationError } from '@nats-io/transport-node'
import { TidegateError } from '../../../schemas/errors.ts'
import { isNoStream } from './api_errors.ts'

const RETRY = 100
/** "No suitable peers for placement": for a while the word of a cluster that is only forming. */
const NO_PEERS = 10005
const FORMING = 15_000
/** "Temporarily unavailable" and "cluster can not handle request": the word of a server whose cluster has no leader now. */
const LEADERLESS: ReadonlySet<number> = new Set([10008, 10009])

/**
 * Asks until the server answers: an outage, an election and the forming of a cluster are waited out. What the server says
 * itself (no such stream, a setting it does not take) is thrown at once.
 * @throws NATS_REFUSED when our role may not ask; NATS_UNREACHABLE when the connection is closed, or when nobody answered for `limit` ms
 */
export async function patiently<T>(
  { nc }: { readonly nc: NatsConnection },
  question: () => Promise<T>,
  limit = Number.POSITIVE_INFINITY,
  signal?: AbortSignal,
): Promise<T> {
  for (const began = performance.now(); ; ) {
    try {
      return await question()
    } catch (error) {
      const forming =
        error instanceof JetStreamApiError && error.code === NO_PEERS && performance.now() - began < FORMING
      const leaderless = error instanceof JetStreamApiError && LEADERLESS.has(error.code)
      const said = error instanceof JetStreamApiError && !forming && !leaderless
      if (said || error instanceof TidegateError) throw error
      const denied = denialOf(error)
      if (denied !== undefined) throw refused(denied)
      if (nc.isClosed() || signal?.aborted === true || performance.now() - began > limit)
        throw new TidegateError('NATS_UNREACHABLE', `no answer from the server: ${reasonOf(error)}`, {}, error)
      await pause(RETRY, signal)
    }
  }
}

/** Waits, at most until the signal aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
    if (signal?.aborted) done()
  })
}

export const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Whether there is a stream: asking first spares roles that only read the right to make one. */
export async function isThere(
  link: { readonly nc: NatsConnection; readonly jsm: JetStreamManager },
  stream: string,
): Promise<boolean> {
  try {
    await patiently(link, () => link.jsm.streams.info(stream))
    return true
  } catch (error) {
    if (isNoStream(error)) return false
    throw error
  }
}

/** What the server did not allow us, if that is what an error tells. */
export function denialOf(error: unknown): PermissionViolationError | undefined {
  if (error instanceof PermissionViolationError) return error
  return error instanceof Error && error.cause !== undefined ? denialOf(error.cause) : undefined
}
export const refused = ({ operation, subject }: PermissionViolationError): TidegateError =>
  new TidegateError(
    'NATS_REFUSED',
    operation === 'publish'
      ? `our role may not publish "${subject}"`
      : `our role may not hear "${subject}": the credentials are those of another role`,
    { operation, subject },
  )
