import { TidegateError } from '../../schemas/errors.ts'
import type { OrderEvent } from '../execution/entry.ts'
import type { Order } from '../execution/order.ts'
import type { Address } from './hex.ts'
import type { Market } from './market.ts'
import { callOf } from './sign.ts'
import type { Call } from './venues/venue.ts'

/** `approve(address spender, uint256)` of ERC-20, and `approve(address token, address spender, …)` of Permit2. */
const APPROVE = '0x095ea7b3'
const PERMIT2_APPROVE = '0x87517c45'

const argument = (data: string, n: number): string => `0x${data.slice(10 + 64 * n + 24, 10 + 64 * (n + 1))}`

/** @throws SIGNING_REFUSED where what was signed for an order must not leave the process */
export function checkSigned(
  order: Order,
  events: readonly OrderEvent[],
  market: Market | undefined,
  own: Address,
): void {
  const signed = events.find((e) => e.type === 'signed')
  const plan = events.find((e) => e.type === 'planned') ?? order.plan
  if (signed === undefined || plan === undefined) return
  const call = callOf({ plan }, signed.purpose, own)
  const problem = objection(call, signed.purpose === 'cancel' ? 'cancel' : order.intent.purpose, market, own)
  if (problem !== undefined)
    throw new TidegateError('SIGNING_REFUSED', `${order.intent.id}: ${problem}`, { to: call.to })
}

/**
 * Why a call is not to be signed; undefined where it may be. Nothing is signed but trades at the contracts the definition
 * names, rights for them over the tokens of the market, and payments of nothing to oneself.
 */
export function objection(
  call: Call,
  purpose: 'trade' | 'allowance' | 'cancel',
  market: Market | undefined,
  own: Address,
): string | undefined {
  const { to, data, value } = call
  if (purpose === 'cancel')
    return to === own && data === '0x' && value === 0n ? undefined : 'a cancel that does something'
  if (market === undefined) return 'a call for a market that the definition does not name'
  const contracts: readonly string[] = market.venue.contracts
  const tokens: readonly string[] = [market.base.address, market.quote.address]
  if (purpose === 'trade') return contracts.includes(to) ? undefined : `${to} is none of the contracts of ${market.key}`
  if (value !== 0n) return 'a right that costs coins'
  if (tokens.includes(to) && data.startsWith(APPROVE))
    return contracts.includes(argument(data, 0))
      ? undefined
      : `a right for ${argument(data, 0)}, no contract of ${market.key}`
  if (contracts.includes(to) && data.startsWith(PERMIT2_APPROVE) && tokens.includes(argument(data, 0)))
    return contracts.includes(argument(data, 1))
      ? undefined
      : `a right for ${argument(data, 1)}, no contract of ${market.key}`
  return `a call of ${to} that gives no right`
}
