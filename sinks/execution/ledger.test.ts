import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Clock, ExecutorAnswer } from '../../runtime/define.ts'
import { Book } from './book.ts'
import type { Entry, OrderEvent } from './entry.ts'
import { openFileJournal, readFileJournal } from './file_journal.ts'
import { Ledger } from './ledger.ts'
import { IllegalStep } from './life.ts'
import type { Order } from './order.ts'
import { includedOf, planned, receivedOf, sample_journal, signedOf, simulated } from './sample_entries.ts'
import { told, type Units } from './told.ts'

const units: Units = { base_decimals: 18, quote_decimals: 6, coin: 'base' }
const of = { run: 'run', pipeline: 'pipeline', node: 'node' }
const clock: Clock = { now: () => 5, after: () => () => undefined }

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidegate-ledger-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const open = (held: (port: string) => number = () => 0, at = directory) => {
  const opened = openFileJournal(at, sample_journal)
  return new Ledger({ opened, signer: sample_journal.signer, of, unitsOf: () => units, held, clock })
}
const listen = (ledger: Ledger) => {
  const heard: ExecutorAnswer[] = []
  const end: { error?: unknown; done?: true } = {}
  ledger.answers.subscribe({
    next: (answers) => {
      heard.push(...answers)
    },
    error: (error: unknown) => {
      end.error = error
    },
    complete: () => {
      end.done = true
    },
  })
  return { heard, end }
}
const settling = (nonce: number): readonly OrderEvent[] => [
  ...[planned, simulated, signedOf(nonce)],
  { type: 'sent', attempt: 1, endpoint: 'a', outcome: 'accepted', code: '', block: 100 },
  ...([includedOf(1), { type: 'final', head: 112 }, { type: 'settled' }] as const),
]

describe('each answer is told exactly once', () => {
  /** Whose an order is: another node, another run, or a helper of ours have one id in three each. */
  const intentOf = (id: number) =>
    id % 5 === 3
      ? { node: 'other' }
      : id % 5 === 4
        ? { run: 'earlier' }
        : id % 5 === 2
          ? ({ purpose: 'allowance' } as const)
          : {}
  const life = fc.record({
    /** Groups appended before anybody listens, and after. */
    before: fc.nat(4),
    after: fc.nat(12),
    /** Answers that reach the log before the process dies. */
    logged: fc.nat(20),
  })

  test('over any number of deaths, whoever listens when, of our orders alone', async () => {
    let lives_told = 0
    let n = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(life, { minLength: 1, maxLength: 8, size: 'max' }),
        fc.infiniteStream(fc.nat(4)),
        async (lives, draws) => {
          const at = join(directory, `${n++}`)
          const log: ExecutorAnswer[] = []
          const steps = new Map<number, number>()
          const group = (): readonly Entry[] => {
            const entries: Entry[] = []
            for (let i = 0; i <= (draws.next().value as number); i++) {
              const id = Math.floor(steps.size / 2) + (draws.next().value as number)
              const done = steps.get(id) ?? 0
              const event = [receivedOf(`${id}`, intentOf(id)), ...settling(id)][done]
              if (event === undefined) continue
              steps.set(id, done + 1)
              entries.push({ at: 1, id: `${id}`, event })
            }
            return entries
          }
          const held = (port: string) => log.filter((answer) => answer.port === port).length
          for (const { before, after, logged } of [
            ...lives,
            { before: 1, after: 1, logged: Number.POSITIVE_INFINITY },
          ]) {
            const ledger = open(held, at)
            let room = logged
            for (let i = 0; i < before; i++) await ledger.append(group())
            ledger.answers.subscribe((answers) => {
              for (const answer of answers) if (room-- > 0) log.push(answer)
            })
            for (let i = 0; i < after; i++) await ledger.append(group())
            await ledger.close()
          }
          const wanted = allTold(readFileJournal(at)?.entries ?? [])
          expect(log).toEqual(wanted)
          lives_told += wanted.length
        },
      ),
      { numRuns: 60 },
    )
    expect(lives_told).toBeGreaterThan(1000)
  })

  /** By the book alone, from the beginning. */
  function allTold(entries: readonly Entry[]): readonly ExecutorAnswer[] {
    const book = new Book()
    return entries.flatMap((entry) => {
      book.add(entry)
      if (!('id' in entry)) return []
      const order = book.get(entry.id) as Order
      return order.intent.node === of.node && order.intent.run === of.run ? told(order, entry.event, units) : []
    })
  }

  test('a trade that settles is told step by step, accepted, traded and filled', async () => {
    const ledger = open()
    const { heard } = listen(ledger)
    await ledger.note('a', [receivedOf('a')])
    await ledger.note('a', settling(3))
    expect(heard.filter(({ port }) => port === 'step').map(({ value }) => (value as { step: string }).step)).toEqual([
      ...['received', 'planned', 'simulated', 'signed', 'sent', 'included', 'final', 'settled'],
    ])
    expect(
      heard.filter(({ port }) => port !== 'step').map(({ port, value }) => [port, (value as { state?: string }).state]),
    ).toEqual([
      ['order', 'accepted'],
      ['fill', undefined],
      ['order', 'filled'],
      ['order', 'cancelled'],
    ])
    // 3000 paid for 0.995 of the one that was ordered, and 140000 gas at 900 wei
    expect(heard.find(({ port }) => port === 'fill')?.value).toMatchObject({
      ...{ side: 'buy', quantity: 99_500_000n, notional: 3000_00000000n, price: 3000 / 0.995 },
    })
    await ledger.close()
  })

  test('how many answers the journal held when it was opened is told by port', async () => {
    const first = open()
    await first.note('a', [receivedOf('a'), ...settling(3)])
    await first.close()
    const ledger = open()
    expect(Object.fromEntries(ledger.heard)).toEqual({ step: 8, order: 3, fill: 1 })
    await ledger.close()
  })
})

