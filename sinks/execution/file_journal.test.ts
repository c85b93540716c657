import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileJournal, readFileJournal } from './file_journal.ts'
import { journalContract } from './journal_contract.ts'
import { sample_journal } from './sample_entries.ts'

journalContract('a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-journal-'))
  const directory = join(folder, 'journal')
  return {
    open: async () => openFileJournal(directory, sample_journal),
    read: async () => readFileJournal(directory)?.entries,
    child: { words: [directory], environment: {} },
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  }
})
