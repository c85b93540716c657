import { z } from 'zod'
import { isNoMessage } from '../log/jetstream/api_errors.ts'
import { refusalOf } from '../log/jetstream/exchange.ts'
import type { Link } from '../log/jetstream/link.ts'
import { patiently } from '../log/jetstream/patience.ts'
import { Publisher } from '../log/jetstream/publisher.ts'
import { createdMark, lost, readFrom } from '../log/jetstream/reader.ts'
import { layout, streamOf, subjectOfLog } from '../log/layout.ts'
import { sameProgress } from './feed.ts'
import { provideDeadLetters } from './provide.ts'

/** An input record that could not be read, as it stands in the stream of dead letters. */
export const Letter = z.object({
  pipeline: z.string(),
  stage: z.string(),
  stream: z.string(),
  seq: z.int(),
  code: z.string(),
  reason: z.string(),
  /** The record itself, in base64; null where it was gone already. */
  record: z.string().nullable(),
})
export interface Letter extends Readonly<z.output<typeof Letter>> {
  /** Its place among the dead letters. */
  readonly letter: number
}

/** One subject a letter: the first message is the letter, a second one says that it was redriven. */
export const letterSubject = (
  namespace: string,
  pipeline: string,
  { stream, seq }: { readonly stream: string; readonly seq: number },
): string => `${subjectOfLog(namespace, `${layout.deadLetters}.${pipeline}`)}.${streamOf('', stream).slice(1)}.${seq}`
const Redriven = z.object({ redriven: z.int() })

interface On {
  readonly link: Link
  readonly namespace: string
  readonly replicas: number
}
/** The letters that wait, all or those of a pipeline, oldest first. */
export async function letters({ link, namespace, replicas }: On, pipeline?: string): Promise<readonly Letter[]> {
  const stream = await provideDeadLetters(link, namespace, replicas)
  const info = await link.jsm.streams.info(stream)
  const { first_seq: from, last_seq: until, messages } = info.state
  const waiting = new Map<string, Letter>()
  if (messages === 0) return []
  const { signal } = new AbortController()
  for await (const message of readFrom(link, { stream, from, until, created: createdMark(info), signal }))
    if (Redriven.safeParse(message.json()).success) waiting.delete(message.subject)
    else waiting.set(message.subject, { ...Letter.parse(message.json()), letter: message.seq })
  return [...waiting.values()].filter((letter) => pipeline === undefined || letter.pipeline === pipeline)
}

/** What stands last in a stream of ticks says how far its feed got: so does what comes behind it. */
async function putBehind({ link, namespace, replicas }: On, name: string, data: Uint8Array): Promise<number> {
  const stream = streamOf(namespace, name)
  const end = await Publisher.endOf(link, stream)
  const publisher = new Publisher(link, stream, end, replicas)
  try {
    await publisher.publish({ subject: subjectOfLog(namespace, name), data, headers: sameProgress(end) })
    await publisher.flush()
  } finally {
    publisher.close()
  }
  return end.seq + 1
}

/**
 * Puts the record of a letter at the end of its stream again, and marks it, and what other pipelines said of the same
 * record: their commits may be read again, and must not bring it back. What is repaired may be put in its place.
 */
export async function redrive(on: On, letter: Letter, repaired?: Uint8Array): Promise<number> {
  const { stream, seq, record } = letter
  const bytes = repaired ?? (record === null ? undefined : Buffer.from(record, 'base64'))
  if (bytes === undefined) throw lost(stream, `the record of letter ${letter.letter} was gone before it was kept`)
  const subjectOf = ({ pipeline }: Letter) => letterSubject(on.namespace, pipeline, letter)
  const before = await redrivenAs(on, subjectOf(letter))
  if (before !== undefined) return before
  const others = (await letters(on)).filter((other) => other.stream === stream && other.seq === seq)
  const redriven = await putBehind(on, stream, bytes)
  for (const subject of new Set([letter, ...others].map(subjectOf))) {
    const reply = await on.link.exchange.insist(subject, new TextEncoder().encode(JSON.stringify({ redriven })), {})
    if (reply.type === 'refused') throw refusalOf(subject, reply)
  }
  return redriven
}
/** Where the record of a letter was put, if it was. */
async function redrivenAs({ link, namespace }: On, subject: string): Promise<number | undefined> {
  const stream = streamOf(namespace, layout.deadLetters)
  const ask = () => link.jsm.streams.getMessage(stream, { last_by_subj: subject })
  const last = await patiently(link, ask).catch((error: unknown) => {
    if (isNoMessage(error)) return null
    throw error
  })
  return last === null ? undefined : Redriven.safeParse(last.json()).data?.redriven
}