describe('what cannot come next never reaches the journal', () => {
  const entriesOf = (id: string, ...events: readonly OrderEvent[]): readonly Entry[] =>
    events.map((event) => ({ at: 1, id, event }))

  test.each<readonly [string, readonly Entry[]]>([
    ['a step out of order', entriesOf('a', { type: 'settled' })],
    ['a group whose end cannot follow its beginning', entriesOf('b', receivedOf('b'), planned, signedOf(9))],
    ['a nonce of another order', entriesOf('b', receivedOf('b'), planned, simulated, signedOf(3))],
    [
      'one nonce twice in a group',
      ['b', 'c'].flatMap((id) => entriesOf(id, receivedOf(id), planned, simulated, signedOf(9))),
    ],
  ])('%s', async (_, entries) => {
    const ledger = open()
    const { heard } = listen(ledger)
    await ledger.note('a', [receivedOf('a'), planned, simulated, signedOf(3)])
    const before = [readFileJournal(directory), heard.length, [...ledger.book.all()]]
    await expect(ledger.append(entries)).rejects.toBeInstanceOf(IllegalStep)
    expect([readFileJournal(directory), heard.length, [...ledger.book.all()]]).toEqual(before)
    await ledger.note('a', [signedOf(3, 2)])
    await ledger.close()
    const again = open()
    expect(again.book.get('a')?.attempts).toHaveLength(2)
    await again.close()
  })

  test('an order that is given twice at the same time is received once', async () => {
    const ledger = open()
    const given = [ledger.note('a', [receivedOf('a')]), ledger.note('a', [receivedOf('a')])]
    expect((await Promise.allSettled(given)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    await ledger.close()
    expect(readFileJournal(directory)?.entries).toHaveLength(1)
  })
})

describe('an end', () => {
  test('a journal that fails tells nothing and remembers nothing of what it may not hold', async () => {
    const ledger = open()
    const { heard } = listen(ledger)
    await ledger.close()
    await expect(ledger.note('a', [receivedOf('a')])).rejects.toThrow('closed')
    expect(heard).toEqual([])
    expect(ledger.book.get('a')).toBeUndefined()
  })
  test.each(['before', 'after'])('why it cannot go on is heard by who listened %s, after the answers', async (when) => {
    const ledger = open()
    const error = new Error('no')
    const early = when === 'before' ? listen(ledger) : undefined
    await ledger.note('a', [receivedOf('a')])
    ledger.fail(error)
    const { heard, end } = early ?? listen(ledger)
    expect([heard.length, end.error]).toEqual([2, error])
    await ledger.close()
  })
  test.each(['before', 'after'])('closing completes who listened %s', async (when) => {
    const ledger = open()
    const early = when === 'before' ? listen(ledger) : undefined
    await ledger.note('a', [receivedOf('a')])
    await ledger.close()
    const { heard, end } = early ?? listen(ledger)
    expect([heard.length, end.done]).toEqual([2, true])
  })
})
