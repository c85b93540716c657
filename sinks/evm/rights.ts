import type { Clock } from '../../runtime/define.ts'
import type { Book } from '../execution/book.ts'
import type { Entry, Intent } from '../execution/entry.ts'
import type { Order } from '../execution/order.ts'
import type { Chain } from './chain.ts'
import type { Signer } from './keys/signer.ts'
import { type Market, tradeOf } from './market.ts'
import { type Grant, grantsOf, missingOf } from './venues/allowances.ts'
import type { Allowance, Call, Trade } from './venues/venue.ts'

/** By what orders stand beside each other. */
interface Beside {
  readonly book: Book
  readonly markets: ReadonlyMap<string, Market>
  readonly signer: Signer
}
interface RightsParts extends Beside {
  readonly chain: Chain
  readonly clock: Clock
  readonly rules: { readonly grant: Grant['grant'] }
}

/**
 * Why an order has to wait for another that gives rights; undefined where it has not. A trade waits for all that give
 * rights over what it pays, whichever market they are for, since a right that is given sets the one before. A right waits
 * for those before it at the same contract: some tokens change none that was not forgotten first.
 */
export function awaited(order: Order, { book, markets, signer }: Beside): string | undefined {
  const pays = ({ intent }: Order) => {
    const market = markets.get(intent.key)
    return market && tradeOf(intent, market, signer.address, 0).pay.address
  }
  const open = book.open()
  const place = open.findIndex(({ intent }) => intent.id === order.intent.id)
  const before =
    order.intent.purpose === 'trade'
      ? open.filter((o) => pays(o) === pays(order))
      : open.slice(0, Math.max(0, place)).filter(({ plan }) => plan?.to === order.plan?.to)
  const helps = before
    .filter(({ intent }) => intent.purpose === 'allowance')
    .find(({ life }) => life.phase !== 'included' && life.phase !== 'final')
  return helps && `rights are given first: ${helps.intent.id}`
}

/**
 * Why a right that was asked for an order was not given; undefined where all were, or none was asked for. It is not asked
 * for again: each try may cost gas.
 */
export function deniedTo(intent: Intent, book: Book): { readonly code: string; readonly reason: string } | undefined {
  for (const { last } of helpersOf(intent, book)) {
    if (last.type !== 'rejected' && last.type !== 'reverted') continue
    const { code = 'REVERTED', reason } = last
    return { code, reason: `a right it needs: ${reason}` }
  }
  return undefined
}
function* helpersOf(intent: Intent, book: Book): Generator<Order> {
  for (let n = 0; ; n++) {
    const helper = book.get(helperOf(intent, n).id)
    if (helper === undefined) return
    yield helper
  }
}

/** The helping transactions that give an order rights, as the journal takes them. */
export function helpFor(intent: Intent, calls: readonly Call[], book: Book, at: number): readonly Entry[] {
  const before = [...helpersOf(intent, book)].length
  return calls.flatMap(({ to, data, value }, n): Entry[] => {
    const helper = helperOf(intent, before + n)
    const plan = { to, data, value: value.toString(), deadline: 0, quoted: '0' }
    return [
      { at, id: helper.id, event: { type: 'received', intent: helper } },
      { at, id: helper.id, event: { type: 'planned', ...plan } },
    ]
  })
}

/** How long a right of Permit2 lasts where it is given for all trades to come, seconds. */
const PERMIT_LASTS = 30 * 86_400
/** What the time of the chain may run ahead meanwhile, seconds. */
const PERMIT_MARGIN = 60

/** The calls that give what a trade needs and does not have, beside what orders under way may still take. */
export async function grantsFor(
  trade: Trade,
  { intent }: Order,
  market: Market,
  parts: RightsParts,
): Promise<readonly Call[]> {
  const { chain, signer, rules, clock } = parts
  const needed = market.venue.allowances(trade).map((a) => ({ ...a, amount: a.amount + committed(a, parts) }))
  const missing = await missingOf(needed, signer.address, trade.deadline, chain)
  if (missing.length === 0) return []
  // the trade is planned anew once they are given, with a later deadline: at the latest as it expires
  const left = Math.max(0, Math.ceil((intent.expires - clock.now()) / 1e6))
  const expiration = trade.deadline + left + (rules.grant === 'max' ? PERMIT_LASTS : PERMIT_MARGIN)
  return grantsOf(missing, signer.address, { grant: rules.grant, expiration }, chain)
}

/** What orders under way may still take by a right, whichever market they are for: it must cover them too. */
function committed(right: Allowance, { book, markets, signer }: RightsParts): bigint {
  const same = (a: Allowance) => a.token === right.token && a.by === right.by && a.spender === right.spender
  const rights = book.inFlight().flatMap(({ intent }) => {
    const market = intent.purpose === 'trade' ? markets.get(intent.key) : undefined
    return market?.venue.allowances(tradeOf(intent, market, signer.address, 0)) ?? []
  })
  return rights.filter(same).reduce((sum, { amount }) => sum + amount, 0n)
}

const helperOf = (parent: Intent, n: number): Intent => ({
  ...parent,
  id: `${parent.id}#allowance.${n}`,
  purpose: 'allowance',
  parent: parent.id,
})
