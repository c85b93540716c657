import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { getBytes, hexlify, isHexString } from 'ethers/utils'
import { type Clock, isFields, post } from '../../../runtime/define.ts'
import { TidegateError } from '../../../schemas/errors.ts'
import type { Address } from '../hex.ts'
import { readSignature, settle } from './signature.ts'
import { type Signer, SignFailure } from './signer.ts'

/**
 * A signer that keeps its key: given 32 bytes it answers DER, as `Sign` of AWS KMS does (ECC_SECG_P256K1, ECDSA_SHA_256,
 * MessageType DIGEST), or r, s and perhaps v in a row. Its nonces may be random, its `s` high.
 */
export function externalSigner(address: Address, ask: (digest: Uint8Array) => Promise<Uint8Array>): Signer {
  return {
    address,
    sign: async (digest) => {
      const read = readSignature(await ask(digest))
      if (read === undefined) throw new SignFailure('malformed', 'the answer of the signer is no signature')
      return settle(digest, read.r, read.s, address)
    },
  }
}

export interface HttpSignerSettings {
  /** `http` on this machine alone, `https` anywhere. */
  readonly url: string
  readonly address: Address
  readonly clock: Clock
  /** µs one signature may take. */
  readonly timeout: number
}
const local = new Set(['127.0.0.1', '[::1]', 'localhost'])
const maxBytes = 4096

/**
 * Asks an endpoint: POST `{"address":"0x…","digest":"0x…"}`, which answers `{"signature":"0x…"}`. One question, one attempt.
 * @throws KEY_UNSAFE for an address that could be overheard
 */
export function httpSigner({ url, address, clock, timeout }: HttpSignerSettings): Signer {
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'https:' && !(protocol === 'http:' && local.has(hostname)))
    throw new TidegateError('KEY_UNSAFE', `the signer at ${hostname} is not on this machine: expected https`)
  const agent = protocol === 'https:' ? new SecureAgent() : new Agent()
  const sized = (bytes: number) => {
    if (bytes > maxBytes) throw new SignFailure('malformed', 'the answer of the signer is too long')
  }
  return externalSigner(address, async (digest) => {
    const stop = new AbortController()
    const cancel = clock.after(timeout, () => stop.abort())
    const body = JSON.stringify({ address, digest: hexlify(digest) })
    try {
      const { status, said } = await post({ url, body, agent, signal: stop.signal, sized })
      if (status !== 200)
        throw new SignFailure(
          status >= 400 && status < 500 ? 'refused' : 'unreachable',
          `the signer said HTTP ${status}`,
        )
      return signatureIn(said)
    } catch (error) {
      if (error instanceof SignFailure) throw error
      if (stop.signal.aborted) throw new SignFailure('timeout', 'the signer did not answer in time')
      // Never the message itself: it may hold the address of the endpoint.
      throw new SignFailure('unreachable', `the signer: ${(error as { code?: string }).code ?? 'no connection'}`)
    } finally {
      cancel()
    }
  })
}

function signatureIn(said: Buffer): Uint8Array {
  let answer: unknown
  try {
    answer = JSON.parse(said.toString())
  } catch {
    throw new SignFailure('malformed', 'the answer of the signer is no JSON')
  }
  const signature = isFields(answer) ? answer['signature'] : undefined
  if (typeof signature === 'string' && isHexString(signature) && signature.length % 2 === 0) return getBytes(signature)
  throw new SignFailure('malformed', 'the answer of the signer has no signature')
}
