import { AckPolicy, DeliverPolicy, type StreamInfo } from '@nats-io/jetstream'
import { nanos, nuid } from '@nats-io/transport-node'
import { TidegateError } from '../../../schemas/errors.ts'
import { isNoStream } from './api_errors.ts'
import type { Link } from './link.ts'
import { lost } from './lost.ts'
import { denialOf, pause, refused } from './patience.ts'
import { Pull } from './pull.ts'
import type { Pulled } from './pulled.ts'

export interface ReadFrom {
  readonly stream: string
  readonly from: number
  /** The mark of creation the reader knows; another one means another stream. */
  readonly created: string
  /** Stops after this sequence. */
  readonly until?: number
  readonly signal: AbortSignal
}

const HEARTBEAT = 500
const EXPIRES = 2_000
/** A consumer that nobody asks is let go. */
const UNUSED = 60_000
const RETRY = 100
/** A stream may be missing for a moment while a cluster finds its leaders. */
export const MISSING_FOR = 5_000

export const createdMark = (info: StreamInfo): string => `${info.config.name}@${info.created}`

/**
 * Messages in order, each once, whatever happens to the server, as many at a time as have come: a consumer that is lost is
 * made again at the sequence that is due. (The client's own ordered consumer is silent for 44 s after a restart.) What
 * cannot be read is an error, where servers would silently begin elsewhere.
 * @throws LOG_LOST, NATS_REFUSED; NATS_UNREACHABLE when it is closed before the end
 */
export async function* readFrom(link: Link, options: ReadFrom): AsyncGenerator<readonly Pulled[]> {
  const { stream, signal, until = Number.POSITIVE_INFINITY } = options
  let next = options.from
  let missingSince: number | undefined
  while (!signal.aborted && next <= until && !link.nc.isClosed()) {
    const consumer = `tg_${nuid.next()}`
    try {
      const info = await link.jsm.streams.info(stream)
      checkHolds(info, next, options.created)
      missingSince = undefined
      await link.jsm.consumers.add(stream, {
        name: consumer,
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: next,
        inactive_threshold: nanos(UNUSED),
        mem_storage: true,
        num_replicas: 1,
      })
    } catch (error) {
      if (error instanceof TidegateError) throw error
      const denied = denialOf(error)
      if (denied !== undefined) throw refused(denied)
      if (isNoStream(error)) {
        missingSince ??= performance.now()
        if (performance.now() - missingSince > MISSING_FOR) throw lost(stream, 'the stream is not there')
      }
      await pause(RETRY, signal)
      continue
    }
    const pull = new Pull(link, { stream, consumer, from: next, until, expires: EXPIRES, heartbeat: HEARTBEAT })
    const stop = () => pull.stop()
    const unfollow = link.on((event) => event !== 'down' && stop())
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    try {
      while (next <= until) {
        const batch = await pull.take()
        if (batch === undefined || signal.aborted) break
        next += batch.length
        yield batch
      }
    } finally {
      unfollow()
      signal.removeEventListener('abort', stop)
      stop()
      // what is not deleted stays until its inactivity is noticed
      void link.jsm.consumers.delete(stream, consumer).catch(() => {})
    }
    if (next <= until) await pause(RETRY, signal)
  }
  if (next <= until && (!signal.aborted || options.until !== undefined))
    throw new TidegateError('NATS_UNREACHABLE', `${stream}: closed before record ${next} was read`, { stream })
}

function checkHolds(info: StreamInfo, from: number, created: string): void {
  const { first_seq, last_seq } = info.state
  const { name } = info.config
  if (createdMark(info) !== created)
    throw lost(name, `expected the stream made as ${created}, found ${createdMark(info)}: it was made anew`)
  if (from > last_seq + 1)
    throw lost(name, `record ${from} is due, but the stream ends at ${last_seq}: it was cut behind our back`)
  if (from < first_seq)
    throw lost(name, `record ${from} is due, but the stream begins at ${first_seq}: its limits let unread records go`)
}
