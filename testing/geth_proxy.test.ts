import { Wallet } from 'ethers'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Anvil, type Rpc, rpcOf, startAnvil } from './anvil.ts'
import { type GethProxy, startGethProxy } from './geth_proxy.ts'
import type { NodeFault } from './rpc_faults.ts'

const gwei = 10n ** 9n
const ether = 10n ** 18n
let anvil: Anvil
let proxy: GethProxy
let rpc: Rpc
/** A new account each test, with 10 ether. */
let wallet: Wallet

beforeAll(async () => {
  anvil = await startAnvil()
  await anvil.rpc('evm_setAutomine', false)
})
beforeEach(async () => {
  await anvil.rpc('anvil_dropAllTransactions')
  proxy = await startGethProxy(anvil)
  rpc = rpcOf(proxy.http)
  wallet = new Wallet(`0x${(++accounts).toString(16).padStart(64, '0')}`)
  await anvil.rpc('anvil_setBalance', wallet.address, `0x${(10n * ether).toString(16)}`)
  await baseFee(2n * gwei)
  await proxy.mine()
  return () => proxy.close()
})
let accounts = 10_000
afterAll(() => anvil.close())

const baseFee = (fee: bigint) => anvil.rpc('anvil_setNextBlockBaseFeePerGas', `0x${fee.toString(16)}`)
interface Fields {
  readonly nonce?: number
  readonly fee?: bigint
  readonly tip?: bigint
  readonly value?: bigint
  readonly gas?: bigint
  readonly chain?: number
}
const signed = ({ nonce = 0, fee = 10n * gwei, tip = gwei, value = 1n, gas = 21_000n, chain = 31337 }: Fields = {}) =>
  wallet.signTransaction({
    type: 2,
    chainId: chain,
    to: wallet.address,
    nonce,
    value,
    gasLimit: gas,
    maxFeePerGas: fee,
    maxPriorityFeePerGas: tip,
  })
const send = async (fields?: Fields): Promise<string> =>
  String(await rpc('eth_sendRawTransaction', await signed(fields)))
const count = async (tag: string) => Number(await rpc('eth_getTransactionCount', wallet.address, tag))
const included = async (hash: string) => (await rpc('eth_getTransactionReceipt', hash)) !== null

