import { Client } from 'pg'
import { beforeEach, describe, expect, test } from 'vitest'
import { wallClock } from '../../runtime/clock.ts'
import { journalDatabase } from '../../test/journal_database.ts'
import { postgresFolder } from '../../testing/postgres.ts'
import type { Entry, OrderEvent } from './entry.ts'
import type { Journal, OpenedJournal } from './journal.ts'
import { journalContract } from './journal_contract.ts'
import { IllegalStep } from './life.ts'
import { openPostgresJournal, readPostgresJournal } from './postgres_journal.ts'
import { JOURNAL_URL } from './postgres_link.ts'
import { groupOf, groupsOf, planned, receivedOf, sample_journal, signedOf, simulated } from './sample_entries.ts'

const binaries = postgresFolder()

describe.skipIf(binaries === undefined)('the journal in PostgreSQL (apt-get install postgresql)', () => {
  let database: string
  let url: string
  const { open, read, ask } = journalDatabase(binaries as string, (_, ...on) => {
    ;[database, url] = on
  })

  journalContract('PostgreSQL', async () => ({
    open: () => openPostgresJournal(url, sample_journal, { clock: wallClock }),
    read: async () => (await readPostgresJournal(url, sample_journal))?.entries,
    child: { words: [], environment: { [JOURNAL_URL]: url } },
    dispose: async () => undefined,
  }))

  const terminate = () =>
    ask(`select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'tidegate' and datname = current_database()`)
  const entries = (id: string, ...events: readonly OrderEvent[]): readonly Entry[] =>
    events.map((event) => ({ at: 1, id, event }))
  /** The entries of an order up to its first signature. */
  const signed = (id: string, nonce: number) => entries(id, receivedOf(id), planned, simulated, signedOf(nonce))

  describe('one writer', () => {
    test('a session that was ended takes its lock again where nobody else has, and goes on', async () => {
      const { journal } = await open()
      await journal.append(groupOf(1))
      await terminate()
      await journal.append(groupOf(2))
      await expect(open()).rejects.toMatchObject({ code: 'LOG_LOCKED' })
      expect(await read()).toEqual(groupsOf(2))
      await journal.close()
    })

    test('one whose lock went to another never appends again, also after the other has gone', async () => {
      const { journal } = await open()
      await journal.append(groupOf(1))
      await terminate()
      const other = await open()
      expect(other.entries).toEqual(groupsOf(1))
      await expect(journal.append(groupOf(2))).rejects.toMatchObject({ code: 'LOG_LOCKED' })
      await other.journal.append(groupOf(2))
      await other.journal.close()
      await expect(journal.append(groupOf(3))).rejects.toMatchObject({ code: 'LOG_LOCKED' })
      expect(await read()).toEqual(groupsOf(2))
    })

    test('one that lost its lock and kept its session is fenced by the epoch', async () => {
      const { journal } = await open()
      await journal.append(groupOf(1))
      // as behind a pooler that gives each transaction another session
      await ask('update tidegate.journals set epoch = epoch + 1')
      await expect(journal.append(groupOf(2))).rejects.toMatchObject({
        code: 'LOG_LOCKED',
        info: { epoch: 1, found: 2 },
      })
      expect(await read()).toEqual(groupsOf(1))
    })

    test('an entry of somebody else under a living writer is found by the next append, which writes nothing', async () => {
      const { journal } = await open()
      await journal.append(groupOf(3))
      await ask('update tidegate.journals set last = last + 1')
      await expect(journal.append(groupOf(1))).rejects.toMatchObject({
        code: 'LOG_CONFLICT',
        info: { expected: 1, found: 2 },
      })
      await expect(read()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' })
    })

    test('several signers write beside each other', async () => {
      const [one, two] = [await open(), await open({ signer: '0xbb' })]
      await one.journal.append(signed('a', 7))
      await two.journal.append(signed('b', 7))
      expect((await read())?.length).toBe(4)
      await one.journal.close()
      await two.journal.close()
    })
  })

  describe('a database that keeps what is true for ever', () => {
    let opened: OpenedJournal
    let journal: Journal
    beforeEach(async () => {
      opened = await open()
      journal = opened.journal
      await journal.append(signed('a', 7))
      return () => journal.close()
    })
    const refuses = async (given: readonly Entry[], by = journal) => {
      const before = await read()
      await expect(by.append(given)).rejects.toBeInstanceOf(IllegalStep)
      expect(await read()).toEqual(before)
    }

    test('an order is received once, by any signer', async () => {
      await refuses(entries('a', receivedOf('a')))
      const other = await open({ signer: '0xbb' })
      await refuses(entries('a', receivedOf('a')), other.journal)
      await other.journal.close()
    })
    test('an order that was never received has no entries', () => refuses(entries('b', planned)))
    test('a nonce belongs to one order', () => refuses(signed('b', 7)))
    test('a further attempt of another order does not slip past', () =>
      refuses([...signed('b', 8), ...entries('b', signedOf(7, 2))]))
    test('an order has one nonce', async () => {
      await refuses(entries('a', signedOf(8, 2)))
      await refuses(entries('a', signedOf(8, 1)))
    })
    test('attempts of one order share its nonce, and the journal goes on after a refusal', async () => {
      await refuses(signed('b', 7))
      await journal.append(entries('a', signedOf(7, 2), signedOf(7, 3)))
      await journal.append(signed('b', 8))
      expect(await ask('select nonce, intent from tidegate.nonces order by nonce')).toEqual([
        { nonce: '7', intent: 'a' },
        { nonce: '8', intent: 'b' },
      ])
    })
    test('nothing is changed or taken out', async () => {
      for (const table of ['entries', 'intents', 'nonces']) {
        await expect(ask(`delete from tidegate.${table}`)).rejects.toThrow('a journal is never changed')
        await expect(ask(`truncate tidegate.${table} cascade`)).rejects.toThrow('a journal is never changed')
      }
      await expect(ask('update tidegate.entries set at = 2')).rejects.toThrow('a journal is never changed')
    })
    test('every commit is forced to disk, whatever the server would do', async () => {
      await journal.close()
      await ask(`alter database ${database} set synchronous_commit = off`)
      journal = (await open()).journal
      const client = new Client({ connectionString: url })
      await client.connect()
      expect((await client.query('show synchronous_commit')).rows).toEqual([{ synchronous_commit: 'off' }])
      await client.end()
      // what the session of the journal has is seen by a function it runs
      await ask(`create table seen (setting text); create function see() returns trigger language plpgsql as $$
        begin insert into seen values (current_setting('synchronous_commit')); return null; end $$;
        create trigger see after insert on tidegate.entries execute function see()`)
      await journal.append(entries('a', signedOf(7, 2)))
      expect(await ask('select setting from seen')).toEqual([{ setting: 'on' }])
    })
  })
})
