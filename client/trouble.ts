import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream'
import { type NatsConnection, PermissionViolationError } from '@nats-io/transport-node'
import { TidegateError } from '../schemas/errors.ts'

/** A stream may be missing for a moment, while a cluster elects or a server starts. */
const MISSING_FOR = 5_000

export const refused = (stream: string, cause: Error): TidegateError =>
  new TidegateError('NATS_REFUSED', `${stream}: the server refused: ${cause.message}`, { stream }, cause)

/** What a closed connection means: an error where it gave up, an end where somebody closed it. */
export async function endOf(connection: NatsConnection): Promise<TidegateError | undefined> {
  const reason = await connection.closed()
  if (!(reason instanceof Error)) return undefined
  return new TidegateError(
    'NATS_UNREACHABLE',
    `the connection was given up: ${reason.message}; connect with maxReconnectAttempts: -1 to wait outages out`,
    {},
    reason,
  )
}

/** Tells trouble that passes from trouble that does not. Nothing that once worked is given up because a server is away. */
export class Patience {
  private readonly stream: string
  private answered = false
  private since: number | undefined

  constructor(stream: string) {
    this.stream = stream
  }
  fine(): void {
    this.answered = true
    this.since = undefined
  }

  /** @throws what will not pass: LOG_LOST, JETSTREAM_OFF, NATS_REFUSED */
  judge(error: unknown): void {
    // a TypeError is a mistake of ours, and would be made again
    if (error instanceof TidegateError || error instanceof TypeError) throw error
    const denied = error instanceof Error ? (error.cause ?? error) : error
    if (denied instanceof PermissionViolationError) throw refused(this.stream, denied)
    const verdict = this.lasting(error)
    if (verdict === undefined) this.since = undefined
    else this.since ??= performance.now()
    if (verdict !== undefined && performance.now() - (this.since as number) >= MISSING_FOR) throw verdict
  }

  /** What it is an error of, should it last. */
  private lasting(error: unknown): TidegateError | undefined {
    const { stream, answered } = this
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      return new TidegateError(
        'LOG_LOST',
        `${stream}: the stream is not there; its pipeline makes it`,
        { stream },
        error,
      )
    if (answered || !(error instanceof Error)) return undefined
    if (error.name === 'JetStreamNotEnabled')
      return new TidegateError(
        'JETSTREAM_OFF',
        `${stream}: the server does not answer for JetStream`,
        { stream },
        error,
      )
    return error instanceof JetStreamApiError ? refused(stream, error) : undefined
  }
}
