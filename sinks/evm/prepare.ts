import type { Clock } from '../../runtime/define.ts'
import type { Book } from '../execution/book.ts'
import type { OrderEvent } from '../execution/entry.ts'
import { nonceOf, type Order } from '../execution/order.ts'
import type { Chain, Head } from './chain.ts'
import { askFees, type GasRules, offerOf } from './fees.ts'
import type { Hex } from './hex.ts'
import type { Signer } from './keys/signer.ts'
import { type Market, movedAway, outOfRange, tradeOf } from './market.ts'
import type { Nodes } from './nodes.ts'
import { grantsFor } from './rights.ts'
import { tryRoundTrip } from './round_trip.ts'
import { signAttempt } from './sign.ts'
import { simulate } from './simulate.ts'
import type { Grant } from './venues/allowances.ts'
import { type Call, Reverted, type Trade } from './venues/venue.ts'

export interface PrepareRules extends GasRules {
  /** µs the contract may take the trade for. */
  readonly deadline: number
  /** Whether an allowance is given for one trade or for all. */
  readonly grant: Grant['grant']
  /** The most that gas may cost, wei; 0 for no limit. */
  readonly max_gas_cost: bigint
}
export interface PrepareParts {
  readonly chain: Chain
  readonly nodes: Nodes
  readonly signer: Signer
  readonly chain_id: number
  readonly book: Book
  readonly markets: ReadonlyMap<string, Market>
  readonly clock: Clock
  readonly rules: PrepareRules
  /** The newest block that was seen. */
  readonly head: Head
}
export type Prepared =
  /** Not now, for a reason that may pass. */
  | { readonly is: 'later'; readonly why: string }
  | { readonly is: 'refused'; readonly code: string; readonly reason: string }
  /** Rights must be given first: transactions of their own. */
  | { readonly is: 'needs'; readonly calls: readonly Call[] }
  /** The chain's count of our transactions is not ours. */
  | { readonly is: 'foreign'; readonly nonce: number }
  | { readonly is: 'signed'; readonly events: readonly OrderEvent[] }

const refused = (code: string, reason: string): Prepared => ({ is: 'refused', code, reason })

/**
 * Everything before the first side effect: rights, quote, simulation, fees, nonce, signature. Nothing of it leaves the
 * process, so it may be begun anew until the signature is in the journal.
 * @throws RpcFailure where no node answers
 */
export async function prepare(order: Order, market: Market, parts: PrepareParts): Promise<Prepared> {
  const { chain, book, clock, rules, signer } = parts
  const { intent } = order
  const [count, pending] = [chain.count('latest'), chain.count('pending')]
  const fees = askFees(chain, rules)
  const coins = chain.coinBalance()
  // each is awaited below; until then a failure of one is not unhandled
  for (const asked of [count, pending, fees, coins]) asked.catch(() => {})
  const planned = await planOf(order, market, parts, parts.head.at).catch(refusalOf)
  if (planned.is !== 'planned') return planned
  const next = book.next ?? (await count)
  if ((await count) > next) return { is: 'foreign', nonce: next }
  // a journal that is older than what was signed, or somebody else with the key: the chain will tell
  if ((await pending) > next)
    return { is: 'later', why: 'transactions are on their way that the journal does not know' }
  const { call, event } = planned
  // a simulation of what cannot be paid for is an error of the node, not an answer
  if ((await coins) < call.value) return refused('FUNDS', `${signer.address} holds ${await coins} wei of ${call.value}`)
  const simulated = await simulate(parts.nodes, signer.address, call)
  if (simulated.status === 'reverted') return refused('SIM_REVERT', simulated.reason)
  const offer = offerOf(simulated.gas, await fees, rules)
  if (offer.is !== 'offer') return offer
  const { gas, cost } = offer
  if ((await coins) < cost + call.value)
    return refused('FUNDS', `${signer.address} holds ${await coins} wei, needed are ${cost + call.value}`)
  if ((await coins) < cost + call.value + held(parts, await count))
    return { is: 'later', why: 'orders under way may still take the coins it needs' }
  if (clock.now() >= intent.expires) return { is: 'later', why: 'it has expired' }
  const signed = await signAttempt(signer, call, {
    ...{ attempt: 1, purpose: 'act', chain_id: parts.chain_id, nonce: next, gas, block: parts.head.number },
    ...{ max_fee: offer.fees.max_fee, tip: offer.fees.tip },
  })
  return { is: 'signed', events: [...event, { type: 'simulated', gas: gas.toString() }, signed] }
}

