import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { isTidegateError } from '../../schemas/errors.ts'
import { isNoMessage, isNoStream } from '../log/jetstream/api_errors.ts'
import { isConflict, refusalOf } from '../log/jetstream/exchange.ts'
import type { Link } from '../log/jetstream/link.ts'
import { lost } from '../log/jetstream/lost.ts'
import { patiently } from '../log/jetstream/patience.ts'
import { type FoundEnd, Publisher } from '../log/jetstream/publisher.ts'
import { createdMark, readFrom } from '../log/jetstream/reader.ts'
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
  /** The record itself, in base64; null where it was gone already, or too large. */
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
type Mark = z.input<typeof Redriving> | z.input<typeof Redriven>
/** The place of the record of a letter, whoever left it out. */
const placeOf = (subject: string): string => subject.split('.').slice(-2).join('.')
/** A stream that is made anew counts from 1 again: which record stood at a place its bytes tell. */
const recordAt = (subject: string, sum: number | undefined): string => `${placeOf(subject)} ${sum ?? ''}`
/** Of the record of a letter. */
export const sumOf = ({ record }: Pick<Letter, 'record'>): number | undefined =>
  record === null ? undefined : crc32(record)
const markOf = (marks: ReadonlyMap<string, number>, subject: string, letter: Letter): number | undefined =>
  marks.get(recordAt(subject, sumOf(letter))) ?? marks.get(recordAt(subject, undefined))
/** On a record that was put again: the one it stands for. */
const STANDS_FOR = 'Tg-Redriven'

interface On {
  readonly link: Link
  readonly namespace: string
  readonly replicas: number
}
/** How often a redrive takes the end of a stream for another one before it gives way to who writes there. */
const MOST_TRIES = 16

/**
 * The dead letters of a namespace, and what became of them, as far as they were read. Nobody puts a record anywhere before
 * it has said where, as the next to say anything at all: of several that redrive one record each knows where the one before
 * it may put it, and finds it there, or aims at the same place, which takes one.
 */
export class DeadLetters {
  private readonly on: On
  private readonly stream: string
  private readonly all = new Map<string, Letter>()
  /** By record, for all pipelines: where it was put again, and where it was about to be put. */
  private readonly redriven = new Map<string, number>()
  private readonly redriving = new Map<string, number>()
  /** Everything up to here is known. */
  private seen = 0

  private constructor(on: On, stream: string) {
    this.on = on
    this.stream = stream
  }
  static async open(on: On): Promise<DeadLetters> {
    const opened = new DeadLetters(on, await provideDeadLetters(on.link, on.namespace, on.replicas))
    await opened.readOn()
    return opened
  }

  private async readOn(): Promise<void> {
    const { link } = this.on
    const info = await patiently(link, () => link.jsm.streams.info(this.stream, { deleted_details: true }))
    const { first_seq, last_seq, deleted = [] } = info.state
    const { signal } = new AbortController()
    const on = { stream: this.stream, created: createdMark(info), signal }
    for (const stretch of between(Math.max(first_seq, this.seen + 1), last_seq, deleted))
      for await (const batch of readFrom(link, { ...on, ...stretch }))
        for (const message of batch) this.hear(message.subject, message.json(), message.seq)
    this.seen = last_seq
  }
  private hear(subject: string, said: unknown, seq: number): void {
    const [done, begun] = [Redriven.safeParse(said).data, Redriving.safeParse(said).data]
    if (done !== undefined) this.redriven.set(recordAt(subject, done.sum), done.redriven)
    else if (begun !== undefined) this.redriving.set(recordAt(subject, begun.sum), begun.redriving)
    else {
      const letter = { ...Letter.parse(said), letter: seq }
      this.all.set(`${subject} ${sumOf(letter)}`, letter)
    }
  }
  /** Marks a record; false where somebody said something meanwhile, and nothing but what was known may be `known`. */
  private async mark(subject: string, mark: Mark, known = false): Promise<boolean> {
    const data = new TextEncoder().encode(JSON.stringify(mark))
    const expected = known ? { 'Nats-Expected-Last-Sequence': String(this.seen) } : {}
    const reply = await this.on.link.exchange.insist(subject, data, expected)
    if (reply.type === 'refused' && !(known && isConflict(reply.code))) throw refusalOf(subject, reply)
    if (reply.type === 'refused') await this.readOn()
    else {
      this.hear(subject, mark, reply.seq)
      if (reply.seq === this.seen + 1) this.seen = reply.seq
    }
    return reply.type === 'stored'
  }

