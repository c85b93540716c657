import { setTimeout as after } from 'node:timers/promises'
import { type Consumer, type ConsumerMessages, type JsMsg, jetstreamManager } from '@nats-io/jetstream'
import {
  type NatsConnection,
  PermissionViolationError,
  type QueuedIterator,
  type Status,
} from '@nats-io/transport-node'
import { type From, Place } from './place.ts'
import { endOf, Patience, refused } from './trouble.ts'

export interface Wanted {
  readonly stream: string
  /** Only messages of this subject. */
  readonly filter: string | undefined
  readonly from: From
  readonly created: string | undefined
}
export interface Taken {
  readonly message: JsMsg
  readonly created: string
}

const API_TIMEOUT = 2_000
/** The shortest heartbeat servers allow: a reader that hears nothing for twice this looks again. */
const HEARTBEAT = 500
const EXPIRES = 2_000
const RETRY = 100
/** Messages asked for at a time: the most that wait here for a slow reader. */
const WINDOW = 500
/** A consumer that nobody pulls from is gone after this, should we die without a word. */
const INACTIVE = 30_000
/** How often a filtered reader asks whether it is still where the stream is. */
const REFRESH = 600_000
/** What the client library tells of where only a new consumer helps. */
const broken = new Set([
  'reset',
  'consumer_not_found',
  'consumer_deleted',
  'stream_not_found',
  'heartbeats_missed',
  'no_responders',
])

/**
 * Messages of a stream in order, each once, whatever happens to server and connection: a consumer that is lost is made
 * again at the sequence that is due. Ends when `signal` aborts or somebody closes the connection.
 * @throws LOG_LOST, JETSTREAM_OFF, NATS_REFUSED, NATS_UNREACHABLE
 */
export async function* follow(connection: NatsConnection, wanted: Wanted, signal: AbortSignal): AsyncGenerator<Taken> {
  const { stream, filter } = wanted
  const jsm = await jetstreamManager(connection, { timeout: API_TIMEOUT, checkAPI: false })
  const client = jsm.jetstream()
  const place = new Place(stream, wanted.from, filter !== undefined, wanted.created)
  const patience = new Patience(stream)
  let messages: ConsumerMessages | undefined
  let denied: Error | undefined
  let deleted: Promise<unknown> | undefined
  const stop = () => messages?.stop()
  const stopListening = listen(connection, stream, (refusal) => {
    denied ??= refusal
    stop()
  })
  signal.addEventListener('abort', stop, { once: true })

  try {
    while (!signal.aborted) {
      if (denied !== undefined) throw refused(stream, denied)
      if (connection.isClosed()) {
        const failure = await endOf(connection)
        if (failure === undefined) return
        throw failure
      }
      let consumer: Consumer | undefined
      let refresh: NodeJS.Timeout | undefined
      try {
        const info = await jsm.streams.info(stream)
        place.look(info)
        consumer = await client.consumers.get(stream, {
          opt_start_seq: place.next,
          inactive_threshold: INACTIVE,
          ...(filter !== undefined && { filter_subjects: filter }),
        })
        if ((await consumer.info(true)).num_pending === 0) place.nothingUpTo(info.state.last_seq)
        messages = await consumer.consume({ max_messages: WINDOW, expires: EXPIRES, idle_heartbeat: HEARTBEAT })
        patience.fine()
        if (signal.aborted) stop()
        void watch(messages)
        if (filter !== undefined) refresh = setTimeout(stop, REFRESH)
        let seen = 0
        /** Messages that were here before the stream was last seen to hold what is due: none before them is lost. */
        let vouched = 0
        for await (const message of messages) {
          seen++
          const verdict = place.verdict(message.seq)
          if (verdict === 'skip') continue
          if (verdict === 'ask' && seen > vouched) {
            vouched = messages.getReceived()
            place.look(await jsm.streams.info(stream))
          }
          place.take(message.seq)
          yield { message, created: place.streamCreated }
          if (signal.aborted) break
        }
      } catch (error) {
        patience.judge(error)
        await after(RETRY, undefined, { signal }).catch(() => undefined)
      } finally {
        clearTimeout(refresh)
        messages?.stop()
        messages = undefined
        deleted = consumer?.delete().catch(() => undefined)
      }
    }
  } finally {
    signal.removeEventListener('abort', stop)
    stopListening()
    await deleted
  }
}

/** Calls when a consumer is of no use any more: after a reconnect, or when the role may not pull. Gives how to stop. */
function listen(connection: NatsConnection, stream: string, call: (refusal?: Error) => void): () => void {
  // the declared type has no stop(), and an iterator that waits for an event hears of nothing else
  const status = connection.status() as QueuedIterator<Status>
  const pull = `.CONSUMER.MSG.NEXT.${stream}.`
  const run = async () => {
    for await (const event of status) {
      if (event.type === 'reconnect') call()
      if (event.type !== 'error' || !(event.error instanceof PermissionViolationError)) continue
      // a pull has no other answer
      if (event.error.subject.includes(pull)) call(event.error)
    }
  }
  void run()
  return () => status.stop()
}

async function watch(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) if (broken.has(type)) messages.stop()
}
