import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { wallClock } from '../../runtime/clock.ts'
import { type Anvil, anvilBinary, startAnvil } from '../../testing/anvil.ts'
import { type GethProxy, startGethProxy } from '../../testing/geth_proxy.ts'
import { type PrivateRelay, startPrivateRelay } from '../../testing/private_relay.ts'
import type { Address } from './hex.ts'
import { localSigner } from './keys/local_signer.ts'
import { type SignedTransaction, signTransaction, type UnsignedTransaction } from './keys/signer.ts'
import { Nodes } from './nodes.ts'

const signer = localSigner('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80')
const someone = '0x00000000000000000000000000000000000000a1' as Address
const relayBlocks = 25
const always = '0x00000000000000000000000000000000000000a2' as Address

describe.skipIf(anvilBinary() === undefined)('with a private relay', () => {
  let [anvil, relay, proxy, nodes]: [Anvil, PrivateRelay, GethProxy, Nodes] = [] as never
  let snapshot: unknown
  beforeAll(async () => {
    anvil = await startAnvil()
    await anvil.rpc('evm_setAutomine', false)
    // Whatever is asked of it, it reverts.
    await anvil.rpc('anvil_setCode', always, '0x60006000fd')
  })
  afterAll(async () => anvil?.close())
  beforeEach(async () => {
    snapshot = await anvil.rpc('evm_snapshot')
    proxy = await startGethProxy(anvil)
    relay = await startPrivateRelay(proxy, { blocks: relayBlocks })
    nodes = new Nodes({
      endpoints: [{ label: 'public', ws: undefined, http: proxy.http }],
      relay: { label: 'relay', ws: undefined, http: relay.http },
      ...{ chain_id: 31337, timeout: 2e6, hedge: 'late', max_lag: 2, clock: wallClock, notice: () => {} },
    })
  })
  afterEach(async () => {
    // Whatever became of it, the public never saw the bytes.
    expect(proxy.counts.sends).toBe(0)
    nodes.close()
    await Promise.all([relay.close(), proxy.close()])
    await anvil.rpc('evm_revert', snapshot)
  })
  async function sent(more: Partial<UnsignedTransaction> = {}): Promise<SignedTransaction> {
    const signed = await signTransaction(signer, {
      ...{ chain_id: 31337, nonce: 0, to: someone, value: 1n, data: '0x', gas_limit: 100_000n },
      ...{ max_fee: 10n ** 10n, max_priority_fee: 10n ** 9n },
      ...more,
    })
    expect(await nodes.send(signed.raw, 'all')).toEqual([{ endpoint: 'relay', outcome: 'accepted' }])
    return signed
  }
  const asked = async (method: string, ...params: readonly unknown[]) => {
    const answer = await nodes.read(method, params)
    return answer.type === 'result' ? answer.result : answer
  }
  const count = async (block: string) => Number(await asked('eth_getTransactionCount', signer.address, block))

  test('a transaction is in no public pool and no pending nonce until it is in a block', async () => {
    const first = await sent()
    const second = await sent({ nonce: 1 })
    expect(await asked('txpool_status')).toMatchObject({ pending: '0x0', queued: '0x0' })
    expect([await count('pending'), await asked('eth_getTransactionByHash', first.hash)]).toEqual([0, null])
    await proxy.mine()
    for (const { hash } of [first, second]) {
      expect(relay.status(hash)).toBe('INCLUDED')
      expect(await asked('eth_getTransactionReceipt', hash)).toMatchObject({ status: '0x1' })
    }
    expect(await count('latest')).toBe(2)
  })

  test.each<[string, Partial<UnsignedTransaction>]>([
    ['would revert', { to: always }],
    ['gives no priority fee', { max_priority_fee: 0n }],
    ['waits for a nonce that never comes', { nonce: 1 }],
  ])('one that %s is dropped after so many blocks, and costs nothing', async (_what, more) => {
    const balance = await asked('eth_getBalance', signer.address, 'latest')
    const { hash } = await sent(more)
    for (let i = 1; i < relayBlocks; i++) await proxy.mine()
    expect(relay.status(hash)).toBe('PENDING')
    await proxy.mine()
    expect(relay.status(hash)).toBe('FAILED')
    await proxy.mine()
    expect([await count('latest'), await asked('eth_getTransactionReceipt', hash)]).toEqual([0, null])
    expect(await asked('eth_getBalance', signer.address, 'latest')).toBe(balance)
  })

  test('one is cancelled for free by another to oneself under its nonce', async () => {
    const { hash } = await sent()
    const cancel = await sent({ to: signer.address, value: 0n, gas_limit: 21_000n })
    await proxy.mine()
    expect([relay.status(hash), relay.status(cancel.hash), await count('latest')]).toEqual(['CANCELLED', 'UNKNOWN', 0])
  })
})
