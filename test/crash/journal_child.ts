import { wallClock } from '../../runtime/clock.ts'
import { openFileJournal } from '../../sinks/execution/file_journal.ts'
import { openPostgresJournal } from '../../sinks/execution/postgres_journal.ts'
import { journalUrlOf } from '../../sinks/execution/postgres_link.ts'
import { countOf, groupOf, sample_journal } from '../../sinks/execution/sample_entries.ts'

// Without a handler the signal of a passed file size limit ends the process before the error is seen.
process.on('SIGXFSZ', () => undefined)
const codeOf = (error: unknown) => (error as { code?: string }).code

/**
 * Appends groups of entries to a journal until it is killed and prints the number of each once it is durable (writes to a
 * pipe are synchronous on Linux). Argument: the directory of a file journal; without it, the database of the environment.
 */
const [directory] = process.argv.slice(2)
const { journal, entries } =
  directory === undefined
    ? await openPostgresJournal(journalUrlOf((name) => process.env[name]) ?? '', sample_journal, { clock: wallClock })
    : openFileJournal(directory, sample_journal)
let n = countOf(entries.length) ?? Number.NaN
process.stdout.write(`open ${n}\n`)
try {
  for (;;) {
    await journal.append(groupOf(n + 1))
    process.stdout.write(`${++n}\n`)
  }
} catch (error) {
  const next = await journal.append(groupOf(1)).catch((other: unknown) => codeOf(other))
  process.stdout.write(`failed ${codeOf(error)} after ${n}, then ${next}\n`)
}
