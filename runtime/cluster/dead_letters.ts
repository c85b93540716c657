import { crc32 } from 'node:zlib'
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

/** One subject a letter: the letter, then where its record is about to be put again, then that it was. */
export const letterSubject = (
  namespace: string,
  pipeline: string,
  { stream, seq }: { readonly stream: string; readonly seq: number },
): string => `${subjectOfLog(namespace, `${layout.deadLetters}.${pipeline}`)}.${streamOf('', stream).slice(1)}.${seq}`
/** Marks made before 2026-11-28 have no sum, and are of any record that stood there. */
const sum = z.int().optional()
const Redriving = z.object({ redriving: z.int(), sum })
const Redriven = z.object({ redriven: z.int(), sum })
/** The place of the record of a letter, whoever left it out. */
const placeOf = (subject: string): string => subject.split('.').slice(-2).join('.')
/** A stream that is made anew counts from 1 again: which record stood at a place its bytes tell. */
const recordAt = (subject: string, sum: number | undefined): string => `${placeOf(subject)} ${sum ?? ''}`
const sumOf = ({ record }: Letter): number | undefined => (record === null ? undefined : crc32(record))
const markOf = (marks: ReadonlyMap<string, number>, subject: string, letter: Letter): number | undefined =>
  marks.get(recordAt(subject, sumOf(letter))) ?? marks.get(recordAt(subject, undefined))
/** On a record that was put again: the one it stands for. */
const STANDS_FOR = 'Tg-Redriven'

interface On {
  readonly link: Link
  readonly namespace: string
  readonly replicas: number
}
interface Written {
  readonly letters: ReadonlyMap<string, Letter>
  /** By record, for all pipelines: where it was put again, and where it was about to be put. */
  readonly redriven: ReadonlyMap<string, number>
  readonly redriving: ReadonlyMap<string, number>
}
async function written({ link, namespace, replicas }: On): Promise<Written> {
  const [letters, redriven, redriving] = [
    new Map<string, Letter>(),
    new Map<string, number>(),
    new Map<string, number>(),
  ]
  const stream = await provideDeadLetters(link, namespace, replicas)
  const info = await link.jsm.streams.info(stream)
  const { first_seq: from, last_seq: until, messages } = info.state
  if (messages === 0) return { letters, redriven, redriving }
  const { signal } = new AbortController()
  for await (const batch of readFrom(link, { stream, from, until, created: createdMark(info), signal }))
    for (const { seq, message } of batch) {
      const said: unknown = message.json()
      const [done, begun] = [Redriven.safeParse(said).data, Redriving.safeParse(said).data]
      if (done !== undefined) redriven.set(recordAt(message.subject, done.sum), done.redriven)
      else if (begun !== undefined) redriving.set(recordAt(message.subject, begun.sum), begun.redriving)
      else letters.set(message.subject, { ...Letter.parse(said), letter: seq })
    }
  return { letters, redriven, redriving }
}

/** The letters that wait, all or those of a pipeline, oldest first: a record that was put again waits for nobody. */
export async function letters(on: On, pipeline?: string): Promise<readonly Letter[]> {
  const { letters: all, redriven } = await written(on)
  return [...all].flatMap(([subject, letter]) =>
    markOf(redriven, subject, letter) !== undefined || (pipeline !== undefined && letter.pipeline !== pipeline)
      ? []
      : [letter],
  )
}

/**
 * Puts the record of a letter at the end of its stream again, once, whichever pipelines left it out, and says so. What is
 * repaired may be put in its place.
 */
export async function redrive(on: On, letter: Letter, repaired?: Uint8Array): Promise<number> {
  const { stream, record } = letter
  const bytes = repaired ?? (record === null ? undefined : Buffer.from(record, 'base64'))
  if (bytes === undefined) throw lost(stream, `the record of letter ${letter.letter} was gone before it was kept`)
  const subject = letterSubject(on.namespace, letter.pipeline, letter)
  const said = await written(on)
  const before = markOf(said.redriven, subject, letter)
  if (before !== undefined) return before
  const say = async (mark: z.input<typeof Redriving> | z.input<typeof Redriven>) => {
    const data = new TextEncoder().encode(JSON.stringify({ ...mark, sum: sumOf(letter) }))
    const reply = await on.link.exchange.insist(subject, data, {})
    if (reply.type === 'refused') throw refusalOf(subject, reply)
  }
  // who was to say that it was done may have been killed
  const begun = markOf(said.redriving, subject, letter)
  const there = begun !== undefined && (await standsFor(on, stream, begun)) === placeOf(subject)
  const place = there ? begun : await putBehind(on, stream, bytes, placeOf(subject), say)
  await say({ redriven: place })
  return place
}

/** What stands last in a stream of ticks says how far its feed got: so does what comes behind it. */
async function putBehind(
  { link, namespace, replicas }: On,
  name: string,
  data: Uint8Array,
  record: string,
  announce: (mark: z.input<typeof Redriving>) => Promise<void>,
): Promise<number> {
  const stream = streamOf(namespace, name)
  const end = await Publisher.endOf(link, stream)
  const place = end.seq + 1
  await announce({ redriving: place })
  const publisher = new Publisher(link, stream, end, replicas)
  try {
    const headers = { ...sameProgress(end), [STANDS_FOR]: record }
    await publisher.publish({ subject: subjectOfLog(namespace, name), data, headers })
    await publisher.flush()
  } finally {
    publisher.close()
  }
  return place
}
async function standsFor({ link, namespace }: On, name: string, seq: number): Promise<string | undefined> {
  const ask = () => link.jsm.streams.getMessage(streamOf(namespace, name), { seq })
  const message = await patiently(link, ask).catch((error: unknown) => {
    if (isNoMessage(error)) return null
    throw error
  })
  return message?.header.get(STANDS_FOR)
}
