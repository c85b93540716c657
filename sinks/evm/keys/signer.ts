import { Transaction } from 'ethers/transaction'
import { getBytes } from 'ethers/utils'
import { TidegateError } from '../../../schemas/errors.ts'
import type { Address, Hex } from '../hex.ts'
import { type Signature, settle } from './signature.ts'

/** Who signs for one address: a key of this process, or somebody outside. Two signatures of one digest may differ. */
export interface Signer {
  readonly address: Address
  /** Signs 32 bytes. @throws SignFailure where nobody signed, KEY_INVALID where the signature is another's */
  readonly sign: (digest: Uint8Array) => Promise<Signature>
}

/** Nobody signed: nothing has left this process, so asking again is safe. */
export class SignFailure extends Error {
  /** `refused`: the signer said no. The others: it could not be asked, or said what is no signature. */
  readonly reason: 'refused' | 'unreachable' | 'timeout' | 'malformed'
  constructor(reason: SignFailure['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

/** A transaction of type 2 (EIP-1559); amounts in wei. */
export interface UnsignedTransaction {
  readonly chain_id: number
  readonly nonce: number
  readonly to: Address
  readonly value: bigint
  readonly data: Hex
  readonly gas_limit: bigint
  readonly max_fee: bigint
  readonly max_priority_fee: bigint
}
export interface SignedTransaction {
  readonly raw: Hex
  readonly hash: Hex
}

/**
 * Signs a transaction. With a signer outside, the same one signed again has another hash: keep `raw` before it is sent.
 * @throws SignFailure, or KEY_INVALID where what was signed is not of the signer's address
 */
export async function signTransaction(signer: Signer, unsigned: UnsignedTransaction): Promise<SignedTransaction> {
  const { chain_id, nonce, to, value, data, gas_limit, max_fee, max_priority_fee } = unsigned
  const transaction = Transaction.from({
    ...{ type: 2, chainId: chain_id, nonce, to, value, data },
    ...{ gasLimit: gas_limit, maxFeePerGas: max_fee, maxPriorityFeePerGas: max_priority_fee },
  })
  const digest = getBytes(transaction.unsignedHash)
  const { r, s } = await signer.sign(digest)
  const signature = settle(digest, BigInt(r), BigInt(s), signer.address)
  transaction.signature = { r: signature.r, s: signature.s, yParity: signature.y_parity }
  if (transaction.from?.toLowerCase() !== signer.address)
    throw new TidegateError('KEY_INVALID', `the transaction is not signed by ${signer.address}`)
  return { raw: transaction.serialized as Hex, hash: transaction.hash as Hex }
}
