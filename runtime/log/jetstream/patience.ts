import { JetStreamApiError } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { TidegateError } from '../../../schemas/errors.ts'

const RETRY = 100

/**
 * Asks until the server answers: an outage and an election are waited out. What the server says itself (no such stream, a
 * setting it does not take) is thrown at once.
 * @throws NATS_UNREACHABLE when the connection is closed, or when nobody answered for `limit` ms
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
      if (error instanceof JetStreamApiError || error instanceof TidegateError) throw error
      if (nc.isClosed() || signal?.aborted === true || performance.now() - began > limit)
        throw new TidegateError('NATS_UNREACHABLE', `no answer from the server: ${reasonOf(error)}`, {}, error)
      await new Promise((resolve) => setTimeout(resolve, RETRY))
    }
  }
}

export const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
