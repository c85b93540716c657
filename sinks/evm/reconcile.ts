import type { Book } from '../execution/book.ts'
import type { Found } from '../execution/decide.ts'
import type { EventOf } from '../execution/entry.ts'
import { type Finding, finding } from '../execution/finding.ts'
import { hasEnded, mayExecute } from '../execution/life.ts'
import { costOf, nonceOf, type Order } from '../execution/order.ts'
import type { ChainSide } from './look_back.ts'
import type { Pair } from './market.ts'

// A journal against a chain, on the union of both sides. Nothing here asks or decides: it compares.

/** Everything a journal and a chain do not agree on; nothing where the journal has not begun. */
export function compareChain(book: Book, chain: ChainSide, pairs: ReadonlyMap<string, Pair>): readonly Finding[] {
  if (book.opened === undefined) return []
  const { halt } = book
  return [
    ...(halt === undefined
      ? []
      : [finding('SIGNER_HALTED', 'the signer', 'not halted', `${halt.code}: ${halt.reason}`)]),
    ...[...book.all()].flatMap((order) => compareOrder(order, chain)),
    ...compareNonces(book, chain),
    ...compareBalances(book, chain, pairs),
  ]
}

const inclusionIn = (found: readonly Found[]): EventOf<'included'> | undefined =>
  found.find((one) => one.is === 'included')?.event
const placed = ({ block, status }: EventOf<'included'>): string => `${status} in block ${block}`
const outcome = ({ attempt, status, paid, got, gas, gas_price, data_fee = '0' }: EventOf<'included'>): string =>
  `attempt ${attempt} ${status}, paid ${paid}, got ${got}, gas ${gas} at ${gas_price}, for data ${data_fee}`

function compareOrder(order: Order, { attempts }: ChainSide): readonly Finding[] {
  const found = attempts.get(order.intent.id)
  if (found === undefined) return []
  const { id } = order.intent
  const { phase } = order.life
  const event = inclusionIn(found)
  const known = order.inclusion
  const elsewhere = found.find((one) => one.is === 'elsewhere')
  if (elsewhere !== undefined) {
    const code = hasEnded(phase) ? 'ENDED_YET_EXECUTED' : known === undefined ? 'NOT_YET_NOTED' : 'OTHER_BLOCK'
    const where = `in block ${elsewhere.block}, for ${order.intent.pipeline} to tell`
    return [finding(code, id, known === undefined ? phase : placed(known), where)]
  }
  if (known !== undefined) {
    if (event === undefined)
      return [finding(hasEnded(phase) ? 'NOT_IN_CHAIN' : 'NOT_YET_NOTED', id, placed(known), 'in no block')]
    if (outcome(event) !== outcome(known)) return [finding('RECEIPT_DIFFERS', id, outcome(known), outcome(event))]
    return event.block_hash === known.block_hash ? [] : [finding('OTHER_BLOCK', id, placed(known), placed(event))]
  }
  if (hasEnded(phase)) {
    if (event !== undefined) return [finding('ENDED_YET_EXECUTED', id, phase, placed(event))]
    return phase === 'lost' ? [finding('LOST', id, 'an end', 'nothing that is known')] : []
  }
  if (event !== undefined) return [finding('NOT_YET_NOTED', id, phase, placed(event))]
  const pending = found.some(({ is }) => is === 'pending')
  return [finding('UNDER_WAY', id, `${phase}, nonce ${nonceOf(order) ?? ''}`, pending ? 'pending' : 'at no node')]
}

function compareNonces(book: Book, { count, pending, foreign }: ChainSide): readonly Finding[] {
  const next = book.next ?? 0
  const taken = [...foreign].map(([nonce, holder]) =>
    finding(
      'FOREIGN_NONCE',
      `nonce ${nonce}`,
      book.ofNonce(nonce) ?? 'no transaction',
      holder ?? 'another transaction',
    ),
  )
  const free: Finding[] = []
  for (let nonce = Math.max(count, book.begin); nonce < next; nonce++) {
    const order = book.get(book.ofNonce(nonce) ?? '')
    // what was settled and is in no block any more is told as an order
    if (order !== undefined && (mayExecute(order.life.phase) || order.inclusion !== undefined)) continue
    free.push(
      finding('NONCE_FREE', `nonce ${nonce}`, order?.intent.id ?? 'a transaction', 'none: later ones wait for it'),
    )
  }
  const waiting = pending - Math.max(next, count)
  const strange = waiting > 0 ? [finding('FOREIGN_PENDING', 'transactions on their way', 0, waiting)] : []
  return [...taken, ...free, ...strange]
}

/** What balances should be: those the journal began with, and what its orders moved up to a block. */
function expectedBalances(
  book: Book,
  { head, attempts }: Pick<ChainSide, 'head' | 'attempts'>,
  pairs: ReadonlyMap<string, Pair>,
): { readonly balances: ReadonlyMap<string, bigint>; readonly unknown: ReadonlySet<string> } {
  const opened = book.opened ?? { balances: {}, block: 0 }
  const balances = new Map(Object.entries(opened.balances).map(([name, units]) => [name, BigInt(units)]))
  const unknown = new Set<string>()
  const move = (name: string, by: bigint) => {
    const before = balances.get(name)
    if (before !== undefined) balances.set(name, before + by)
  }
  for (const order of book.all()) {
    const found = attempts.get(order.intent.id)
    if (found?.some(({ is }) => is === 'elsewhere')) unknown.add(order.intent.key)
    const event = found === undefined ? order.inclusion : inclusionIn(found)
    if (event === undefined || event.block <= opened.block || event.block > head) continue
    move('coin', -costOf(event))
    const { purpose, key, side } = order.intent
    if (purpose !== 'trade' || event.status !== 'ok' || order.attempts[event.attempt - 1]?.purpose !== 'act') continue
    const pair = pairs.get(key)
    if (pair === undefined) {
      unknown.add(key)
      continue
    }
    const [pay, get] = side === 'buy' ? [pair.quote, pair.base] : [pair.base, pair.quote]
    move(pay.native ? 'coin' : pay.address, -BigInt(event.paid))
    move(get.native ? 'coin' : get.address, BigInt(event.got))
  }
  return { balances, unknown }
}

function compareBalances(book: Book, chain: ChainSide, pairs: ReadonlyMap<string, Pair>): readonly Finding[] {
  const { balances, unknown } = expectedBalances(book, chain, pairs)
  if (unknown.size > 0)
    return [...unknown].map((key) =>
      finding('MARKET_UNKNOWN', key, 'a market of the definition', 'none: balances are not compared'),
    )
  return Object.entries(chain.balances).flatMap(([name, found]) => {
    const expected = balances.get(name) ?? 0n
    return expected === found ? [] : [finding('BALANCE_DIFFERS', name, expected, found)]
  })
}