test('a replacement needs 10 % more on both fields', async () => {
  await send({ fee: 10n * gwei, tip: gwei })
  const refused = '-32000 replacement transaction underpriced'
  await expect(send({ fee: 11n * gwei - 1n, tip: 2n * gwei })).rejects.toThrow(refused)
  await expect(send({ fee: 20n * gwei, tip: (11n * gwei) / 10n - 1n })).rejects.toThrow(refused)
  const second = await send({ fee: 11n * gwei, tip: (11n * gwei) / 10n })
  await proxy.mine()
  expect(await included(second)).toBe(true)
  expect(await count('latest')).toBe(1)
})
test('the same bytes are known while they wait, and too late once they are in a block', async () => {
  await send()
  await expect(send()).rejects.toThrow('-32000 already known')
  await proxy.mine()
  await expect(send()).rejects.toThrow('-32000 nonce too low: next nonce 1, tx nonce 0')
})
test('what cannot be paid, has no gas, tip or chain, or is no transaction, is refused in the words of Geth', async () => {
  await expect(send({ value: 10n * ether })).rejects.toThrow(
    '-32000 insufficient funds for gas * price + value: balance 10000000000000000000, tx cost',
  )
  await send({ value: 6n * ether })
  await expect(send({ nonce: 1, value: 6n * ether })).rejects.toThrow('queued cost')
  await expect(send({ nonce: 1, gas: 20_999n })).rejects.toThrow(
    '-32000 intrinsic gas too low: gas 20999, minimum needed 21000',
  )
  await expect(send({ nonce: 1, gas: 10n ** 9n })).rejects.toThrow('-32000 exceeds block gas limit')
  await expect(send({ nonce: 1, tip: 0n })).rejects.toThrow('-32000 transaction gas price below minimum')
  await expect(send({ nonce: 1, chain: 1 })).rejects.toThrow(
    '-32000 invalid sender: invalid chain id for signer: have 1 want 31337',
  )
  await expect(rpc('eth_sendRawTransaction', '0x0102')).rejects.toThrow('-32000 rlp')
})
test('a fee below the base fee waits in the pool, seen as pending, until the base fee allows it', async () => {
  const hash = await send({ fee: gwei })
  await expect(send({ fee: gwei })).rejects.toThrow('already known')
  expect(await rpc('eth_getTransactionByHash', hash)).toMatchObject({ hash, blockNumber: null, nonce: '0x0' })
  expect([await count('latest'), await count('pending')]).toEqual([0, 1])
  await proxy.mine()
  expect(await included(hash)).toBe(false)
  await baseFee(gwei / 2n)
  await proxy.mine()
  expect(await included(hash)).toBe(true)
})
test('what a block prices out stays in the pool, though anvil drops it', async () => {
  const hash = await send()
  await baseFee(50n * gwei)
  await anvil.rpc('evm_mine')
  expect(await anvil.rpc('eth_getTransactionByHash', hash)).toBeNull()
  expect(await rpc('eth_getTransactionByHash', hash)).toMatchObject({ hash, blockNumber: null })
  await baseFee(gwei)
  await proxy.mine()
  expect(await included(hash)).toBe(true)
})
test('a nonce ahead waits, and does not count as pending before the gap is closed', async () => {
  const ahead = await send({ nonce: 1 })
  await proxy.mine()
  expect([await count('pending'), await included(ahead)]).toEqual([0, false])
  await send({ nonce: 0 })
  expect(await count('pending')).toBe(2)
  await proxy.mine()
  expect(await included(ahead)).toBe(true)
})
test('what waits for an earlier nonce can be replaced, and dropped', async () => {
  await send({ nonce: 2, fee: 4n * gwei })
  const first = await send({ nonce: 1, fee: 4n * gwei })
  await expect(send({ nonce: 1, fee: 4n * gwei, value: 2n })).rejects.toThrow('replacement transaction underpriced')
  const second = await send({ nonce: 1, fee: 5n * gwei, tip: 2n * gwei })
  expect(await rpc('eth_getTransactionByHash', first)).toBeNull()
  expect(await proxy.pool.evict(second)).toBe(true)
  expect(await rpc('eth_getTransactionByHash', second)).toBeNull()
  await send({ nonce: 0 })
  expect(await count('pending')).toBe(1)
  await send({ nonce: 1 })
  expect(await count('pending')).toBe(3)
  await proxy.mine()
  expect(await count('latest')).toBe(3)
})
test('with automatic mining a transaction is in a block at once', async () => {
  await anvil.rpc('evm_setAutomine', true)
  const hash = await send()
  expect([await included(hash), await count('latest'), await count('pending')]).toEqual([true, 1, 1])
  await expect(send()).rejects.toThrow('nonce too low')
  await proxy.reorg(1)
  await anvil.rpc('evm_setAutomine', false)
  expect([await included(hash), await count('latest')]).toEqual([true, 1])
})
test('a pool that is cleared forgets, as the chain does at a snapshot', async () => {
  const snapshot = await anvil.rpc('evm_snapshot')
  const hash = await send()
  await proxy.mine()
  await send({ nonce: 1 })
  await anvil.rpc('evm_revert', snapshot)
  await proxy.pool.clear()
  expect([await count('latest'), await count('pending')]).toEqual([0, 0])
  expect(await send()).toBe(hash)
})
test('a pool that drops a transaction takes it again', async () => {
  const hash = await send()
  expect(await proxy.pool.evict(hash)).toBe(true)
  await proxy.mine()
  expect([await rpc('eth_getTransactionByHash', hash), await count('pending')]).toEqual([null, 0])
  expect(await send()).toBe(hash)
  await proxy.mine()
  expect(await included(hash)).toBe(true)
})

