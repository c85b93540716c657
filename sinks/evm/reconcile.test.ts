import { expect, test } from 'vitest'
import { Book } from '../execution/book.ts'
import type { Found } from '../execution/decide.ts'
import type { Entry, EventOf, OrderEvent } from '../execution/entry.ts'
import { agrees } from '../execution/finding.ts'
import { planned, receivedOf, sample_journal, signedOf, simulated } from '../execution/sample_entries.ts'
import { Address } from './hex.ts'
import type { ChainSide } from './look_back.ts'
import type { Pair } from './market.ts'
import { compareChain } from './reconcile.ts'

const token = (n: number) => ({ address: Address.parse(`0x${String(n).repeat(40)}`), decimals: 18, native: false })
const [base, quote] = [token(1), token(2)]
const pair: Pair = {
  ...{ key: 'WETH-USDC', base, quote, base_decimals: 18, quote_decimals: 18 },
  ...{ coin: 'neither', slippage: 0, exact: 'in' },
}
const pairs = new Map([[pair.key, pair]])
const { signer } = sample_journal
const coin = 10n ** 18n
const opened: Entry = {
  ...{ at: 0, signer },
  event: {
    ...{ type: 'opened', nonce: 3, block: 90 },
    balances: { coin: coin.toString(), [base.address]: '50', [quote.address]: '1000' },
  },
}
const included = (more: Partial<EventOf<'included'>> = {}): EventOf<'included'> => ({
  ...{ type: 'included', attempt: 1, block: 101, block_hash: '0xb', status: 'ok' },
  ...{ gas: '100', gas_price: '7', paid: '300', got: '20' },
  ...more,
})
const events = (id: string, nonce: number, ...more: readonly OrderEvent[]): readonly Entry[] =>
  [receivedOf(id), planned, simulated, signedOf(nonce), ...more].map((event) => ({ at: 0, id, event }))
const settled: readonly OrderEvent[] = [included(), { type: 'final', head: 110 }, { type: 'settled' }]
function bookOf(...entries: readonly Entry[]): Book {
  const book = new Book()
  for (const entry of [opened, ...entries]) book.add(entry)
  return book
}
const inBlock = (event = included()): Found => ({ is: 'included', event })
/** A chain that holds the one settled order, and what came of it. */
const chain = (more: Partial<ChainSide> = {}): ChainSide => ({
  ...{ head: 120, count: 4, pending: 4, foreign: new Map(), attempts: new Map([['a', [inBlock()]]]) },
  balances: { coin: coin - 700n, [base.address]: 70n, [quote.address]: 700n },
  ...more,
})
const codes = (book: Book, side: ChainSide) => compareChain(book, side, pairs).map(({ code }) => code)
const untouched = { coin, [base.address]: 50n, [quote.address]: 1000n }

test('a settled order that the chain holds, and balances it explains, agree', () => {
  expect(compareChain(bookOf(...events('a', 3, ...settled)), chain(), pairs)).toEqual([])
  expect(compareChain(new Book(), chain(), pairs)).toEqual([])
})

test('what a chain charges beside gas is taken from the coin', () => {
  const event = included({ data_fee: '50' })
  const book = bookOf(...events('a', 3, event, ...settled.slice(1)))
  const side = chain({ attempts: new Map([['a', [inBlock(event)]]]) })
  expect(codes(book, side)).toEqual(['BALANCE_DIFFERS'])
  expect(codes(book, { ...side, balances: { ...side.balances, coin: coin - 750n } })).toEqual([])
  expect(codes(book, chain())).toEqual(['RECEIPT_DIFFERS'])
})

test('what the chain says of an order is held against where the journal sees it', () => {
  const done = bookOf(...events('a', 3, ...settled))
  const seen = (...attempts: readonly Found[]) => ({ attempts: new Map([['a', attempts]]) })
  expect(codes(done, chain({ ...seen({ is: 'absent' }), balances: untouched }))).toEqual(['NOT_IN_CHAIN'])
  const less = inBlock(included({ got: '19' }))
  expect(codes(done, chain(seen(less)))).toEqual(['RECEIPT_DIFFERS', 'BALANCE_DIFFERS'])
  const moved = compareChain(done, chain(seen(inBlock(included({ block: 102, block_hash: '0xc' })))), pairs)
  expect([moved.map(({ code }) => code), agrees(moved)]).toEqual([['OTHER_BLOCK'], true])

  const dead = bookOf(...events('a', 3, { type: 'dead', reason: 'proven' }))
  expect(codes(dead, chain())).toEqual(['ENDED_YET_EXECUTED'])
  const lost = bookOf(...events('a', 3, { type: 'lost', reason: 'nobody knows' }))
  expect(codes(lost, chain({ ...seen({ is: 'absent' }), balances: untouched }))).toEqual(['LOST'])
})

