import { beforeEach, describe, expect, test } from 'vitest'
import { isTidegateError } from '../../schemas/errors.ts'
import { journalDatabase } from '../../test/journal_database.ts'
import { type Postgres, postgresFolder } from '../../testing/postgres.ts'
import { type Mishap, SocketRelay } from '../../testing/socket_relay.ts'
import type { Journal } from './journal.ts'
import { readPostgresJournal } from './postgres_journal.ts'
import { countOf, groupOf, groupsOf, sample_journal } from './sample_entries.ts'

const binaries = postgresFolder()

describe.skipIf(binaries === undefined)('the journal in a PostgreSQL that fails (apt-get install postgresql)', () => {
  let server: Postgres
  let database: string
  let url: string
  const { open, read, ask } = journalDatabase(binaries as string, (...on) => {
    ;[server, database, url] = on
  })

  describe('a journal that cannot be trusted is not opened, nor read', () => {
    const spoil = (statement: string) => ask('set session_replication_role = replica', statement)
    beforeEach(async () => {
      const { journal } = await open()
      for (let n = 1; n <= 6; n++) await journal.append(groupOf(n))
      await journal.close()
    })
    test.each([
      [
        'an amount was changed',
        `update tidegate.entries set event = replace(event::text, '3000000000', '3000000001')::json where sequence = 1`,
      ],
      ['a time was changed', 'update tidegate.entries set at = at + 1 where sequence = 2'],
      ['an entry is absent', 'delete from tidegate.entries where sequence = 4'],
      ['the last entry is absent', `delete from tidegate.entries where sequence = ${groupsOf(6).length}`],
      [
        'two entries changed places',
        'update tidegate.entries set sequence = 100 where sequence = 2; update tidegate.entries set sequence = 2 where sequence = 3; update tidegate.entries set sequence = 3 where sequence = 100',
      ],
      [
        'an entry is there that was not written',
        "update tidegate.journals set last = last + 1; insert into tidegate.entries select chain, signer, last, 1, null, null, '{}', '' from tidegate.journals",
      ],
    ])('%s', async (_, statement) => {
      await spoil(statement)
      await expect(read()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' })
      await expect(open()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' })
    })
    test('tables of a newer version', async () => {
      await ask('update tidegate.journal_version set version = 99')
      await expect(read()).rejects.toMatchObject({ code: 'JOURNAL_NEWER', info: { version: 99 } })
      await expect(open()).rejects.toMatchObject({ code: 'JOURNAL_NEWER' })
    })
  })

  describe('a database that goes away', () => {
    let relay: SocketRelay
    let journal: Journal
    beforeEach(async () => {
      relay = await SocketRelay.start(server.socket)
      journal = (await open({ url: server.url(database, relay.folder), patience: 3e6, answer_within: 800e3 })).journal
      await journal.append(groupOf(1))
      return async () => {
        await journal.close()
        await relay.close()
      }
    })

    test.each<readonly [Mishap, string]>([
      ['unheard', 'was not committed, so it is written again'],
      ['unanswered', 'was committed, so it is not written again'],
    ])('a connection lost in an append (%s): it %s', async (mishap) => {
      for (let n = 2; n <= 10; n++) {
        relay.next(mishap, 'tidegate.entries')
        await journal.append(groupOf(n))
        expect(await read()).toEqual(groupsOf(n))
      }
    })

    test('an answer that never comes: the session is let go, and what it did stands once', async () => {
      relay.next('silent', 'tidegate.entries')
      await journal.append(groupOf(2))
      expect(await read()).toEqual(groupsOf(2))
    })

    test('one that answers everything but appends is given up, and nothing was written', async () => {
      relay.always('unheard', 'tidegate.entries')
      await expect(journal.append(groupOf(2))).rejects.toMatchObject({ code: 'JOURNAL_UNREACHABLE' })
      expect(await read()).toEqual(groupsOf(1))
      await expect(journal.append(groupOf(2))).rejects.toMatchObject({ code: 'JOURNAL_UNREACHABLE' })
    })

    test('one that stays away is given up, with nothing known, and nothing is appended after it', async () => {
      relay.next('unanswered', 'tidegate.entries')
      relay.shut = true
      const lost = journal.append(groupOf(2))
      await expect(lost).rejects.toMatchObject({ code: 'JOURNAL_UNREACHABLE', exit: 4, info: { outcome: 'unknown' } })
      relay.shut = false
      await expect(journal.append(groupOf(3))).rejects.toMatchObject({ code: 'JOURNAL_UNREACHABLE' })
      await journal.close()
      // whoever opens it next sees what became of it
      const again = await open()
      expect(again.entries).toEqual(groupsOf(2))
      await again.journal.close()
    })

    test('one lost in an append while another writer came is lost to the other', async () => {
      relay.next('unanswered', 'tidegate.entries')
      relay.shut = true
      const lost = journal.append(groupOf(2))
      const other = await (async () => {
        for (;;) {
          const opened = await open().catch(() => undefined)
          if (opened !== undefined) return opened
        }
      })()
      relay.shut = false
      await expect(lost).rejects.toMatchObject({ code: 'LOG_LOCKED' })
      expect(other.entries).toEqual(groupsOf(2))
      await other.journal.close()
    })

    test('kill -9 of the server between and in appends loses nothing', async () => {
      let done = 1
      let stop = false
      const patient = (await open({ signer: '0xbb', patience: 30e6 })).journal
      const appending = (async () => {
        while (!stop) {
          await patient.append(groupOf(++done))
        }
      })()
      for (let n = 0; n < 3; n++) {
        const before = done
        await expect.poll(() => done).toBeGreaterThan(before + 10)
        await server.kill('SIGKILL')
        await server.restart()
      }
      stop = true
      await appending
      await patient.close()
      const found = (await readPostgresJournal(url, { ...sample_journal, signer: '0xbb' }))?.entries ?? []
      expect(countOf(found.length + 2)).toBe(done)
      expect(done).toBeGreaterThan(30)
    })
  })

  test('no message, fact or cause of an error holds the password or a piece of it', async () => {
    await ask("create role guarded login superuser password 'right'")
    const secret = 'Zq7pw/x#y'
    const host = encodeURIComponent(server.folder)
    const addresses = [
      `postgresql://guarded:${encodeURIComponent(secret)}@localhost/${database}?host=${host}`,
      `postgresql://tidegate:${encodeURIComponent(secret)}@localhost/absent?host=${host}`,
      `postgresql://u:${encodeURIComponent(secret)}@127.0.0.1:1/x`,
      `postgresql://u:${secret}@localhost/x`,
      `postgresql://u:${encodeURIComponent(secret)}@${secret.slice(0, 5)}.invalid/x`,
      `postgresql://${secret.slice(0, 5)}.invalid/x?${secret}`,
      `mysql://u:${secret}@localhost/x`,
      secret,
    ]
    for (const address of addresses) {
      const errors = [open({ url: address }), readPostgresJournal(address, sample_journal)].map((p) =>
        p.then(
          () => undefined,
          (e) => e,
        ),
      )
      for (const error of await Promise.all(errors)) {
        expect(isTidegateError(error) && error.code, address).toBe('JOURNAL_UNREACHABLE')
        const { message, info, cause, stack } = error as Error & { info: unknown }
        expect(JSON.stringify([message, info, cause ?? '', stack])).not.toMatch(/Zq7|Zq7pw|x%23y|x#y/i)
      }
    }
    await expect(open({ url: addresses[0] as string })).rejects.toThrow('it does not take the password (28P01)')
  })
})
