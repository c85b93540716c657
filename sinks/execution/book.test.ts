import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Book } from './book.ts'
import type { Entry, OrderEvent, SignerEvent } from './entry.ts'
import { hasEnded, IllegalStep, isLegal, mayExecute, type Phase, reduce } from './life.ts'
import { gasPaid, newestOf, nonceOf, type Order } from './order.ts'
import { includedOf, planned, receivedOf, sample_journal, signedOf, simulated } from './sample_entries.ts'

const plain: readonly OrderEvent[] = [
  ...[planned, simulated, includedOf(1), includedOf(2)],
  { type: 'sent', attempt: 1, endpoint: 'a', outcome: 'accepted', code: '', block: 101 },
  { type: 'seen', attempt: 1 },
  { type: 'dropped', attempt: 1 },
  { type: 'reorged', block: 100, block_hash: '0xb1' },
  { type: 'final', head: 120 },
  { type: 'settled' },
  { type: 'reverted', reason: '' },
  { type: 'refunded', reason: '' },
  { type: 'cancelled' },
  { type: 'rejected', code: '', reason: '' },
  { type: 'expired' },
  { type: 'dead', reason: '' },
  { type: 'conflict', reason: '', by: '0x' },
  { type: 'lost', reason: '' },
]
const ids = ['a', 'b', 'c', 'd']
const rare: readonly OrderEvent['type'][] = ['rejected', 'expired', 'dead', 'conflict', 'lost', 'reverted', 'refunded']
type OrderEntry = Extract<Entry, { id: string }>
/** One in eight is anything; the others are what may come next, so that orders get far. */
const move = fc.record({ id: fc.constantFrom(...ids), pick: fc.nat(1e6), wild: fc.nat(7).map((n) => n === 0) })
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never
const moves = (from: number, to: number) => fc.array(move, { minLength: from, maxLength: to, size: 'max' })
function entryOf({ id, pick, wild }: Move, model: Model): OrderEntry {
  const attempts = [1, 2, 3, 4].flatMap((attempt) => [0, 1, 2, 3, 4, 5].map((nonce) => signedOf(nonce, attempt)))
  const every = [receivedOf(id), ...plain, ...attempts].map((event) => ({ at: 1, id, event }))
  const next = every.filter((entry) => model.takes(entry) && (pick % 9 === 0 || !rare.includes(entry.event.type)))
  const from = wild || next.length === 0 ? every : next
  return from[Math.floor(pick / 9) % from.length] as OrderEntry
}

/** What a book must take, in the plainest words. */
class Model {
  readonly phase = new Map<string, Phase>()
  readonly nonces = new Map<string, readonly number[]>()
  copy(): Model {
    const other = new Model()
    for (const [id, phase] of this.phase) other.phase.set(id, phase)
    for (const [id, nonces] of this.nonces) other.nonces.set(id, nonces)
    return other
  }
  takes({ id, event }: OrderEntry): boolean {
    const phase = this.phase.get(id)
    if (event.type === 'received') return phase === undefined
    if (phase === undefined || !isLegal(phase, event.type)) return false
    const own = this.nonces.get(id) ?? []
    if (event.type !== 'signed') return !('attempt' in event) || event.attempt <= own.length
    const others = ids.filter((other) => other !== id).flatMap((other) => this.nonces.get(other) ?? [])
    return event.attempt === own.length + 1 && own.every((n) => n === event.nonce) && !others.includes(event.nonce)
  }
  add({ id, event }: OrderEntry): void {
    const phase = this.phase.get(id)
    if (event.type === 'received') this.phase.set(id, 'received')
    else this.phase.set(id, reduce({ phase: phase as Phase, attempts: 0, block: 0 }, event.type).phase)
    if (event.type === 'signed') this.nonces.set(id, [...(this.nonces.get(id) ?? []), event.nonce])
  }
}
const picture = (book: Book) => structuredClone([[...book.all()], book.open(), book.inFlight(), book.next])

test('takes what may come next and nothing else, whatever is tried', () => {
  const reached = new Set<string>()
  fc.assert(
    fc.property(moves(40, 120), (tries) => {
      const [book, model] = [new Book(), new Model()]
      for (const one of tries) {
        const entry = entryOf(one, model)
        if (model.takes(entry)) {
          book.check([entry])
          book.add(entry)
          model.add(entry)
        } else {
          const before = picture(book)
          expect(() => book.check([entry])).toThrow(IllegalStep)
          expect(() => book.add(entry)).toThrow(IllegalStep)
          expect(picture(book)).toEqual(before)
        }
      }
      const owners = new Map<number, string>()
      for (const { intent, life, attempts } of book.all()) {
        reached.add(life.phase)
        expect(life.phase).toBe(model.phase.get(intent.id))
        expect(attempts.map(({ nonce }) => nonce)).toEqual(model.nonces.get(intent.id) ?? [])
        expect(attempts.map(({ attempt }) => attempt)).toEqual(attempts.map((_, i) => i + 1))
        expect(life.attempts).toBe(attempts.length)
        for (const nonce of new Set(attempts.map((a) => a.nonce))) {
          expect(owners.has(nonce)).toBe(false)
          owners.set(nonce, intent.id)
          expect(book.ofNonce(nonce)).toBe(intent.id)
        }
      }
      expect(book.next ?? 0).toBe(Math.max(-1, ...owners.keys()) + 1)
      const open = [...model.phase].filter(([, phase]) => !hasEnded(phase)).map(([id]) => id)
      expect(book.open().map(({ intent }) => intent.id)).toEqual(open)
      const flying = book.inFlight()
      expect(flying).toHaveLength(open.filter((id) => mayExecute(model.phase.get(id) as Phase)).length)
      expect(flying.map(nonceOf)).toEqual(flying.map(nonceOf).toSorted((a, b) => (a ?? 0) - (b ?? 0)))
    }),
    { numRuns: 150 },
  )
  // the tries were not in vain
  for (const phase of ['sent', 'seen', 'included', 'final', 'settled', 'cancelled']) expect(reached).toContain(phase)
})