test('after a reorg transactions are pending again, then in other blocks', async () => {
  const hashes = [await send({ nonce: 0 }), await send({ nonce: 1 })]
  await proxy.mine()
  const before = (await rpc('eth_getTransactionReceipt', hashes[0])) as { blockHash: string }
  await proxy.mine()
  expect((await proxy.reorg(2)).toSorted()).toEqual(hashes.toSorted())
  expect([await included(hashes[0]!), await count('latest'), await count('pending')]).toEqual([false, 0, 2])
  expect(await rpc('eth_getTransactionByHash', hashes[1])).toMatchObject({ blockNumber: null })
  await expect(send()).rejects.toThrow('already known')
  await proxy.mine()
  const after = (await rpc('eth_getTransactionReceipt', hashes[0])) as { blockHash: string }
  expect(after.blockHash).not.toBe(before.blockHash)
  expect(await included(hashes[1]!)).toBe(true)
})
test('a reorg may lose them, until they are sent again', async () => {
  const hash = await send()
  await proxy.mine()
  await proxy.reorg(1, { returns: false })
  await proxy.mine()
  expect([await rpc('eth_getTransactionByHash', hash), await count('pending')]).toEqual([null, 0])
  expect(await send()).toBe(hash)
  await proxy.mine()
  expect(await included(hash)).toBe(true)
})

const meet = (method: string, fault: NodeFault) => {
  proxy.meets = (asked) => (asked === method ? fault : undefined)
}
test.each([
  ['before', false],
  ['after', true],
] as const)('a send that dies %s the node has it', async (when, there) => {
  for (const fault of [
    { type: 'dies', when },
    { type: 'status', status: 503, when },
    { type: 'html', when },
    { type: 'error', code: -32005, message: 'limit exceeded', when },
  ] as const) {
    meet('eth_sendRawTransaction', fault)
    await expect(send({ nonce: await count('pending') })).rejects.toThrow()
  }
  const hung = await signed({ nonce: await count('pending') })
  meet('eth_sendRawTransaction', { type: 'hang', when })
  const body = JSON.stringify({ id: 1, method: 'eth_sendRawTransaction', params: [hung] })
  await expect(fetch(proxy.http, { method: 'POST', body, signal: AbortSignal.timeout(150) })).rejects.toThrow()
  expect(await count('pending')).toBe(there ? 5 : 0)
  const dropped = there ? { dropped_before: 0, dropped_after: 5 } : { dropped_before: 5, dropped_after: 0 }
  expect(proxy.counts).toMatchObject({ sends: 5, forwarded: there ? 5 : 0, ...dropped })
})
test('a duplicate answers that the first is known', async () => {
  meet('eth_sendRawTransaction', { type: 'duplicate', answer: 'second' })
  await expect(send()).rejects.toThrow('already known')
  meet('eth_sendRawTransaction', { type: 'duplicate', answer: 'first' })
  await send({ nonce: 1 })
  expect(proxy.counts).toMatchObject({ sends: 2, forwarded: 4, duplicates: 2 })
  await proxy.mine()
  expect(await count('latest')).toBe(2)
})
test('a node that is behind knows nothing of the newest blocks', async () => {
  const hash = await send({ value: 0n })
  await proxy.mine()
  const head = Number(await rpc('eth_blockNumber'))
  proxy.meets = () => ({ type: 'stale', blocks: 1 })
  expect(Number(await rpc('eth_blockNumber'))).toBe(head - 1)
  expect([await count('latest'), await count('pending'), await included(hash)]).toEqual([0, 0, false])
  expect(await rpc('eth_getTransactionByHash', hash)).toBeNull()
  expect(await rpc('eth_getBalance', wallet.address, 'latest')).toBe(`0x${(10n * ether).toString(16)}`)
  expect(await rpc('eth_getBlockByNumber', `0x${head.toString(16)}`, false)).toBeNull()
  expect(await rpc('eth_getBlockByNumber', 'latest', false)).toMatchObject({ number: `0x${(head - 1).toString(16)}` })
  await proxy.mine()
  expect([await count('latest'), await included(hash)]).toEqual([1, true])
  expect(proxy.counts.stale_reads).toBe(proxy.counts.faulty_reads)
})
test('a nonce may be off by one', async () => {
  await send()
  meet('eth_getTransactionCount', { type: 'wrong_nonce', by: 1 })
  expect(await count('pending')).toBe(2)
  meet('eth_getTransactionCount', { type: 'wrong_nonce', by: -1 })
  expect(await count('pending')).toBe(0)
  expect(proxy.counts.wrong_nonces).toBe(2)
})
test('doors that are shut cut whoever comes', async () => {
  proxy.doors = 'shut'
  proxy.cut()
  await expect(count('latest')).rejects.toThrow('fetch failed')
  proxy.doors = 'open'
  expect(await count('latest')).toBe(0)
})
