import type { Client } from 'pg'
import { type Clock, pause } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import type { Entry } from './entry.ts'
import type { Journal, JournalOf, OpenedJournal } from './journal.ts'
import { IllegalStep } from './life.ts'
import { APPEND, entriesOf, parametersOf, type Row } from './postgres_entries.ts'
import { connect, drop, isRefusal, reasonOf, unreachable } from './postgres_link.ts'
import { migrate, versionOf } from './postgres_schema.ts'

export interface PostgresOptions {
  readonly clock: Clock
  /** µs an append goes on trying where the database is gone; an order whose entry is not durable is not sent. */
  readonly patience?: number
  /** µs a single answer may take. */
  readonly answer_within?: number
}
const PATIENCE = 30e6
const ANSWER_WITHIN = 10e6
const AGAIN_AFTER = 200e3

interface Stand {
  readonly epoch: number
  readonly last: number
  readonly backend: number
}
async function standOf(client: Client, { chain, signer }: JournalOf): Promise<Stand | undefined> {
  const { rows } = await client.query<Record<keyof Stand, string>>(
    'select epoch, last, backend from tidegate.journals where chain = $1 and signer = $2',
    [chain, signer],
  )
  const [row] = rows
  return row && { epoch: Number(row.epoch), last: Number(row.last), backend: Number(row.backend) }
}

/** A lock of the session: whoever gets it knows that the session before has ended, and all its transactions with it. */
async function lock(client: Client, { chain, signer }: JournalOf): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    "select pg_try_advisory_lock(hashtextextended($1 || ' ' || $2, 0)) as locked",
    [chain, signer],
  )
  return rows[0]?.locked === true
}

/** Ends the session that holds the lock where it is the one named: our own, which may not know that nobody listens. */
const END_SESSION = `
  select pg_terminate_backend(pid) from pg_locks
  where locktype = 'advisory' and granted and pid = $3
    and (classid::bigint << 32) | objid::bigint = hashtextextended($1 || ' ' || $2, 0)`

const locked = ({ chain, signer }: JournalOf, what: string, info: Readonly<Record<string, unknown>> = {}) =>
  new TidegateError('LOG_LOCKED', `the journal of ${signer} on ${chain}: ${what}`, { chain, signer, ...info })

/** What it throws where a question fails, for those who ask once. */
async function asked<T>(client: Client, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    drop(client)
    throw error instanceof TidegateError ? error : unreachable(reasonOf(error))
  }
}

async function entriesIn(client: Client, of: JournalOf, last: number): Promise<readonly Entry[]> {
  const { rows } = await client.query<Row>(
    `select sequence, at, intent, event::text as event, checksum from tidegate.entries
     where chain = $1 and signer = $2 order by sequence`,
    [of.chain, of.signer],
  )
  return entriesOf(of, rows, last)
}

/** Reads a journal beside a living writer, or after one. @throws JOURNAL_CORRUPT, JOURNAL_NEWER, JOURNAL_UNREACHABLE */
export async function readPostgresJournal(
  url: string,
  of: JournalOf,
  { answer_within = ANSWER_WITHIN }: Pick<PostgresOptions, 'answer_within'> = {},
): Promise<{ readonly of: JournalOf; readonly entries: readonly Entry[] } | undefined> {
  const client = await connect(url, answer_within / 1000)
  const read = await asked(client, async () => {
    if ((await versionOf(client)) === 0) return undefined
    await client.query('begin isolation level repeatable read read only')
    const stand = await standOf(client, of)
    return stand && { of, entries: await entriesIn(client, of, stand.last) }
  })
  drop(client)
  return read
}

/**
 * A journal of one signer on one chain in PostgreSQL; tables are created where they are absent. One writer at a time: a
 * lock of the session keeps a second one out, and an epoch that every append compares keeps out a first that lost it.
 * @throws JOURNAL_CORRUPT, JOURNAL_NEWER, JOURNAL_UNREACHABLE; LOG_LOCKED where another session writes to it
 */
export async function openPostgresJournal(
  url: string,
  of: JournalOf,
  options: PostgresOptions,
): Promise<OpenedJournal> {
  const client = await connect(url, (options.answer_within ?? ANSWER_WITHIN) / 1000)
  return asked(client, async () => {
    await migrate(client)
    if (!(await lock(client, of))) {
      const backend = (await standOf(client, of))?.backend
      throw locked(of, `expected no other writer, found session ${backend ?? 'unknown'}`, { backend })
    }
    const { rows } = await client.query<{ epoch: string; last: string }>(
      `insert into tidegate.journals (chain, signer, epoch, last, backend) values ($1, $2, 1, 0, pg_backend_pid())
       on conflict (chain, signer) do update set epoch = journals.epoch + 1, backend = pg_backend_pid()
       returning epoch, last`,
      [of.chain, of.signer],
    )
    const stand = { epoch: Number(rows[0]?.epoch), last: Number(rows[0]?.last) }
    const entries = await entriesIn(client, of, stand.last)
    return { journal: new PostgresJournal(client, stand, { url, of, ...options }), entries }
  })
}

