import { SigningKey } from 'ethers/crypto'
import { computeAddress } from 'ethers/transaction'
import { TidegateError } from '../../../schemas/errors.ts'
import { Address, type Hex } from '../hex.ts'
import { order } from './signature.ts'
import type { Signer } from './signer.ts'

/** Signs with a private key that stays in here: the signer has no field that shows it. @throws KEY_INVALID */
export function localSigner(private_key: string): Signer {
  const key = keyOf(private_key)
  return {
    address: addressOf(key),
    sign: async (digest) => {
      const { r, s, yParity } = key.sign(digest)
      return { r: r as Hex, s: s as Hex, y_parity: yParity }
    },
  }
}

/** The address of a private key. @throws KEY_INVALID */
export const addressOfKey = (private_key: string): Address => addressOf(keyOf(private_key))
const addressOf = (key: SigningKey): Address => Address.parse(computeAddress(key))

/** Says nothing of what it was given. */
function keyOf(private_key: string): SigningKey {
  if (/^0x[0-9a-fA-F]{64}$/.test(private_key) && BigInt(private_key) > 0n && BigInt(private_key) < order)
    return new SigningKey(private_key)
  throw new TidegateError('KEY_INVALID', 'what was given is no private key: expected 0x and 64 hexadecimal digits')
}
