import { Wallet } from 'ethers'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Anvil, type Rpc, rpcOf, startAnvil } from './anvil.ts'
import { Deployer, interfaceOf } from './evm_chain.ts'
import { type GethProxy, startGethProxy } from './geth_proxy.ts'
import { type PrivateRelay, startPrivateRelay } from './private_relay.ts'

const gwei = 10n ** 9n
let anvil: Anvil
let proxy: GethProxy
let relay: PrivateRelay
let rpc: Rpc
let hidden: Rpc
let wallet: Wallet
/** Wrapped ether: a withdrawal reverts before a deposit. */
let weth: string
const stranger = `0x${'5'.repeat(40)}`

beforeAll(async () => {
  anvil = await startAnvil()
  const [account] = (await anvil.rpc('eth_accounts')) as [string]
  weth = (await new Deployer(anvil, account).deploy('WETH9')).address
  await anvil.rpc('evm_setAutomine', false)
})
beforeEach(async () => {
  proxy = await startGethProxy(anvil)
  relay = await startPrivateRelay(proxy)
  rpc = rpcOf(proxy.http)
  hidden = rpcOf(relay.http)
  wallet = new Wallet(`0x${(++accounts).toString(16).padStart(64, '0')}`)
  await anvil.rpc('anvil_setBalance', wallet.address, `0x${(10n ** 19n).toString(16)}`)
  return () => Promise.all([relay.close(), proxy.close()])
})
let accounts = 20_000
afterAll(() => anvil.close())

interface Fields {
  readonly nonce?: number
  readonly tip?: bigint
  readonly to?: string
  readonly data?: string
  readonly value?: bigint
}
const signed = ({ nonce = 0, tip = gwei, to = stranger, data = '0x', value = 0n }: Fields = {}) =>
  wallet.signTransaction({
    type: 2,
    chainId: 31337,
    to,
    nonce,
    value,
    data,
    gasLimit: 100_000n,
    maxFeePerGas: 100n * gwei,
    maxPriorityFeePerGas: tip,
  })
const send = async (fields?: Fields) => String(await hidden('eth_sendRawTransaction', await signed(fields)))
const seen = async (hash: string) => ({
  by_hash: (await rpc('eth_getTransactionByHash', hash)) !== null,
  pending: Number(await rpc('eth_getTransactionCount', wallet.address, 'pending')),
})
const weths = interfaceOf('WETH9')
const withdrawal = (nonce: number) => ({ nonce, to: weth, data: weths.encodeFunctionData('withdraw', [1n]) })
const deposit = (nonce: number) => ({ nonce, to: weth, value: 1n, data: weths.encodeFunctionData('deposit') })

