import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Entry } from './entry.ts'
import type { Journal, OpenedJournal } from './journal.ts'
import { countOf, groupOf, groupsOf, planned, receivedOf, sample_journal } from './sample_entries.ts'

/** A fresh, empty place for a journal of `sample_journal`. */
export interface JournalUnderTest {
  open(): Promise<OpenedJournal>
  /** What a reader beside the writer sees. */
  read(): Promise<readonly Entry[] | undefined>
  /** What test/crash/journal_child.ts must be told to write there. */
  readonly child: { readonly words: readonly string[]; readonly environment: Readonly<Record<string, string>> }
  dispose(): Promise<void>
}

const { signer } = sample_journal
const text = fc.string({ unit: 'binary', maxLength: 40 })
const event = fc.oneof(
  fc.record({ type: fc.constant('halted' as const), code: text, reason: text }),
  fc.record({
    type: fc.constant('opened' as const),
    nonce: fc.nat(),
    block: fc.nat(),
    balances: fc.dictionary(
      fc.stringMatching(/^0x[0-9a-f]{4}$/),
      fc.bigInt(0n, 2n ** 256n).map((n) => `${n}`),
    ),
  }),
)
const entry = fc.record({
  at: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  signer: fc.constant(signer),
  event,
})
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** What every journal must do, whatever it is made of. */
export function journalContract(name: string, prepare: () => Promise<JournalUnderTest>): void {
  describe(`${name} keeps the contract of a journal`, () => {
    let given: JournalUnderTest
    let journals: Journal[]
    const open = async (): Promise<OpenedJournal> => {
      const opened = await given.open()
      journals.push(opened.journal)
      return opened
    }
    const reopened = async (journal: Journal): Promise<readonly Entry[]> => {
      await journal.close()
      journals = journals.filter((other) => other !== journal)
      return (await open()).entries
    }
    beforeEach(async () => {
      given = await prepare()
      journals = []
    })
    afterEach(async () => {
      for (const journal of journals) await journal.close()
      await given.dispose()
    })

    test('is empty at first, and a reader finds none before it was opened', async () => {
      expect(await given.read()).toBeUndefined()
      const { entries } = await open()
      expect(entries).toEqual([])
      expect(await given.read()).toEqual([])
    })

    test('entries read back as they were appended, in order, beside the writer and after it', async () => {
      const { journal } = await open()
      for (let n = 1; n <= 30; n++) await journal.append(groupOf(n))
      expect(await given.read()).toEqual(groupsOf(30))
      expect(await reopened(journal)).toEqual(groupsOf(30))
    })

    test('appends that do not wait for each other keep their order', async () => {
      const { journal } = await open()
      await Promise.all(Array.from({ length: 30 }, (_, i) => journal.append(groupOf(i + 1))))
      expect(await reopened(journal)).toEqual(groupsOf(30))
    })

    test('any words and numbers read back equal, NUL and half a surrogate pair too', async () => {
      let { journal } = await open()
      const all: Entry[] = []
      const odd = { type: 'halted', code: '', reason: 'a\0b\ud800c\n"\\' } as const
      await fc.assert(
        fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 5 }), async (entries) => {
          await journal.append(entries)
          all.push(...(plain(entries) as Entry[]))
        }),
        { numRuns: 60, examples: [[[{ at: 0.1, signer, event: odd }]]] },
      )
      expect(await reopened(journal)).toEqual(all)
      journal = journals[0] as Journal
      await journal.append([{ at: 1, signer, event: { type: 'resumed', nonce: 1, by: 'after all that' } }])
      expect(await given.read()).toHaveLength(all.length + 1)
    }, 30_000)

    test('a group with an entry that cannot be written leaves nothing of itself, and the next one stands', async () => {
      const { journal } = await open()
      await journal.append(groupOf(1))
      const unwritable = { at: 1, id: 'x', event: { ...planned, value: 1n as unknown as string } }
      await expect(journal.append([{ at: 1, id: 'x', event: receivedOf('x') }, unwritable])).rejects.toThrow(/BigInt/)
      expect(await given.read()).toEqual(groupsOf(1))
      await journal.append(groupOf(2))
      expect(await reopened(journal)).toEqual(groupsOf(2))
    })

    test('an append of nothing writes nothing', async () => {
      const { journal } = await open()
      await journal.append([])
      expect(await given.read()).toEqual([])
    })

    test('a second writer is refused until the first has closed; then the first writes no more', async () => {
      const { journal } = await open()
      await journal.append(groupOf(1))
      await expect(given.open()).rejects.toMatchObject({ code: 'LOG_LOCKED' })
      await journal.append(groupOf(2))
      expect(await reopened(journal)).toEqual(groupsOf(2))
      await expect(journal.append(groupOf(3))).rejects.toThrow()
      expect(await given.read()).toEqual(groupsOf(2))
    })

    test('a writer that is killed leaves everything it relied on, and no part of a group', async () => {
      let printed = 0
      for (let round = 0; round < 12; round++) {
        const target = printed + 1 + ((round * 37) % 60)
        printed = Math.max(printed, await killedAt(given.child, target, ((round * 7) % 5) / 2))
        const found = (await given.read()) ?? []
        const count = countOf(found.length)
        expect(count, `round ${round}: the last group is torn`).toBeDefined()
        expect(count).toBeGreaterThanOrEqual(printed)
        expect(found).toEqual(groupsOf(count as number))
        printed = count as number
      }
      expect(printed).toBeGreaterThan(300)
    }, 180_000)
  })
}

/** The last number it printed before it was killed, some ms after it printed `target`. */
async function killedAt({ words, environment }: JournalUnderTest['child'], target: number, after: number) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/crash/journal_child.ts', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  })
  const ended = once(child, 'exit')
  let said = ''
  child.stderr.on('data', (data) => {
    said += data
  })
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('failed')) break
    lines.push(line)
    if (Number(line) === target) setTimeout(() => child.kill('SIGKILL'), after)
  }
  const [, signal] = await ended
  expect(signal, `${said} ${lines.slice(-2)}`).toBe('SIGKILL')
  return Number(lines.at(-1))
}
