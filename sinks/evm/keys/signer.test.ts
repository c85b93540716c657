import { inspect } from 'node:util'
import { Wallet } from 'ethers'
import { expect, test } from 'vitest'
import { Address } from '../hex.ts'
import { localSigner } from './local_signer.ts'
import { signTransaction, type UnsignedTransaction } from './signer.ts'

const key = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const wallet = new Wallet(key)
const unsigned: UnsignedTransaction = {
  chain_id: 31337,
  nonce: 7,
  to: Address.parse('0xE592427A0AEce92De3Edee1F18E0157C05861564'),
  value: 5n,
  data: '0x38ed1739',
  gas_limit: 200_000n,
  max_fee: 30n * 10n ** 9n,
  max_priority_fee: 10n ** 9n,
}

test('a transaction is signed as a wallet signs it', async () => {
  const signer = localSigner(key)
  const raw = await wallet.signTransaction({
    ...{ type: 2, chainId: 31337, nonce: 7, to: unsigned.to, value: 5n, data: unsigned.data },
    ...{ gasLimit: unsigned.gas_limit, maxFeePerGas: unsigned.max_fee, maxPriorityFeePerGas: 10n ** 9n },
  })
  const signed = await signTransaction(signer, unsigned)
  expect(signed.raw).toBe(raw)
  expect(signer.address).toBe(wallet.address.toLowerCase())
  expect(await signTransaction(signer, unsigned)).toEqual(signed)
})

test('a signer that lies of its address is refused', async () => {
  const other = localSigner(`0x${'2'.repeat(64)}`)
  const lying = { address: localSigner(key).address, sign: other.sign }
  await expect(signTransaction(lying, unsigned)).rejects.toMatchObject({ code: 'KEY_INVALID', exit: 3 })
})

test('nothing that can be printed of a signer, or of a key that is none, shows the key', () => {
  const signer = localSigner(key)
  for (const text of [inspect(signer, { depth: 9, showHidden: true }), JSON.stringify(signer), String(signer.sign)])
    expect(text).not.toContain(key.slice(2, 20))
  for (const bad of [key.slice(0, -1), `${key}0`, key.slice(2), `0x${'0'.repeat(64)}`, `0x${'f'.repeat(64)}`, '']) {
    let error: unknown
    try {
      localSigner(bad)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'KEY_INVALID' })
    expect(inspect(error, { depth: 9 })).not.toContain(key.slice(2, 20))
  }
})
