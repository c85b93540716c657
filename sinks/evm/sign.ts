import type { EventOf } from '../execution/entry.ts'
import type { Address } from './hex.ts'
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

/** Takes a nonce without doing anything: a payment of nothing to oneself. */
export const nothing = (signer: Address): Call => ({ to: signer, data: '0x', value: 0n })
