import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { decodeCommit } from '../commit.ts'
import { Delivery } from '../environment/deliver.ts'
import type { Link } from '../log/jetstream/link.ts'
import { lost } from '../log/jetstream/lost.ts'
import { patiently } from '../log/jetstream/patience.ts'
import { type Outgoing, Publisher } from '../log/jetstream/publisher.ts'
import { createdMark } from '../log/jetstream/reader.ts'
import { layout } from '../log/layout.ts'
import type { Log, LogStream } from '../log/log.ts'
import { committedRows } from '../outputs.ts'
import type { Plan } from '../plan.ts'
import type { Events } from './events.ts'
import { rangesOf } from './feed_name.ts'
import { leaveLetter } from './leave_letter.ts'
import { Mailbox } from './mailbox.ts'
import { provideDeadLetters, provideSignals } from './provide.ts'
import { Reached } from './reached.ts'

export interface ProjectorOptions {
  readonly link: Link
  readonly log: Log
  readonly namespace: string
  readonly replicas: number
  readonly pipeline: string
  readonly ranges: number
  /** The plan of a hash, of any version that was deployed. */
  readonly planOf: (hash: string) => Promise<Plan>
  readonly events: Events
  /** Told of commits that are gone, of which nobody knows whether all they said was published: signals and dead letters. */
  readonly missing: (gone: { readonly stream: string; readonly from: number; readonly to: number }) => void
}

/** Per range the commit whose messages were published last, how many of them, and the mark of the stream it stands in. */
const AT = 'Tg-At'
const Place = z.tuple([z.int(), z.int(), z.string().optional()])
const Position = z.record(z.string(), Place)
/** Commits that were made anew are others, though their numbers are the same. */
const markOf = (created: string): string => crc32(created).toString(36)
/** Messages that are made before the first of them leaves: those of one commit may be more. */
const TOGETHER = 1024

/**
 * Publishes what the sinks of a pipeline say of its commits, each message once and in order, as the only writer of the
 * pipeline's signals. Its checkpoint is the last message there is: every message carries how far it got. How far commits
 * got that said nothing since is told as an event.
 */
export async function project(options: ProjectorOptions, signal: AbortSignal): Promise<void> {
  const { link, log, namespace, pipeline, replicas } = options
  const stream = await provideSignals(link, namespace, pipeline, replicas)
  await provideDeadLetters(link, namespace, replicas)
  const end = await Publisher.endOf(link, stream)
  if (end.forgotten)
    throw lost(
      stream,
      `its ${end.seq} messages are gone, and with the last one how far it got; delete it to publish all again`,
    )
  const at = new Map(Object.entries(Position.parse(JSON.parse(end.headers(AT) || '{}'))))
  const stages = await Promise.all(rangesOf(options.ranges).map((range) => log.stream(layout.stage(pipeline, range))))
  const info = await patiently(link, () => link.jsm.streams.info(stream))
  const reached = await Reached.open(options.events, pipeline, markOf(createdMark(info)), end.seq)
  const places = stages.map((_, r) => at.get(String(r)))
  const starts = await Promise.all(stages.map((stage, r) => begin(stage, places[r], reached, stream, options.missing)))
  // both hold on to the connection until they are closed: nothing may fail between here and `finally`
  const publisher = new Publisher(link, stream, end, replicas)
  const mailbox = new Mailbox(starts, signal)
  const encoder = new TextEncoder()
  let last = end.seq
  const publish = async (messages: readonly Outgoing[]) => {
    await publisher.publish(messages)
    last += messages.length
  }
  const settle = async () => {
    await publisher.flush()
    await reached.say(last)
  }
  try {
    while (!signal.aborted) {
      const outgoing: Outgoing[] = []
      const records = await mailbox.take(64, signal)
      try {
        for (const { seq, data, input = 0 } of records) {
          const commit = decodeCommit(data, seq)
          const name = stages[input]?.name as string
          for (const letter of commit.head.dead ?? [])
            await leaveLetter(options, name, { ...letter, stream: commit.head.inputs[letter.input]?.stream ?? '' })
          if (commit.outputs.length === 0) continue
          const messages = said(await options.planOf(commit.head.plan), seq, commit.outputs, namespace)
          const [newest, count] = at.get(String(input)) ?? [0, 0]
          for (const [n, { subject, message }] of messages.entries()) {
            if (seq === newest && n < count) continue
            at.set(String(input), [seq, n + 1, starts[input]?.mark])
            outgoing.push({
              subject,
              data: encoder.encode(JSON.stringify(message)),
              headers: { [AT]: JSON.stringify(Object.fromEntries(at)) },
            })
          }
          if (outgoing.length < TOGETHER) continue
          await publish(outgoing.splice(0))
        }
      } finally {
        // a commit that cannot be read holds back nothing that was said before it
        await publish(outgoing)
      }
      for (const { seq, input = 0 } of records)
        reached.took(stages[input]?.name as string, seq, starts[input]?.mark as string)
      if (reached.isDue) await settle()
    }
    await settle()
  } finally {
    mailbox.close()
    publisher.close()
  }
}

async function begin(
  stage: LogStream,
  place: z.output<typeof Place> | undefined,
  reached: Reached,
  signals: string,
  missing: ProjectorOptions['missing'],
) {
  // of the commit whose messages stand last, more may have been due
  const [{ first, created }, [last, , known] = [1, 0]] = [await stage.state(), place]
  const mark = markOf(created)
  if (known !== undefined && known !== mark)
    throw lost(stage.name, `it was made anew since its signals were published; delete ${signals} to publish all again`)
  const due = Math.max(last, reached.of(stage.name, mark) + 1)
  if (due < first) missing({ stream: stage.name, from: due, to: first - 1 })
  return { stream: stage, from: Math.max(first, due), mark }
}

/** What the sinks publish of a commit; they hold nothing themselves. */
function said(plan: Plan, seq: number, outputs: readonly Uint8Array[], namespace: string) {
  const messages: { subject: string; message: Readonly<Record<string, unknown>> }[] = []
  const delivery = new Delivery(plan, namespace, () => undefined)
  const subscription = delivery.published.subscribe((published) => messages.push(published))
  delivery.write(committedRows(plan, seq, outputs))
  subscription.unsubscribe()
  delivery.close()
  return messages
}
