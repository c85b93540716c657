import { recoverAddress } from 'ethers/transaction'
import { hexlify, toBeHex } from 'ethers/utils'
import { TidegateError } from '../../../schemas/errors.ts'
import type { Address, Hex } from '../hex.ts'

/** Over secp256k1; `r` and `s` of 32 bytes, `s` in the lower half. */
export interface Signature {
  readonly r: Hex
  readonly s: Hex
  readonly y_parity: 0 | 1
}

/** Of secp256k1: keys, nonces and both numbers of a signature lie between 0 and it. */
export const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const word = (value: bigint) => toBeHex(value, 32) as Hex

/**
 * The one form of a signature that a chain takes: what a signer gives may have a high `s`, and need not say its parity.
 * @throws KEY_INVALID where it is not of this address over this digest
 */
export function settle(digest: Uint8Array, r: bigint, s: bigint, address: Address): Signature {
  const low = s > order / 2n ? order - s : s
  if (r > 0n && r < order && low > 0n)
    for (const y_parity of [0, 1] as const) {
      const signature = { r: word(r), s: word(low), y_parity }
      if (recovered(digest, signature) === address) return signature
    }
  throw new TidegateError('KEY_INVALID', `what the signer gave is no signature of ${address}`, { address })
}
function recovered(digest: Uint8Array, { r, s, y_parity }: Signature): string | undefined {
  try {
    return recoverAddress(digest, { r, s, yParity: y_parity }).toLowerCase()
  } catch {
    // Not every r is on the curve.
    return undefined
  }
}

const numberOf = (bytes: Uint8Array): bigint => BigInt(hexlify(bytes))

/** Reads DER (what a KMS gives) or r, s and perhaps v in a row; undefined where it is neither. */
export function readSignature(bytes: Uint8Array): { readonly r: bigint; readonly s: bigint } | undefined {
  const der = readDer(bytes)
  if (der !== undefined) return der
  if (bytes.length !== 64 && bytes.length !== 65) return undefined
  return { r: numberOf(bytes.subarray(0, 32)), s: numberOf(bytes.subarray(32, 64)) }
}

/** SEQUENCE of two INTEGERs, in short form (RFC 3279, 2.2.3; X.690): as long as it says, positive, no needless zero. */
function readDer(bytes: Uint8Array): { readonly r: bigint; readonly s: bigint } | undefined {
  if (bytes[0] !== 0x30 || bytes[1] !== bytes.length - 2) return undefined
  const first = readInteger(bytes, 2)
  const second = first && readInteger(bytes, first.end)
  if (first === undefined || second?.end !== bytes.length) return undefined
  return { r: first.value, s: second.value }
}
function readInteger(bytes: Uint8Array, at: number): { readonly value: bigint; readonly end: number } | undefined {
  const length = bytes[at + 1] ?? 0
  const end = at + 2 + length
  if (bytes[at] !== 0x02 || length < 1 || length > 33 || end > bytes.length) return undefined
  const [head = 0, next = 0] = bytes.subarray(at + 2, end)
  if (head >= 0x80 || (head === 0 && length > 1 && next < 0x80)) return undefined
  return { value: numberOf(bytes.subarray(at + 2, end)), end }
}