test('a group is taken exactly where its entries can follow each other, and checking changes nothing', () => {
  const counts = { taken: 0, refused: 0 }
  fc.assert(
    fc.property(fc.array(moves(2, 6), { minLength: 10, maxLength: 30, size: 'max' }), (groups) => {
      const [book, model] = [new Book(), new Model()]
      for (const tries of groups) {
        const trial = model.copy()
        const group: OrderEntry[] = []
        let legal = true
        for (const one of tries) {
          const entry = entryOf(one, trial)
          group.push(entry)
          legal &&= trial.takes(entry)
          if (legal) trial.add(entry)
        }
        const before = picture(book)
        if (legal) book.check(group)
        else expect(() => book.check(group)).toThrow(IllegalStep)
        expect(picture(book)).toEqual(before)
        counts[legal ? 'taken' : 'refused']++
        if (!legal) continue
        for (const entry of group) {
          book.add(entry)
          model.add(entry)
        }
      }
    }),
    { numRuns: 150 },
  )
  expect(Math.min(counts.taken, counts.refused)).toBeGreaterThan(200)
})

const filled = (...entries: readonly (readonly [id: string, ...events: readonly OrderEvent[]])[]): Book => {
  const book = new Book()
  for (const [id, ...events] of entries) for (const event of events) book.add({ at: 1, id, event })
  return book
}
const note = (book: Book, event: SignerEvent) => book.add({ at: 1, signer: sample_journal.signer, event })
const begun = (id: string, nonce: number) => [id, receivedOf(id), planned, simulated, signedOf(nonce)] as const

describe('an order', () => {
  const sent = (attempt: number, block: number): OrderEvent => ({
    ...{ type: 'sent', attempt, endpoint: 'a', outcome: 'accepted', code: '', block },
  })
  const orderOf = (...events: readonly OrderEvent[]) => filled(['a', receivedOf('a'), ...events]).get('a') as Order

  test('knows its plan, and a new plan is not simulated', () => {
    const dearer = { ...planned, quoted: '7' }
    expect(orderOf(planned, simulated)).toMatchObject({ plan: planned, simulated })
    expect(orderOf(planned, simulated, dearer)).toMatchObject({ plan: dearer, simulated: undefined })
  })
  test('counts how often each attempt was given to a node', () => {
    const order = orderOf(planned, simulated, signedOf(3), sent(1, 101), sent(1, 104), signedOf(3, 2), sent(2, 105))
    expect(order.attempts.map((a) => [a.sends, a.sent])).toEqual([
      [2, 104],
      [1, 105],
    ])
    expect(newestOf(order)?.attempt).toBe(2)
  })
  test('pays for gas where it is included, and no longer where its block is gone', () => {
    const events = [planned, simulated, signedOf(3), includedOf(1)] as const
    expect(gasPaid(orderOf(...events))).toBe(140_000n * 900n)
    expect(gasPaid(orderOf(...events, { type: 'reorged', block: 100, block_hash: '0xb1' }))).toBe(0n)
  })
  test('nothing happens to an attempt that was not signed', () => {
    for (const event of [includedOf(2), sent(2, 101), sent(0, 101), { type: 'seen', attempt: 2 }] as const)
      expect(() => orderOf(planned, simulated, signedOf(3), event)).toThrow(IllegalStep)
  })
})

describe('where the signer stands', () => {
  const opened: SignerEvent = { type: 'opened', nonce: 5, balances: {}, block: 90 }

  test('no nonce is known before there was anything', () => expect(new Book().next).toBeUndefined())
  test('the chain says where it begins, orders where it goes on', () => {
    const book = new Book()
    note(book, opened)
    expect([book.begin, book.next]).toEqual([5, 5])
    for (const event of begun('a', 5).slice(1) as OrderEvent[]) book.add({ at: 1, id: 'a', event })
    expect([book.begin, book.next]).toEqual([5, 6])
  })
  test('a halt lasts until somebody resumes, who may take nonces for nobody', () => {
    const book = filled(begun('a', 5))
    note(book, { type: 'halted', code: 'FOREIGN_NONCE', reason: 'x' })
    expect(book.halt?.code).toBe('FOREIGN_NONCE')
    note(book, { type: 'resumed', nonce: 9, by: 'me' })
    expect([book.halt, book.begin, book.next]).toEqual([undefined, 9, 9])
  })
  test('who resumes below what was signed frees no nonce', () => {
    const book = filled(begun('a', 5))
    note(book, { type: 'resumed', nonce: 5, by: 'me' })
    expect(book.next).toBe(6)
  })
})
