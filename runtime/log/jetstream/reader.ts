import { type Consumer, type ConsumerMessages, DeliverPolicy, type JsMsg, type StreamInfo } from '@nats-io/jetstream'
import { TidegateError } from '../../../schemas/errors.ts'
import { isNoStream } from './api_errors.ts'
import type { Link } from './link.ts'
import { denialOf, pause, refused } from './patience.ts'

export interface ReadFrom {
  readonly stream: string
  readonly from: number
  /** The mark of creation the reader knows; another one means another stream. */
  readonly created: string
  /** Stops after this sequence. */
  readonly until?: number
  readonly signal: AbortSignal
}

/** The shortest heartbeat servers allow: a reader that hears nothing for twice this looks again. */
const HEARTBEAT = 500
const EXPIRES = 2_000
/** Messages asked for at a time. */
const WINDOW = 500
const RETRY = 100
/** A stream may be missing for a moment while a cluster finds its leaders. */
export const MISSING_FOR = 5_000
/** What the library tells of where only a new consumer helps. */
const broken = new Set([
  'reset',
  'consumer_not_found',
  'consumer_deleted',
  'stream_not_found',
  'heartbeats_missed',
  'no_responders',
])

export const createdMark = (info: StreamInfo): string => `${info.config.name}@${info.created}`

/**
 * Messages in order, each once, whatever happens to the server: a consumer that is lost is made again at the sequence
 * that is due. (The client's own ordered consumer is silent for 44 s after a restart.) What cannot be read is an error,
 * where servers would silently begin elsewhere.
 * @throws LOG_LOST
 */
export async function* readFrom(link: Link, options: ReadFrom): AsyncGenerator<JsMsg> {
  const { stream, signal, until = Number.POSITIVE_INFINITY } = options
  let next = options.from
  let missingSince: number | undefined
  while (!signal.aborted && next <= until && !link.nc.isClosed()) {
    let consumer: Consumer
    let messages: ConsumerMessages
    try {
      const info = await link.jsm.streams.info(stream)
      checkHolds(info, next, options.created)
      missingSince = undefined
      consumer = await link.js.consumers.get(stream, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: next,
        inactive_threshold: 60_000,
      })
      messages = await consumer.consume({
        max_messages: Math.min(WINDOW, until - next + 1),
        expires: EXPIRES,
        idle_heartbeat: HEARTBEAT,
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
    const stop = () => messages.stop()
    const unfollow = link.on((event) => event !== 'down' && stop())
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    void watch(messages)
    try {
      for await (const message of messages) {
        if (message.seq < next) continue
        if (message.seq > next)
          throw lost(stream, `record ${next} is due, and ${message.seq} came: what lies between was deleted`)
        next = message.seq + 1
        yield message
        if (signal.aborted || next > until) break
      }
    } finally {
      unfollow()
      signal.removeEventListener('abort', stop)
      stop()
      // what is not deleted stays until its inactivity is noticed
      void consumer.delete().catch(() => {})
    }
  }
}

async function watch(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) if (broken.has(type)) messages.stop()
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

export const lost = (stream: string, reason: string): TidegateError =>
  new TidegateError('LOG_LOST', `${stream}: ${reason}`, { stream })
