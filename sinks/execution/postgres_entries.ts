import { crc32 } from 'node:zlib'
import { TidegateError } from '../../schemas/errors.ts'
import { Entry } from './entry.ts'
import type { JournalOf } from './journal.ts'
import { isOrderEntry } from './order.ts'

/** A row as it is read; numbers of 64 bits come as text. */
export interface Row {
  readonly sequence: string
  readonly at: number
  readonly intent: string | null
  readonly event: string
  readonly checksum: string
}

/**
 * One statement, so one transaction of one round trip: the fence first, and nothing where it does not hold.
 * $1 chain, $2 signer, $3 epoch, $4 last sequence, $5-$9 columns of the entries, $10 orders received, $11-$12 nonces.
 */
export const APPEND = `
  with fence as (
    update tidegate.journals set last = last + cardinality($5::float8[])
    where chain = $1 and signer = $2 and epoch = $3::bigint and last = $4::bigint
    returning last
  ), received as (
    insert into tidegate.intents (id, chain, signer)
    select id, $1, $2 from fence, unnest($10::text[]) as given (id)
  ), reserved as (
    insert into tidegate.nonces (chain, signer, nonce, intent)
    select $1, $2, nonce, intent from fence, unnest($11::bigint[], $12::text[]) as given (nonce, intent)
  ), written as (
    insert into tidegate.entries (chain, signer, sequence, at, intent, nonce, event, checksum)
    select $1, $2, $4::bigint + place, at, intent, nonce, event, checksum
    from fence, unnest($5::float8[], $6::text[], $7::bigint[], $8::json[], $9::text[])
      with ordinality as given (at, intent, nonce, event, checksum, place)
  )
  select last from fence`

const checksumOf = (sequence: number, at: number, intent: string | null, event: string): string =>
  crc32(`${sequence} ${at} ${intent ?? ''} ${event}`)
    .toString(16)
    .padStart(8, '0')

/** The parameters of APPEND. */
export function parametersOf(
  { chain, signer }: JournalOf,
  epoch: number,
  last: number,
  entries: readonly Entry[],
): readonly unknown[] {
  const orders = entries.filter(isOrderEntry)
  // further attempts use the reservation of the first: the key of entries holds them to it
  const first = orders.flatMap(({ id, event }) =>
    event.type === 'signed' && event.attempt === 1 ? [{ id, nonce: event.nonce }] : [],
  )
  const columns = entries.map((entry, i) => {
    const { at, event } = entry
    const intent = isOrderEntry(entry) ? entry.id : null
    const text = JSON.stringify(event)
    const nonce = event.type === 'signed' ? event.nonce : null
    return { at, intent, nonce, text, checksum: checksumOf(last + i + 1, at, intent, text) }
  })
  return [
    ...[chain, signer, epoch, last],
    columns.map(({ at }) => at),
    columns.map(({ intent }) => intent),
    columns.map(({ nonce }) => nonce),
    columns.map(({ text }) => text),
    columns.map(({ checksum }) => checksum),
    orders.flatMap(({ id, event }) => (event.type === 'received' ? [id] : [])),
    first.map(({ nonce }) => nonce),
    first.map(({ id }) => id),
  ]
}

/** @throws JOURNAL_CORRUPT where the rows are not those that were written */
export function entriesOf({ chain, signer }: JournalOf, rows: readonly Row[], last: number): readonly Entry[] {
  const corrupt = (sequence: number, what: string) =>
    new TidegateError(
      'JOURNAL_CORRUPT',
      `the journal of ${signer} on ${chain}: entry ${sequence}: ${what}; nothing is signed from a journal that cannot be trusted`,
      { chain, signer, sequence },
    )
  const entries = rows.map(({ sequence, at, intent, event, checksum }, i) => {
    if (Number(sequence) !== i + 1) throw corrupt(i + 1, `it is absent, and entry ${sequence} is there`)
    if (checksum !== checksumOf(i + 1, at, intent, event)) throw corrupt(i + 1, 'its checksum does not fit')
    const value = { at, ...(intent === null ? { signer } : { id: intent }), event: JSON.parse(event) as unknown }
    const parsed = Entry.safeParse(value)
    if (!parsed.success) throw corrupt(i + 1, `unknown entry: ${parsed.error.issues[0]?.message ?? ''}`)
    return parsed.data as Entry
  })
  if (entries.length !== last) throw corrupt(last, `expected ${last} entries, found ${entries.length}`)
  return entries
}