/** What orders under way may take of the coin at most: their value, and gas at the price they offer. */
function held({ book, markets }: Pick<PrepareParts, 'book' | 'markets'>, count: number): bigint {
  // of what has no market here it is not noted that it is in a block
  const taken = (order: Order) =>
    order.inclusion !== undefined || (!markets.has(order.intent.key) && (nonceOf(order) ?? 0) < count)
  return book
    .inFlight()
    .filter((order) => !taken(order))
    .reduce((sum, { plan, attempts }) => {
      const { gas, max_fee } = attempts.at(-1) ?? { gas: '0', max_fee: '0' }
      return sum + BigInt(plan?.value ?? 0) + BigInt(gas) * BigInt(max_fee)
    }, 0n)
}

/** A venue that cannot make a trade says so when it is asked for its rights or its bytes. */
function refusalOf(error: unknown): Prepared {
  if (error instanceof Reverted || error instanceof RangeError) return refused('VENUE_REFUSES', error.message)
  throw error
}

type Planned = { readonly is: 'planned'; readonly call: Call; readonly event: readonly OrderEvent[] }

/** The call of an order: that of its trade at the quote of now, or the one a helping transaction was made for. */
async function planOf(order: Order, market: Market, parts: PrepareParts, at: number): Promise<Planned | Prepared> {
  const { intent, plan } = order
  if (intent.purpose === 'allowance') {
    if (plan === undefined) return refused('NO_PLAN', 'a helping transaction without its call')
    const call = { to: plan.to as Call['to'], data: plan.data as Hex, value: BigInt(plan.value) }
    return { is: 'planned', call, event: [] }
  }
  const now = parts.clock.now()
  const deadline = Math.min(Math.max(at, now), now + AHEAD) + parts.rules.deadline
  const trade = tradeOf(intent, market, parts.signer.address, deadline)
  const wrong = outOfRange(trade)
  if (wrong !== undefined) return { is: 'refused', ...wrong }
  const refuses = market.venue.refuses?.(trade)
  if (refuses !== undefined) return refused('VENUE_REFUSES', refuses)
  const quoting = quote(trade, market, parts)
  quoting.catch(() => {})
  const calls = await orReverted(grantsFor(trade, order, market, parts))
  if (calls instanceof Reverted) return refused('ALLOWANCE_FAILED', calls.message)
  if (calls.length > 0) return { is: 'needs', calls }
  const found = await quoting
  if (found instanceof Reverted) return refused('QUOTE_REVERTED', found.message)
  const { venue, quoted } = found
  const moved = movedAway(trade, quoted)
  if (moved !== undefined) return { is: 'refused', ...moved }
  const trapped = intent.side === 'buy' ? await trapOf(trade, market, parts) : undefined
  if (trapped !== undefined) return refused('ROUND_TRIP', trapped)
  const call = venue.encode(trade)
  const { to, data, value } = call
  const event = { type: 'planned', to, data, value: value.toString(), deadline, quoted: quoted.toString() } as const
  return { is: 'planned', call, event: [event] }
}

/** The way that is best for a trade, and what it gives or costs now; why, where it cannot be made. */
const quote = (trade: Trade, market: Market, { chain }: PrepareParts) =>
  orReverted(
    (async () => {
      const venue = (await market.venue.best?.(trade, chain)) ?? market.venue
      return { venue, quoted: await venue.quote(trade, chain) }
    })(),
  )

/** What contracts refuse is an answer. */
async function orReverted<T>(asked: Promise<T>): Promise<T | Reverted> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof Reverted) return error
    throw error
  }
}

/** Why what would be bought is not to be; undefined where it can be sold again without losing too much. */
async function trapOf(trade: Trade, { venue, round_trip }: Market, parts: PrepareParts): Promise<string | undefined> {
  if (round_trip === undefined) return undefined
  const { nodes, chain, signer } = parts
  const tried = await orReverted(tryRoundTrip(trade, venue, { nodes, chain, account: signer.address }))
  if (tried instanceof Reverted) return tried.message
  if (tried.is === 'unknown') return 'no node can simulate it (eth_simulateV1)'
  if (tried.is === 'trap') return tried.reason
  return tried.loss <= round_trip
    ? undefined
    : `buying and selling at once loses ${tried.loss}, allowed is ${round_trip}`
}

/** µs the time of a chain is believed to be ahead of ours. */
const AHEAD = 900e6
