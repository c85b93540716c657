import { describe, expect, test } from 'vitest'
import type { Committed } from '../../runtime/define.ts'
import { fixed } from '../../schemas/fixed.ts'
import type { OrderUpdate } from '../../schemas/orders.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import { diesAfter } from './dies_after.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import { freshGround } from './fresh_ground.ts'
import { paidOf, quantityOf } from './ground.ts'
import { untruths } from './truth.ts'

const confirmations = 4

describe.skipIf(anvilBinary() === undefined)('reorganisations', () => {
  const fresh = freshGround()
  const drive = () => fresh.drive({ params: { confirmations } })
  async function checked(driven: DrivenExecutor, swaps = 1): Promise<void> {
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect(await fresh.ground.swaps()).toHaveLength(swaps)
  }
  const blocks = (count: number) => ({ blocks: count })

  for (const returns of [true, false])
    test.each([1, 2, 3, 4])(
      `of depth %i, after which the transactions are ${returns ? 'back in the pool' : 'gone'}`,
      async (depth) => {
        const { proxy } = fresh.ground
        const driven = await drive()
        const order = await driven.order(1)
        await driven.stepped(order, 'included', blocks(1))
        // as many blocks stand on it as may, and its own goes with them
        await proxy.mine(depth - 1)
        await driven.look()
        expect(driven.steps(order)).not.toContain('final')
        const [inclusion] = driven.told(order).filter(({ step }) => step === 'included')
        const out = await proxy.reorg(depth, { returns })
        expect(out).toContain(inclusion?.transaction)
        expect(await fresh.ground.swaps()).toEqual([])
        await driven.ended()
        await checked(driven)
        const told = driven.told(order)
        const last = told.findLast(({ step }) => step === 'included')
        const block = Number(
          ((await fresh.ground.anvil.rpc('eth_getTransactionReceipt', last?.transaction)) as { blockNumber: string })
            .blockNumber,
        )
        expect(told.at(-1)).toMatchObject({ step: 'settled', block, attempt: 1 })
        expect(told.map(({ step }) => step)).toContain('reorged')
        expect(driven.fills(order)).toHaveLength(1)
      },
    )

  test('again and again, each time before it is final', async () => {
    const driven = await drive()
    const order = await driven.order(1)
    for (let round = 0; round < 4; round++) {
      await driven.until(() => driven.last(order)?.step === 'included')
      await fresh.ground.proxy.mine(confirmations - 1)
      await driven.look()
      await fresh.ground.proxy.reorg(confirmations, { returns: round % 2 === 0 })
    }
    await driven.ended()
    await checked(driven)
    expect(driven.steps(order).filter((step) => step === 'reorged')).toHaveLength(4)
  })

  test('nothing is settled before so many blocks stand on it', async () => {
    const driven = await drive()
    const order = await driven.order(1)
    await driven.stepped(order, 'included')
    const block = driven.last(order)?.block ?? 0
    for (;;) {
      const head = Number(await fresh.ground.anvil.rpc('eth_blockNumber'))
      await driven.look()
      expect(driven.steps(order).includes('settled')).toBe(head - block >= confirmations)
      if (head - block >= confirmations) break
      await fresh.ground.proxy.mine()
    }
    await checked(driven)
  })

  test('a swap that moves to another block after a restart is settled there', async () => {
    const driven = await drive()
    const order = await driven.order(1)
    await driven.stepped(order, 'included')
    await driven.close()
    await fresh.ground.proxy.reorg(2, { returns: false })
    await fresh.ground.proxy.mine(3)
    await driven.open()
    await driven.ended()
    await checked(driven)
    expect(driven.steps(order)).toContain('reorged')
  })

  test('a swap that fails on the other branch is reverted, not filled', async () => {
    const { proxy, uniswap } = fresh.ground
    const driven = await fresh.drive({ params: { confirmations, slippage: 0.01 } })
    const order = await driven.order(1)
    await driven.stepped(order, 'included')
    await proxy.reorg(1, { returns: false })
    // somebody else is first there
    await uniswap.swap('v2', 0, 2000n * 10n ** 18n)
    await proxy.mine()
    await driven.ended()
    expect(driven.last(order)).toMatchObject({ step: 'reverted' })
    expect(driven.updates(order)).toEqual(['accepted', 'cancelled'])
    await checked(driven, 0)
  })

  describe('deeper than the confirmations', () => {
    const signed = (driven: DrivenExecutor, order: Committed) => driven.fills(order).map(({ quantity }) => quantity)
    const states = (driven: DrivenExecutor) =>
      driven.answers.flatMap(({ port, value }) =>
        port === 'order' ? [[(value as OrderUpdate).state, (value as OrderUpdate).quantity > 0n]] : [],
      )
    const loud = (driven: DrivenExecutor, order: Committed) =>
      driven.notices.filter((text) => text.startsWith(`${order.id} was`) && text.includes('is taken back'))

    test.each([true, false])(
      'a trade is taken back and made again, whoever waits (other orders: %s)',
      async (others) => {
        const { proxy } = fresh.ground
        const driven = await drive()
        const first = await driven.order(1)
        await driven.ended()
        const [swap] = await fresh.ground.swaps()
        await proxy.reorg(confirmations + 2, { returns: false })
        expect(await fresh.ground.swaps()).toEqual([])
        const second = others ? await driven.order(2) : undefined
        await driven.until(() => driven.told(first).some(({ code }) => code === 'DEEP_REORG'))
        expect(loud(driven, first)).toHaveLength(1)
        await driven.ended()
        const swaps = await fresh.ground.swaps()
        expect(swaps.map(({ paid }) => paid)).toEqual(others ? [paidOf(1), paidOf(2)] : [paidOf(1)])
        expect(swaps[0]?.transaction).toBe(swap?.transaction)
        const quantity = fixed(quantityOf(1))
        expect(signed(driven, first)).toEqual([quantity, -quantity, quantity])
        if (second !== undefined) expect(driven.last(second)?.step).toBe('settled')
        await checked(driven, swaps.length)
        await driven.restart()
        await checked(driven, swaps.length)
      },
    )

    test.each([
      ['another block', (block: object) => ({ ...block, hash: `0x${'ab'.repeat(32)}` })],
      ['no block', () => null],
    ])(
      '%s at the height of what ended, told by a node that still has its receipt, takes nothing back',
      async (_, says) => {
        const { proxy } = fresh.ground
        const driven = await drive()
        const order = await driven.order(1)
        await driven.ended()
        const block = `0x${(driven.last(order)?.block ?? 0).toString(16)}`
        const reply = await proxy.answer('eth_getBlockByNumber', [block, false])
        const { result } = reply as { readonly result: object }
        let asked = 0
        proxy.meets = (method, [at]) => {
          if (method !== 'eth_getBlockByNumber' || at !== block) return undefined
          asked++
          return { type: 'says', result: says(result) }
        }
        await driven.until(() => asked > 2)
        expect(driven.steps(order)).not.toContain('reorged')
        await checked(driven)
      },
    )

    test('twice, and in another block each time, it is told once for each', async () => {
      const { proxy, anvil } = fresh.ground
      const driven = await drive()
      const order = await driven.order(1)
      await driven.ended()
      for (const returns of [false, true]) {
        const head = Number(await anvil.rpc('eth_blockNumber'))
        await proxy.reorg(head - (driven.last(order)?.block ?? 0) + 1, { returns })
        await proxy.mine(2)
        await driven.restart()
        await driven.until(() => driven.last(order)?.step !== 'settled')
        await driven.restart()
        await driven.stepped(order, 'settled')
        await driven.ended()
      }
      const quantity = fixed(quantityOf(1))
      expect(signed(driven, order)).toEqual([quantity, -quantity, quantity, -quantity, quantity])
      await checked(driven)
    })

    test.each(['max', 'exact'])('with the right it needed (%s), which is given again before it', async (grant) => {
      const { proxy, anvil } = fresh.ground
      const driven = await fresh.drive({ params: { confirmations, grant } })
      const before = Number(await anvil.rpc('eth_blockNumber'))
      const order = await driven.order(1)
      await driven.ended()
      await proxy.reorg(Number(await anvil.rpc('eth_blockNumber')) - before, { returns: false })
      const next = await driven.order(2)
      await driven.until(() => driven.steps(order).includes('reorged'))
      await driven.ended()
      expect([order, next].map((one) => driven.last(one)?.step)).toEqual(['settled', 'settled'])
      const rights = [...driven.book().all()].filter(({ intent }) => intent.purpose === 'allowance')
      expect(rights.map(({ life }) => life.phase)).toEqual(rights.map(() => 'settled'))
      await checked(driven, 2)
      await driven.restart()
      await checked(driven, 2)
    })

    test('by processes that end after every append: all is told once', async () => {
      const { proxy } = fresh.ground
      const driven = await drive()
      const order = await driven.order(1)
      await driven.ended()
      await proxy.reorg(confirmations + 2, { returns: false })
      await proxy.mine(confirmations + 2)
      for (let lives = 0; lives < 10; lives++) {
        await driven.restart(diesAfter())
        await driven.until(() => false, { looks: 3 }).catch(() => {})
      }
      await driven.restart()
      await driven.ended()
      const quantity = fixed(quantityOf(1))
      expect(signed(driven, order)).toEqual([quantity, -quantity, quantity])
      await checked(driven)
    })

    test('one that had reverted and trades on the other branch is told of as a trade', async () => {
      const { proxy, uniswap, anvil } = fresh.ground
      const driven = await fresh.drive({ params: { confirmations, slippage: 0.01 } })
      await driven.order(2)
      await driven.ended()
      await proxy.mine(confirmations + 4)
      const order = await driven.order(1)
      await driven.stepped(order, 'sent', { blocks: 0 })
      // somebody else is first there
      await uniswap.swap('v2', 0, 2000n * 10n ** 18n)
      await driven.stepped(order, 'reverted')
      expect(signed(driven, order)).toEqual([])
      const included = driven.last(order)?.block ?? 0
      // and is not on the branch that wins
      const head = Number(await anvil.rpc('eth_blockNumber'))
      await proxy.reorg(head - included + 2, { returns: false })
      await driven.until(() => driven.last(order)?.step === 'settled')
      expect(signed(driven, order)).toEqual([fixed(quantityOf(1))])
      expect(states(driven).slice(2)).toEqual([
        ['accepted', true],
        ['cancelled', true],
        ['cancelled', false],
        ['filled', true],
      ])
      expect(loud(driven, order)).toHaveLength(1)
      await checked(driven, 2)
    })

    test('one whose deadline is over by then is not made again', async () => {
      const { proxy, anvil } = fresh.ground
      const driven = await fresh.drive({ params: { confirmations, deadline: '5m', cancel_after: '10s' } })
      await driven.order(2)
      await driven.ended()
      const order = await driven.order(1)
      await driven.ended()
      const head = Number(await anvil.rpc('eth_blockNumber'))
      await proxy.reorg(head - (driven.last(order)?.block ?? 0) + 1, { returns: false })
      await anvil.rpc('evm_increaseTime', 3600)
      await proxy.mine()
      await driven.ended()
      await driven.until(() => ['cancelled', 'reverted'].includes(driven.last(order)?.step ?? ''))
      const quantity = fixed(quantityOf(1))
      expect(signed(driven, order)).toEqual([quantity, -quantity])
      await checked(driven, 1)
    })
  })
})
