import { z } from 'zod'
import { isTidegateError } from '../../schemas/errors.ts'
import type { DeadLetter } from '../commit.ts'
import { HEADERS, isConflict, refusalOf } from '../log/jetstream/exchange.ts'
import type { Link } from '../log/jetstream/link.ts'
import { patiently } from '../log/jetstream/patience.ts'
import { layout, streamOf } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import { letterSubject, sumOf } from './dead_letters.ts'

export interface Leaving {
  readonly link: Link
  readonly log: Log
  readonly namespace: string
  readonly pipeline: string
}

/**
 * Leaves a letter for who mends its record. One subject per place: a second letter of the same record is refused, whoever
 * sends it; another record stands there where a feed was made anew.
 */
export async function leaveLetter(
  { link, log, namespace, pipeline }: Leaving,
  stage: string,
  letter: Omit<DeadLetter, 'input'> & { readonly stream: string },
): Promise<void> {
  const subject = letterSubject(namespace, pipeline, letter)
  const record = await bytesOf(log, letter)
  const encoded = (kept: string | null, reason: string) =>
    new TextEncoder().encode(JSON.stringify({ pipeline, stage, ...letter, reason, record: kept }))
  const whole = encoded(record, letter.reason)
  // a record that fits a message need not fit one as text
  const fits = whole.byteLength <= link.maxPayload - HEADERS
  const data = fits ? whole : encoded(null, `${letter.reason}; too large for its letter`)
  const dlq = streamOf(namespace, layout.deadLetters)
  for (let last = 0; ; ) {
    const expected = { 'Nats-Expected-Last-Subject-Sequence': String(last) }
    const reply = await link.exchange.insist(subject, data, expected)
    if (reply.type === 'stored') return
    if (!isConflict(reply.code)) throw refusalOf(subject, reply)
    const newest = await patiently(link, () => link.jsm.streams.getMessage(dlq, { last_by_subj: subject }))
    if (newest !== null && isOf(newest.json(), fits ? record : null)) return
    last = newest?.seq ?? 0
  }
}

const Said = z.object({ record: z.string().nullable().default(null), sum: z.int().optional() })
/** Whether a letter, or the mark of a redrive, is of this record. Of what was not kept nobody can tell. */
function isOf(said: unknown, record: string | null): boolean {
  const { record: kept, sum = sumOf({ record: kept }) } = Said.parse(said)
  return sum === undefined || record === null || sum === sumOf({ record })
}

/** The record itself, in base64: its stream may let it go before anybody looks. */
async function bytesOf(log: Log, { stream, seq }: { stream: string; seq: number }): Promise<string | null> {
  const held = await log.open(stream)
  if (held === undefined) return null
  try {
    for await (const { data } of held.read(seq, { limit: 1 })) return Buffer.from(data).toString('base64')
  } catch (error) {
    if (!isTidegateError(error) || error.code !== 'LOG_LOST') throw error
  }
  return null
}