  /** Those that wait, all or those of a pipeline, oldest first: a record that was put again waits for nobody. */
  waiting(pipeline?: string): readonly Letter[] {
    const isDone = (letter: Letter) =>
      markOf(this.redriven, letterSubject(this.on.namespace, letter.pipeline, letter), letter) !== undefined
    return [...this.all.values()].filter(
      (letter) => !isDone(letter) && (pipeline === undefined || letter.pipeline === pipeline),
    )
  }

  /**
   * Puts the record of a letter at the end of its stream again, once, whichever pipelines left it out and whoever else
   * redrives it, and says so. What is repaired may be put in its place.
   */
  async redrive(letter: Letter, repaired?: Uint8Array): Promise<number> {
    const { link, namespace } = this.on
    const { stream, record } = letter
    const bytes = repaired ?? (record === null ? undefined : Buffer.from(record, 'base64'))
    if (bytes === undefined) throw lost(stream, `the record of letter ${letter.letter} was not kept`)
    const subject = letterSubject(namespace, letter.pipeline, letter)
    const sum = sumOf(letter)
    for (let tries = 1; ; ) {
      const before = markOf(this.redriven, subject, letter)
      if (before !== undefined) return before
      const end = await Publisher.endOf(link, streamOf(namespace, stream)).catch((error: unknown) => {
        throw isNoStream(error) ? lost(stream, `the stream of letter ${letter.letter} is not there any more`) : error
      })
      // who was to say that it was done may have been killed, or be about to say it
      const begun = markOf(this.redriving, subject, letter)
      const there = begun !== undefined && (await this.standsFor(stream, begun)) === placeOf(subject)
      const place = there ? begun : end.seq + 1
      if (!there) {
        if (!(await this.mark(subject, { redriving: place, sum }, true))) continue
        try {
          await this.putBehind(end, stream, bytes, placeOf(subject))
        } catch (error) {
          // a feed was faster, or another redrive
          if (!isTidegateError(error) || error.code !== 'LOG_CONFLICT' || ++tries > MOST_TRIES) throw error
          continue
        }
      }
      await this.mark(subject, { redriven: place, sum })
      return place
    }
  }

  /** What stands last in a stream of ticks says how far its feed got: so does what comes behind it. */
  private async putBehind(end: FoundEnd, name: string, data: Uint8Array, record: string): Promise<void> {
    const { link, namespace, replicas } = this.on
    const publisher = new Publisher(link, streamOf(namespace, name), end, replicas)
    try {
      const headers = { ...sameProgress(end), [STANDS_FOR]: record }
      await publisher.publish({ subject: subjectOfLog(namespace, name), data, headers })
      await publisher.flush()
    } finally {
      publisher.close()
    }
  }
  private async standsFor(name: string, seq: number): Promise<string | undefined> {
    const { link, namespace } = this.on
    const ask = () => link.jsm.streams.getMessage(streamOf(namespace, name), { seq })
    const message = await patiently(link, ask).catch((error: unknown) => {
      if (isNoMessage(error)) return null
      throw error
    })
    return message?.header.get(STANDS_FOR)
  }
}

/** What is there between two places, but for what was deleted: letters are an operator's to throw away. */
function* between(first: number, last: number, deleted: readonly number[]): Generator<{ from: number; until: number }> {
  let from = first
  for (const gone of [...deleted.filter((seq) => seq >= first), last + 1]) {
    if (gone > from) yield { from, until: gone - 1 }
    from = gone + 1
  }
}