test('nobody sees it before it is in a block', async () => {
  const hash = await send()
  expect(relay.status(hash)).toBe('PENDING')
  expect(await seen(hash)).toEqual({ by_hash: false, pending: 0 })
  expect(await anvil.rpc('txpool_status')).toEqual({ pending: '0x0', queued: '0x0' })
  await proxy.mine()
  expect(relay.status(hash)).toBe('INCLUDED')
  expect(await seen(hash)).toEqual({ by_hash: true, pending: 1 })
  await expect(send()).rejects.toThrow('nonce too low: next nonce 1, tx nonce 0')
})
test('blocks of clients count, and two of one sender go into one', async () => {
  const hashes = [await send(deposit(0)), await send(withdrawal(1))]
  await rpc('evm_mine')
  expect(hashes.map((hash) => relay.status(hash))).toEqual(['INCLUDED', 'INCLUDED'])
})
test('a nonce ahead waits for its turn, unseen', async () => {
  const hash = await send({ nonce: 1 })
  await proxy.mine()
  expect([relay.status(hash), await seen(hash)]).toEqual(['PENDING', { by_hash: false, pending: 0 }])
  await send()
  await proxy.mine()
  expect(relay.status(hash)).toBe('INCLUDED')
})
test('what would revert is never in a block, and is given up after 25', async () => {
  const hash = await send(withdrawal(0))
  await proxy.mine(24)
  expect(relay.status(hash)).toBe('PENDING')
  await proxy.mine()
  expect(relay.status(hash)).toBe('FAILED')
  await rpc('eth_sendRawTransaction', await signed(deposit(0)))
  await proxy.mine(2)
  expect(await rpc('eth_getTransactionReceipt', hash)).toBeNull()
})
test('what would revert is in a block once it would not', async () => {
  const late = await send(withdrawal(1))
  await proxy.mine()
  await rpc('eth_sendRawTransaction', await signed(deposit(0)))
  await proxy.mine(2)
  expect(relay.status(late)).toBe('INCLUDED')
  expect(await rpc('eth_getTransactionReceipt', late)).toMatchObject({ status: '0x1' })
})
test('without a priority fee it is never in a block', async () => {
  const hash = await send({ tip: 0n })
  await proxy.mine(25)
  expect([relay.status(hash), await seen(hash)]).toEqual(['FAILED', { by_hash: false, pending: 0 }])
})
test('it may be given up sooner', async () => {
  const most = `0x${(Number(await rpc('eth_blockNumber')) + 2).toString(16)}`
  const asked = { tx: await signed(withdrawal(0)), maxBlockNumber: most }
  const hash = String(await hidden('eth_sendPrivateTransaction', asked))
  await proxy.mine()
  expect(relay.status(hash)).toBe('PENDING')
  await proxy.mine()
  expect(relay.status(hash)).toBe('FAILED')
})
test('a transaction to oneself of the same nonce cancels, and costs nothing', async () => {
  const hash = await send()
  const cancel = await send({ to: wallet.address })
  await proxy.mine()
  expect([relay.status(hash), relay.status(cancel)]).toEqual(['CANCELLED', 'UNKNOWN'])
  expect(await seen(hash)).toEqual({ by_hash: false, pending: 0 })
  const other = await send({ nonce: 0, value: 1n })
  expect(await hidden('eth_cancelPrivateTransaction', { txHash: other })).toBe(true)
  await proxy.mine()
  expect(relay.status(other)).toBe('CANCELLED')
})
test('a public transaction of the same nonce that pays more is in the block', async () => {
  const hash = await send()
  const open = await rpc('eth_sendRawTransaction', await signed({ tip: 2n * gwei }))
  await proxy.mine(25)
  expect(relay.status(hash)).toBe('FAILED')
  expect(await rpc('eth_getTransactionReceipt', open)).not.toBeNull()
})
test('a reorg puts it back to the relay, not to the public', async () => {
  const hash = await send()
  await proxy.mine()
  expect(await proxy.reorg(1)).toEqual([hash])
  expect([relay.status(hash), await seen(hash)]).toEqual(['PENDING', { by_hash: false, pending: 0 }])
  await proxy.mine()
  expect(relay.status(hash)).toBe('INCLUDED')
})
test('says its status to whoever knows the hash, and refuses batches', async () => {
  const hash = await send()
  const page = async () => (await fetch(`${relay.http}/tx/${hash}`)).json()
  const head = Number(await rpc('eth_blockNumber'))
  expect(await page()).toMatchObject({ status: 'PENDING', maxBlockNumber: head + 25, transaction: { from: '' } })
  await proxy.mine()
  expect(await page()).toMatchObject({ status: 'INCLUDED', transaction: { from: wallet.address, nonce: '0' } })
  expect(await (await fetch(`${relay.http}/tx/0x${'0'.repeat(64)}`)).json()).toMatchObject({ status: 'UNKNOWN' })
  const batch = JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] }])
  expect((await fetch(relay.http, { method: 'POST', body: batch })).status).toBe(400)
  expect(await (await fetch(proxy.http, { method: 'POST', body: batch })).json()).toMatchObject([{ id: 1 }])
})
test('its answers meet faults like those of a node', async () => {
  relay.meets = () => ({ type: 'dies', when: 'after' })
  await expect(send()).rejects.toThrow('fetch failed')
  expect(relay.counts).toMatchObject({ sends: 1, dropped_after: 1 })
  await proxy.mine()
  expect(await seen(`0x${'0'.repeat(64)}`)).toMatchObject({ pending: 1 })
})
