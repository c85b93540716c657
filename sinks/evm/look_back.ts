import { RpcFailure } from '../../runtime/define.ts'
import type { Book } from '../execution/book.ts'
import type { Found } from '../execution/decide.ts'
import type { SignerEvent } from '../execution/entry.ts'
import { mayExecute } from '../execution/life.ts'
import type { Order } from '../execution/order.ts'
import type { Chain, Measures } from './chain.ts'
import { Address, type Hex } from './hex.ts'
import type { Insist } from './insist.ts'
import { type Market, movedFor } from './market.ts'
import type { Nodes } from './nodes.ts'

/** Where a signer stands on its chain, as of one block. */
export interface Stand {
  readonly head: number
  /** Transactions of the signer up to `head`, and those on their way too. */
  readonly count: number
  readonly pending: number
  /** Of the coin and of each token the journal began with, at `head`. */
  readonly balances: Readonly<Record<string, bigint>>
}
/** What a chain says of a signer and of the orders of its journal. */
export interface ChainSide extends Stand {
  /** By the id of the order: what became of each attempt. Orders that were not looked for are not there. */
  readonly attempts: ReadonlyMap<string, readonly Found[]>
  /** Nonces that are taken, and not by what the journal signed; undefined where what took it was not found. */
  readonly foreign: ReadonlyMap<number, Hex | undefined>
}
interface Asking {
  readonly chain: Chain
  readonly nodes: Nodes
  readonly insist: Insist
}
interface Parts extends Pick<Asking, 'chain' | 'insist'> {
  /** As it was read after `stand` was: what is in the chain by then, it knows. */
  readonly book: Book
  readonly stand: Stand
  readonly markets: ReadonlyMap<string, Market>
  /** Every order that was ever signed, or those that have not ended: what has is believed then. */
  readonly orders: 'all' | 'under_way'
}
/** Orders that are asked about at a time. */
const AT_ONCE = 32
/** Foreign transactions that are looked for in their blocks, a few dozen questions each; the others are counted. */
const MOST_HOLDERS = 20

/** What a signer has at the newest block, of the coin and of `names`. @throws ENDPOINT_UNREACHABLE, CHAIN_MISMATCH */
export const standOf = ({ chain, nodes, insist }: Asking, names: readonly string[]): Promise<Stand> =>
  insist(async () => {
    const from = nodes.pick()
    const { number: head } = await chain.head(from)
    const [count, pending] = [await chain.count(head, from), await chain.count('pending', from)]
    return { head, count, pending, balances: await balancesAt(chain, names, head, from) }
  })

/** Where a journal begins, or begins anew: what the signer has from then on is this and what orders move. */
export const openedAt = ({ count, head, balances }: Stand): SignerEvent => ({
  type: 'opened',
  nonce: count,
  balances: Object.fromEntries(Object.entries(balances).map(([name, units]) => [name, units.toString()])),
  block: head,
})
/** The coin, and each token of some markets. */
export const namesOf = (markets: Iterable<Market>): readonly string[] => [
  ...new Set(['coin', ...[...markets].flatMap(({ base, quote }) => [base.address, quote.address])]),
]

/** Reads a chain for comparison with a journal. @throws ENDPOINT_UNREACHABLE, CHAIN_MISMATCH */
export async function lookBack(parts: Parts): Promise<ChainSide> {
  const { book, chain, insist, stand } = parts
  const attempts = await attemptsOf(parts)
  const foreign = new Map<number, Hex | undefined>()
  for (let nonce = book.begin; nonce < stand.count && book.opened !== undefined; nonce++) {
    if (isOurs(book.get(book.ofNonce(nonce) ?? ''), attempts)) continue
    const look = () => insist(() => chain.holderOf(nonce, stand.head))
    foreign.set(nonce, foreign.size < MOST_HOLDERS ? (await look())?.transaction : undefined)
  }
  return { ...stand, attempts, foreign }
}

/** What a signer has of the coin and of tokens at a block, by one node. @throws RpcFailure */
async function balancesAt(
  chain: Chain,
  names: readonly string[],
  at: number,
  from: string,
): Promise<Readonly<Record<string, bigint>>> {
  const balances: Record<string, bigint> = {}
  for (const name of names)
    balances[name] =
      name === 'coin' ? await chain.coinBalance(at, from) : await chain.balanceOf(Address.parse(name), at, from)
  return balances
}

async function attemptsOf({ book, chain, markets, insist, orders }: Parts): Promise<ChainSide['attempts']> {
  const wanted = [...book.all()].filter(
    ({ attempts, life }) => attempts.length > 0 && (orders === 'all' || mayExecute(life.phase)),
  )
  const found = new Map<string, readonly Found[]>()
  const measures: Measures = (order, logs) => movedFor(order, markets.get(order.intent.key), chain.signer, logs)
  for (let i = 0; i < wanted.length; i += AT_ONCE)
    await insist(async () => {
      const rest = wanted.slice(i, i + AT_ONCE).filter(({ intent }) => !found.has(intent.id))
      const { sights } = await chain.look(rest, 0, measures)
      for (const [id, { attempts }] of sights) found.set(id, attempts)
      if (sights.size < rest.length)
        throw new RpcFailure('absent', `nothing was heard of ${rest.length - sights.size} orders`)
    })
  return found
}

export const isInBlock = ({ is }: Found): boolean => is === 'included' || is === 'elsewhere'

/** Whether a nonce that is taken was taken by an order of the journal. */
function isOurs(order: Order | undefined, attempts: ChainSide['attempts']): boolean {
  if (order === undefined) return false
  const found = attempts.get(order.intent.id)
  return found === undefined ? order.inclusion !== undefined : found.some(isInBlock)
}
