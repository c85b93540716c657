import { setTimeout } from 'node:timers/promises'
import { keccak256, Wallet } from 'ethers'
import { expect, test } from 'vitest'
import { rpcOf, startAnvil } from './anvil.ts'
import { startGethProxy } from './geth_proxy.ts'
import { byChance } from './rpc_faults.ts'
import { chanceOf } from './tapes.ts'

const gwei = 10n ** 9n
const each = 12

test('many clients at once, faults of every kind and reorgs lose and double nothing', async () => {
  const anvil = await startAnvil()
  await anvil.rpc('evm_setAutomine', false)
  const proxy = await startGethProxy(anvil)
  const random = chanceOf(17)
  proxy.meets = byChance(
    [
      { of: 'send', chance: 0.12, fault: { type: 'dies', when: 'before' } },
      { of: 'send', chance: 0.12, fault: { type: 'dies', when: 'after' } },
      { of: 'send', chance: 0.1, fault: { type: 'duplicate', answer: 'second' } },
      { of: 'send', chance: 0.05, fault: { type: 'status', status: 429, when: 'after' } },
      { of: 'read', chance: 0.05, fault: { type: 'status', status: 503, when: 'before' } },
      { of: 'read', chance: 0.05, fault: { type: 'html', when: 'before' } },
      { of: 'read', chance: 0.1, fault: { type: 'stale', blocks: 2 } },
    ],
    random,
  )
  const stop = proxy.keepMining(10)
  const rpc = rpcOf(proxy.http)
  const target = `0x${'7'.repeat(40)}`

  /** Sends the same bytes until a receipt comes, one nonce after the other: what is right whatever is met. */
  const client = async (wallet: Wallet): Promise<void> => {
    for (let nonce = 0; nonce < each; nonce++) {
      const fees = { maxFeePerGas: 10n * gwei, maxPriorityFeePerGas: gwei }
      const raw = await wallet.signTransaction({
        ...{ type: 2, chainId: anvil.chain_id, to: target, nonce, value: 1n, gasLimit: 21_000n },
        ...fees,
      })
      for (let receipt: unknown = null; receipt === null; ) {
        const hash = await rpc('eth_sendRawTransaction', raw).catch(() => undefined)
        await setTimeout(10)
        const known = hash ?? keccak256(raw)
        receipt = await rpc('eth_getTransactionReceipt', known).catch(() => null)
      }
    }
  }
  const wallets = Array.from({ length: 4 }, (_, n) => new Wallet(`0x${(30_000 + n).toString(16).padStart(64, '0')}`))
  for (const { address } of wallets) await anvil.rpc('anvil_setBalance', address, '0x8ac7230489e80000')
  const clients = Promise.all(wallets.map(client))
  let thrown_out = 0
  const shaking = (async () => {
    for (let reorg = 0; reorg < 4; reorg++) {
      await setTimeout(150)
      thrown_out += (await proxy.reorg(1 + (reorg % 3))).length
    }
  })()
  await clients
  await shaking
  await setTimeout(50)
  await stop()
  await proxy.mine(2)

  const nonces = wallets.map(({ address }) => anvil.rpc('eth_getTransactionCount', address, 'latest'))
  expect((await Promise.all(nonces)).map(Number)).toEqual(wallets.map(() => each))
  expect(BigInt(String(await anvil.rpc('eth_getBalance', target, 'latest')))).toBe(BigInt(wallets.length * each))
  const { sends, forwarded, dropped_before, dropped_after, duplicates, stale_reads } = proxy.counts
  expect(forwarded).toBe(sends - dropped_before + duplicates)
  for (const count of [dropped_before, dropped_after, duplicates, stale_reads, thrown_out])
    expect(count).toBeGreaterThan(0)
  expect(proxy.pool.transactions()).toEqual([])
  expect(proxy.pool.refusals).toEqual([])
  await proxy.close()
  await anvil.close()
})
