import { mostFor, type Rules, raised } from '../execution/decide.ts'
import type { EventOf } from '../execution/entry.ts'
import { type Attempt, newestOf, type Order } from '../execution/order.ts'
import type { Head } from './chain.ts'
import { GAS_OF_NOTHING } from './fees.ts'
import type { Address, Hex } from './hex.ts'
import { type Signer, signTransaction } from './keys/signer.ts'
import type { Call } from './venues/venue.ts'

export interface AttemptOf {
  readonly attempt: number
  readonly purpose: 'act' | 'cancel'
  readonly chain_id: number
  readonly nonce: number
  readonly gas: bigint
  readonly max_fee: bigint
  readonly tip: bigint
  readonly block: number
}

/** Signs a transaction: what is to be in the journal before anybody sees it. */
export async function signAttempt(signer: Signer, call: Call, of: AttemptOf): Promise<EventOf<'signed'>> {
  const { attempt, purpose, chain_id, nonce, gas, max_fee, tip, block } = of
  const { raw, hash } = await signTransaction(signer, {
    ...{ chain_id, nonce, gas_limit: gas, max_fee, max_priority_fee: tip },
    ...call,
  })
  return {
    type: 'signed',
    ...{ attempt, purpose, nonce, raw, hash, block },
    chain: `eip155:${chain_id}`,
    signer: signer.address,
    gas: gas.toString(),
    max_fee: max_fee.toString(),
    tip: tip.toString(),
  }
}

/** One more attempt for the nonce of an order, dearer than the newest; undefined where that would cost more than may be. */
export async function signDearer(
  order: Order,
  purpose: 'act' | 'cancel',
  { signer, rules, chain_id, head }: DearerParts,
): Promise<EventOf<'signed'> | undefined> {
  const newest = newestOf(order) as Attempt
  const fees = raised(newest, head.base_fee, mostFor(purpose, newest, rules))
  if (fees === undefined) return undefined
  return signAttempt(signer, callOf(order, purpose, signer.address), {
    ...{ attempt: newest.attempt + 1, purpose, chain_id, nonce: newest.nonce, block: head.number },
    ...{ gas: purpose === 'cancel' ? GAS_OF_NOTHING : BigInt(newest.gas), ...fees },
  })
}
interface DearerParts {
  readonly signer: Signer
  readonly rules: Rules
  readonly chain_id: number
  readonly head: Head
}

/** What an attempt of an order does. */
export const callOf = ({ plan }: Pick<Order, 'plan'>, purpose: 'act' | 'cancel', signer: Address): Call =>
  purpose === 'cancel'
    ? nothing(signer)
    : { to: plan?.to as Address, data: plan?.data as Hex, value: BigInt(plan?.value ?? 0) }

/** Takes a nonce without doing anything: a payment of nothing to oneself. */
const nothing = (signer: Address): Call => ({ to: signer, data: '0x', value: 0n })