test('what is under way is told, and mends by itself', () => {
  const book = bookOf(...events('a', 3))
  const waiting = { count: 3, pending: 4, balances: untouched }
  for (const is of ['pending', 'absent'] as const) {
    const found = compareChain(book, chain({ ...waiting, attempts: new Map([['a', [{ is }]]]) }), pairs)
    expect([found.map(({ code }) => code), agrees(found)]).toEqual([['UNDER_WAY'], true])
  }
  // the chain is ahead: what it holds already explains the balances
  expect(codes(book, chain())).toEqual(['NOT_YET_NOTED'])
  // in a block after the one the balances are of
  expect(codes(book, chain({ ...waiting, head: 100 }))).toEqual(['NOT_YET_NOTED'])
})

test('nonces are compared from both sides', () => {
  const done = bookOf(...events('a', 3, ...settled))
  const foreign = compareChain(done, chain({ count: 5, pending: 5, foreign: new Map([[4, '0xf']]) }), pairs)
  expect(foreign).toMatchObject([{ code: 'FOREIGN_NONCE', what: 'nonce 4', found: '0xf' }])
  expect(codes(done, chain({ pending: 6 }))).toEqual(['FOREIGN_PENDING'])
  const dead = bookOf(...events('a', 3, { type: 'dead', reason: 'proven' }))
  const nothing = { count: 3, pending: 3, balances: untouched, attempts: new Map([['a', [{ is: 'absent' } as const]]]) }
  expect(codes(dead, chain(nothing))).toEqual(['NONCE_FREE'])
})

test('gas is paid by what reverted or cancelled too, and nothing else is', () => {
  const paid = { balances: { ...untouched, coin: coin - 700n } }
  const failed = included({ status: 'failed', paid: '0', got: '0' })
  const reverted = bookOf(...events('a', 3, failed, { type: 'final', head: 110 }, { type: 'reverted', reason: 'no' }))
  expect(codes(reverted, chain({ ...paid, attempts: new Map([['a', [inBlock(failed)]]]) }))).toEqual([])
  const cancel = included({ attempt: 2 })
  const more: readonly OrderEvent[] = [signedOf(3, 2, { purpose: 'cancel' }), cancel, { type: 'final', head: 110 }]
  const cancelled = bookOf(...events('a', 3, ...more, { type: 'cancelled' }))
  const attempts = new Map<string, readonly Found[]>([['a', [{ is: 'absent' }, inBlock(cancel)]]])
  expect(codes(cancelled, chain({ ...paid, attempts }))).toEqual([])
})

test('differences of balances are told to the unit; a market that is not there makes them unknown', () => {
  const done = bookOf(...events('a', 3, ...settled))
  const found = compareChain(done, chain({ balances: { ...chain().balances, [base.address]: 69n } }), pairs)
  expect(found).toMatchObject([{ code: 'BALANCE_DIFFERS', what: base.address, expected: '70', found: '69' }])
  expect(agrees(found)).toBe(false)
  expect(compareChain(done, chain(), new Map()).map(({ code }) => code)).toEqual(['MARKET_UNKNOWN'])
})

test('after somebody has looked, nonces and balances are counted anew', () => {
  const halted: Entry = { at: 0, signer, event: { type: 'halted', code: 'FOREIGN_NONCE', reason: 'a stranger' } }
  const orders = events('a', 3, ...settled)
  const strange = { count: 5, pending: 5, balances: { coin: 5n, [base.address]: 70n, [quote.address]: 700n } }
  const stopped = bookOf(...orders, halted)
  const before = codes(stopped, chain({ ...strange, foreign: new Map([[4, '0xf']]) }))
  expect(before).toEqual(['SIGNER_HALTED', 'FOREIGN_NONCE', 'BALANCE_DIFFERS'])
  const balances = Object.fromEntries(Object.entries(strange.balances).map(([name, units]) => [name, `${units}`]))
  const events5 = [
    { type: 'resumed', nonce: 5, by: 'me' },
    { type: 'opened', nonce: 5, balances, block: 120 },
  ] as const
  const resumed = bookOf(...orders, halted, ...events5.map((event): Entry => ({ at: 0, signer, event })))
  expect([resumed.halt, resumed.begin, resumed.next]).toEqual([undefined, 5, 5])
  expect(codes(resumed, chain(strange))).toEqual([])
})
