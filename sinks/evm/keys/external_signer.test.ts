import { Transaction } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wallClock } from '../../../runtime/clock.ts'
import { anvilBinary, startAnvil } from '../../../testing/anvil.ts'
import { Deployer } from '../../../testing/evm_chain.ts'
import { type KmsSigner, startKmsSigner } from '../../../testing/kms_signer.ts'
import type { Address } from '../hex.ts'
import { httpSigner } from './external_signer.ts'
import { addressOfKey } from './local_signer.ts'
import { signTransaction } from './signer.ts'

const key = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const address = addressOfKey(key)
const unsigned = (nonce: number, to: Address = address) => ({
  ...{ chain_id: 31337, nonce, to, value: 1n, data: '0x' as const },
  ...{ gas_limit: 21_000n, max_fee: 10n ** 10n, max_priority_fee: 10n ** 9n },
})

describe('a signer in a process of its own', () => {
  let kms: KmsSigner
  beforeAll(async () => {
    kms = await startKmsSigner(key)
  })
  afterAll(async () => kms?.close())
  const at = (path: string, timeout = 5e6) =>
    httpSigner({ url: `${kms.url}${path}`, address, clock: wallClock, timeout })

  test.each(['/der', '/row'])('signs through %s: valid each time, the same never', async (path) => {
    const hashes = new Set<string>()
    for (let i = 0; i < 12; i++) {
      const { raw, hash } = await signTransaction(at(path), unsigned(3))
      expect(Transaction.from(raw)).toMatchObject({ hash, nonce: 3 })
      expect(Transaction.from(raw).from?.toLowerCase()).toBe(address)
      hashes.add(hash)
    }
    expect(hashes.size).toBe(12)
  })

  test.skipIf(anvilBinary() === undefined)('and a chain takes what it signed', async () => {
    const anvil = await startAnvil()
    try {
      for (const nonce of [0, 1, 2, 3]) {
        const { raw, hash } = await signTransaction(at('/der'), unsigned(nonce))
        expect(await anvil.rpc('eth_sendRawTransaction', raw)).toBe(hash)
        expect(await new Deployer(anvil, address).receipt(hash)).toMatchObject({ status: '0x1', from: address })
      }
    } finally {
      await anvil.close()
    }
  })

  test('the signature of another key is refused', async () => {
    await expect(signTransaction(at('/other'), unsigned(0))).rejects.toMatchObject({ code: 'KEY_INVALID' })
  })

  test.each([
    ['/refuse', 'refused'],
    ['/hang', 'timeout'],
    ['/page', 'malformed'],
  ])('%s is a failure of reason %s', async (path, reason) => {
    await expect(at(path, 200e3).sign(new Uint8Array(32))).rejects.toMatchObject({ reason })
  })
})

test('one that is not there is unreachable, and its address is not shown', async () => {
  const gone = httpSigner({ url: 'http://127.0.0.1:1/token', address, clock: wallClock, timeout: 1e6 })
  const failure = await gone.sign(new Uint8Array(32)).catch((error: unknown) => error)
  expect(failure).toMatchObject({ reason: 'unreachable' })
  expect(`${String(failure)} ${(failure as Error).stack}`).not.toContain('token')
})

test('over a network a signer is asked by https alone', () => {
  const made = (url: string) => () => httpSigner({ url, address, clock: wallClock, timeout: 1e6 })
  expect(made('http://signer.example/')).toThrow(expect.objectContaining({ code: 'KEY_UNSAFE' }))
  for (const url of ['https://signer.example/', 'http://localhost:1/', 'http://[::1]:1/'])
    expect(made(url)).not.toThrow()
})
