import { describe, expect, test } from 'vitest'
import type { Committed } from '../../runtime/define.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import type { NodeFault } from '../../testing/rpc_faults.ts'
import { diesAfter } from './dies_after.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import { freshGround } from './fresh_ground.ts'
import { orderOf } from './ground.ts'

/** A token of which everybody has nothing, over which nobody has rights, and which gives none. */
const gives_no_rights = '0x60003560e01c63095ea7b31460145760206000f35b60006000fd'

describe.skipIf(anvilBinary() === undefined)('what befalls one order, or one node', () => {
  const fresh = freshGround()
  const of = async (driven: DrivenExecutor, n: number, key: string): Promise<Committed> => {
    const order = { ...orderOf({ key }, n), at: driven.clock.now() }
    await driven.take(order)
    return order
  }
  const meet = (fault: (method: string, params: readonly unknown[]) => NodeFault | undefined) => {
    fresh.ground.proxy.meets = fault
  }

  test('a token that gives no rights costs its own order alone', async () => {
    const address = `0x${'77'.repeat(20)}`
    await fresh.ground.anvil.rpc('anvil_setCode', address, gives_no_rights)
    const [market] = fresh.ground.params().markets
    const second = { ...market, instrument: 'other:PAIR', base: { address, decimals: 18 } }
    const driven = await fresh.drive({ params: { markets: [market, second] } })
    const bad = await of(driven, 1, 'other:PAIR')
    const good = await driven.order(2)
    await driven.ended()
    expect(driven.last(bad)).toMatchObject({ step: 'rejected', code: 'ALLOWANCE_FAILED' })
    expect(driven.steps(good)).toContain('settled')
  })

  test('a right that could not be given is not tried again and again', async () => {
    const driven = await fresh.drive({ params: { max_gas_cost: '0.000000000000001' } })
    const order = await driven.order(1)
    await driven.ended({ looks: 10 })
    expect(driven.last(order)).toMatchObject({ step: 'rejected', code: 'GAS_EXCEEDS_MAX' })
    expect([...driven.book().all()].map(({ life }) => life.phase)).toEqual(['rejected', 'rejected'])
  })

  test('an order for what has no market is rejected, as in paper', async () => {
    const driven = await fresh.drive()
    const order = await of(driven, 1, 'other:PAIR')
    const good = await driven.order(2)
    await driven.ended()
    expect(driven.told(order).map(({ step, code }) => [step, code])).toEqual([
      ['received', ''],
      ['rejected', 'MARKET_UNKNOWN'],
    ])
    expect(driven.updates(order)).toEqual(['accepted', 'cancelled'])
    expect(driven.steps(good)).toContain('settled')
    await driven.restart()
    expect(driven.steps(order)).toHaveLength(2)
  })

  test('one that a node refuses to simulate holds up no other', async () => {
    const driven = await fresh.drive()
    await driven.order(1)
    await driven.ended()
    const refused = await driven.order(2)
    const amount = BigInt(driven.book().get(refused.id)?.intent.amount ?? 0).toString(16)
    meet((method, params) =>
      method === 'eth_simulateV1' && JSON.stringify(params).includes(amount)
        ? { type: 'error', code: -38014, message: 'insufficient funds', when: 'before' }
        : undefined,
    )
    const good = await driven.order(3)
    await driven.stepped(good, 'settled')
    expect(driven.steps(refused)).toEqual(['received'])
    meet(() => undefined)
    await driven.stepped(refused, 'settled')
  })

  test('somebody else’s transaction is found on nodes that know no old state', async () => {
    const { proxy, anvil, account, wallet } = fresh.ground
    const driven = await fresh.drive()
    await driven.order(1)
    await driven.ended()
    await proxy.mine(40)
    const nonce = Number(await anvil.rpc('eth_getTransactionCount', account, 'latest'))
    const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 10n ** 9n, gasLimit: 21_000n }
    const own = await wallet.signTransaction({ type: 2, chainId: anvil.chain_id, nonce, to: account, ...fees })
    await anvil.rpc('eth_sendRawTransaction', own)
    await proxy.mine(5)
    const oldest = Number(await anvil.rpc('eth_blockNumber')) - 20
    meet((method, [, block]) =>
      method === 'eth_getTransactionCount' && Number(block) < oldest
        ? { type: 'error', code: -32000, message: 'missing trie node', when: 'before' }
        : undefined,
    )
    await driven.order(2)
    await driven.until(() => driven.book().halt !== undefined, { looks: 10 })
    expect(driven.book().halt?.code).toBe('FOREIGN_NONCE')
  })

  test('a node that forgot the account is not given everything there ever was', async () => {
    const driven = await fresh.drive()
    for (let n = 0; n < 24; n++) await driven.order(n)
    await driven.ended({ looks: 120 })
    await driven.order(99)
    await driven.look()
    const before = fresh.ground.proxy.counts.sends
    meet((method) => (method === 'eth_getTransactionCount' ? { type: 'wrong_nonce', by: -1000 } : undefined))
    await fresh.ground.proxy.mine()
    await driven.look()
    expect(fresh.ground.proxy.counts.sends - before).toBeLessThanOrEqual(17)
    meet(() => undefined)
    await driven.ended()
  })

  test('nothing is signed beside transactions of the signer that no journal knows', async () => {
    const { proxy, anvil, account, wallet } = fresh.ground
    const driven = await fresh.drive()
    await driven.order(1)
    await driven.ended()
    const nonce = Number(await anvil.rpc('eth_getTransactionCount', account, 'latest'))
    const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 10n ** 9n, gasLimit: 21_000n }
    const raw = await wallet.signTransaction({ type: 2, chainId: anvil.chain_id, nonce, to: account, ...fees })
    await proxy.answer('eth_sendRawTransaction', [raw])
    const order = await driven.order(2)
    for (let n = 0; n < 3; n++) await driven.look()
    expect(driven.steps(order)).toEqual(['received'])
    await driven.until(() => driven.book().halt !== undefined)
    expect(driven.book().halt?.code).toBe('FOREIGN_NONCE')
    expect(driven.steps(order)).toEqual(['received'])
  })

  test('two machines behind one name, on different branches, settle nothing between them', async () => {
    const { proxy, anvil } = fresh.ground
    const driven = await fresh.drive({ params: { confirmations: 2 } })
    await driven.order(0)
    await driven.ended()
    const order = await driven.order(1)
    await driven.stepped(order, 'included')
    const hash = driven.last(order)?.transaction
    // one machine goes on with the block, and tells of the transaction; the other has left it
    const receipt = await anvil.rpc('eth_getTransactionReceipt', hash)
    const nonce = Number(await anvil.rpc('eth_getTransactionCount', fresh.ground.account, 'latest'))
    await proxy.reorg(1, { returns: false })
    await proxy.pool.clear()
    meet((method, [asked]) =>
      method === 'eth_getTransactionReceipt' && asked === hash
        ? { type: 'says', result: receipt }
        : method === 'eth_getTransactionCount'
          ? { type: 'says', result: `0x${nonce.toString(16)}` }
          : undefined,
    )
    await proxy.mine(6)
    for (let n = 0; n < 5; n++) await driven.look()
    expect(driven.steps(order)).not.toContain('final')
    meet(() => undefined)
    await driven.stepped(order, 'settled')
    expect(driven.steps(order)).toContain('reorged')
  })

  test('what was signed before the process stood still for long is taken back, not sent', async () => {
    const driven = await fresh.drive({ params: { deadline: '1h' } })
    await driven.order(0)
    await driven.ended()
    const swaps = (await fresh.ground.swaps()).length
    await driven.restart(diesAfter('signed'))
    const order = await driven.order(1)
    await driven.look()
    expect(driven.failure).toMatchObject({ message: 'it died' })
    driven.clock.ahead += 2 * 3_600e6
    await driven.restart()
    await driven.stepped(order, 'cancelled')
    expect(
      driven
        .told(order)
        .filter(({ step }) => step === 'sent')
        .map(({ attempt }) => attempt),
    ).toEqual([2])
    expect(await fresh.ground.swaps()).toHaveLength(swaps)
  })

  test('a revert that is said once, by a node that is behind or in a reorganisation, ends no order', async () => {
    const driven = await fresh.drive()
    await driven.order(1)
    await driven.ended()
    let said = 0
    meet((method) =>
      method === 'eth_simulateV1' && said++ === 0
        ? {
            type: 'error',
            code: 3,
            message: 'execution reverted: TransferHelper: TRANSFER_FROM_FAILED',
            when: 'before',
          }
        : undefined,
    )
    const order = await driven.order(2)
    await driven.ended()
    meet(() => undefined)
    expect(said).toBe(2)
    expect(driven.last(order)?.step).toBe('settled')
  })

  test('a nonce before all of ours that nobody has is told, and halts; filled by hand, what waited goes on', async () => {
    const { proxy, wallet, anvil } = fresh.ground
    const count = async () => Number(await anvil.rpc('eth_getTransactionCount', wallet.address, 'latest'))
    // the journal begins on a lie: one too many
    meet((method) => (method === 'eth_getTransactionCount' ? { type: 'wrong_nonce', by: 1 } : undefined))
    const driven = await fresh.drive()
    meet(() => undefined)
    const order = await driven.order(1)
    await driven.until(() => driven.book().halt !== undefined)
    expect(driven.book().halt?.code).toBe('NONCE_GAP')
    expect(driven.notices.join()).toContain('reconcile')
    const filled = await wallet.signTransaction({
      ...{ to: wallet.address, nonce: await count(), gasLimit: 21_000, chainId: anvil.chain_id, type: 2 },
      ...{ maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 9n },
    })
    await proxy.answer('eth_sendRawTransaction', [filled])
    await driven.until(() =>
      driven
        .book()
        .open()
        .every(({ intent }) => intent.purpose === 'trade'),
    )
    expect(driven.steps(order)).toEqual(['received'])
  })

  test('a receipt without its logs makes no trade disappear', async () => {
    const { proxy } = fresh.ground
    const driven = await fresh.drive()
    await driven.order(0)
    await driven.ended()
    const order = await driven.order(1)
    await driven.stepped(order, 'seen')
    const hash = driven.last(order)?.transaction
    await proxy.mine()
    const receipt = await proxy.answer('eth_getTransactionReceipt', [hash])
    const bare = { ...(receipt as { result: object }).result, logs: [] }
    meet((method, [asked]) =>
      method === 'eth_getTransactionReceipt' && asked === hash ? { type: 'says', result: bare } : undefined,
    )
    for (let n = 0; n < 3; n++) await driven.look()
    expect(driven.steps(order)).not.toContain('included')
    expect(driven.notices.at(-1)).toContain('moved nothing')
    meet(() => undefined)
    await driven.stepped(order, 'settled')
    expect(driven.fills(order)).toHaveLength(1)
  })
})
