import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { wallClock } from '../runtime/clock.ts'
import { openPostgresJournal, readPostgresJournal } from '../sinks/execution/postgres_journal.ts'
import { sample_journal } from '../sinks/execution/sample_entries.ts'
import { Postgres } from '../testing/postgres.ts'

/** A server for the tests of a file, and a database of its own for each of them; `set` is given both. */
export function journalDatabase(binaries: string, set: (server: Postgres, database: string, url: string) => void) {
  let server: Postgres
  let url = ''
  beforeAll(async () => {
    server = await Postgres.start(binaries)
  }, 60_000)
  afterAll(() => server?.stop())
  beforeEach(() => {
    const database = server.database()
    url = server.url(database)
    set(server, database, url)
  })
  return {
    open: (more: { url?: string; patience?: number; answer_within?: number; signer?: string } = {}) => {
      const { url: at = url, signer = sample_journal.signer, ...options } = more
      return openPostgresJournal(at, { ...sample_journal, signer }, { clock: wallClock, ...options })
    },
    read: async () => (await readPostgresJournal(url, sample_journal))?.entries,
    /** Asks the database past the journal. */
    ask: async (...statements: readonly string[]): Promise<Record<string, unknown>[]> => {
      const client = new Client({ connectionString: url })
      await client.connect()
      try {
        let rows: Record<string, unknown>[] = []
        for (const statement of statements) rows = (await client.query(statement)).rows
        return rows
      } finally {
        await client.end()
      }
    },
  }
}