interface Parts extends PostgresOptions {
  readonly url: string
  readonly of: JournalOf
}

class PostgresJournal implements Journal {
  private client: Client
  private readonly epoch: number
  private last: number
  private readonly parts: Parts
  /** Appends wait for those before them. */
  private tail: Promise<unknown> = Promise.resolve()
  /** Why nothing can be appended any more. */
  private end: Error | undefined

  constructor(client: Client, { epoch, last }: Omit<Stand, 'backend'>, parts: Parts) {
    this.client = client
    this.epoch = epoch
    this.last = last
    this.parts = parts
  }

  /** @throws IllegalStep, LOG_LOCKED, LOG_CONFLICT, JOURNAL_UNREACHABLE */
  append(entries: readonly Entry[]): Promise<void> {
    const written = this.tail.then(() => this.write(entries))
    this.tail = written.catch(() => undefined)
    return written
  }

  async close(): Promise<void> {
    await this.tail
    this.end ??= new Error('the journal is closed')
    await this.client.end().catch(() => undefined)
  }

  private async write(entries: readonly Entry[]): Promise<void> {
    if (this.end !== undefined) throw this.end
    if (entries.length === 0) return
    const { of, clock, patience = PATIENCE } = this.parts
    const parameters = parametersOf(of, this.epoch, this.last, entries)
    const wanted = this.last + entries.length
    const until = clock.now() + patience
    for (;;) {
      try {
        const { rowCount } = await this.client.query(APPEND, [...parameters])
        if (rowCount !== 1) throw this.stop(await this.whyNot())
        this.last = wanted
        return
      } catch (error) {
        if (error instanceof TidegateError) throw error
        if (isRefusal(error)) throw refused(error)
        // whether it was committed is not known: what stands there now tells
        if ((await this.reconnect(until)) === wanted) {
          this.last = wanted
          return
        }
        if (clock.now() >= until) throw this.stop(unreachable(`it took no entry: ${reasonOf(error)}`))
      }
    }
  }

  private async whyNot(): Promise<TidegateError> {
    const { of } = this.parts
    const stand = await standOf(this.client, of)
    return stand?.epoch === this.epoch ? conflict(of, this.last, stand.last) : this.taken(stand)
  }
  private taken = (stand: Stand | undefined): TidegateError =>
    locked(this.parts.of, 'another process has taken it over', { epoch: this.epoch, found: stand?.epoch })

  /** The last sequence, by a session that has the lock again. @throws LOG_LOCKED, JOURNAL_UNREACHABLE */
  private async reconnect(until: number): Promise<number> {
    const { url, of, clock, answer_within = ANSWER_WITHIN } = this.parts
    drop(this.client)
    for (;;) {
      let reason = 'the session before has not ended'
      try {
        const client = await connect(url, answer_within / 1000)
        this.client = client
        const mine = await lock(client, of)
        // only after the lock: the transaction of the session before may end until then
        const stand = await standOf(client, of)
        if (stand?.epoch !== this.epoch) throw this.stop(this.taken(stand))
        if (mine) {
          await client.query(
            'update tidegate.journals set backend = pg_backend_pid() where chain = $1 and signer = $2',
            [of.chain, of.signer],
          )
          return stand.last
        }
        await client.query(END_SESSION, [of.chain, of.signer, stand.backend])
        drop(client)
      } catch (error) {
        drop(this.client)
        if (error === this.end) throw error
        reason = error instanceof TidegateError ? error.message : reasonOf(error)
      }
      if (clock.now() >= until)
        throw this.stop(unreachable(`whether an entry was written is not known: ${reason}`, { outcome: 'unknown' }))
      await pause(clock, AGAIN_AFTER)
    }
  }

  private stop<E extends Error>(error: E): E {
    this.end = error
    drop(this.client)
    return error
  }
}

const conflict = ({ chain, signer }: JournalOf, expected: number, found: number) =>
  new TidegateError(
    'LOG_CONFLICT',
    `the journal of ${signer} on ${chain}: expected entry ${expected} to be the last, found ${found}`,
    { expected, found },
  )

/** Keys that an entry would break mean that it cannot come next; anything else is the database's trouble. */
function refused(error: { readonly code?: string | undefined; readonly detail?: string | undefined }): Error {
  if (error.code === '23505' || error.code === '23503')
    return new IllegalStep(`the database refuses an entry: ${error.detail ?? error.code}`)
  return unreachable(reasonOf(error))
}
