import { z } from 'zod'
import { TidegateError } from '../../schemas/errors.ts'
import type { Link } from '../log/jetstream/link.ts'
import { createdMark, readFrom } from '../log/jetstream/reader.ts'
import type { Log } from '../log/log.ts'
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

/** All letters there are, or those of a pipeline, oldest first. */
export async function letters(
  on: { readonly link: Link; readonly namespace: string; readonly replicas: number },
  pipeline?: string,
): Promise<readonly Letter[]> {
  const { link, namespace, replicas } = on
  const stream = await provideDeadLetters(link, namespace, replicas)
  const info = await link.jsm.streams.info(stream)
  const { first_seq, last_seq, messages } = info.state
  const all: Letter[] = []
  if (messages === 0) return all
  const signal = new AbortController().signal
  for await (const message of readFrom(link, {
    stream,
    from: first_seq,
    until: last_seq,
    created: createdMark(info),
    signal,
    gaps: true,
  })) {
    const letter = { ...Letter.parse(message.json()), letter: message.seq }
    if (pipeline === undefined || letter.pipeline === pipeline) all.push(letter)
  }
  return all
}

/**
 * Puts the record of a letter at the end of its stream again, and takes the letter away. What is repaired may be put in
 * its place.
 */
export async function redrive(
  on: { readonly link: Link; readonly log: Log; readonly namespace: string; readonly replicas: number },
  { letter, stream, record }: Letter,
  repaired?: Uint8Array,
): Promise<number> {
  const bytes = repaired ?? (record === null ? undefined : Buffer.from(record, 'base64'))
  if (bytes === undefined)
    throw new TidegateError('LOG_LOST', `the record of letter ${letter} was gone before it was kept`, { letter })
  const inputs = await on.log.stream(stream)
  const seq = await inputs.append(bytes, (await inputs.state()).last)
  const dead = await provideDeadLetters(on.link, on.namespace, on.replicas)
  await on.link.jsm.streams.deleteMessage(dead, letter)
  return seq
}
