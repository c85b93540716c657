import { describe, expect, test } from 'vitest'
import { anvilBinary } from '../../testing/anvil.ts'
import { interfaceOf } from '../../testing/evm_chain.ts'
import { seeded } from './crash.ts'
import type { DrivenExecutor } from './drive_executor.ts'
import { freshGround } from './fresh_ground.ts'
import { orderOf } from './ground.ts'
import { untruths } from './truth.ts'

const unit = 10n ** 18n
const gwei = 10n ** 9n

describe.skipIf(anvilBinary() === undefined)('prices that move against an order', () => {
  const fresh = freshGround()

  /** Somebody who pays to be first in the next block. */
  async function ahead(side: 0 | 1, amount: bigint): Promise<void> {
    const { anvil, uniswap } = fresh.ground
    const { router } = uniswap.v2
    const [from, to] = side === 0 ? uniswap.tokens : uniswap.tokens.toReversed()
    const path = [from?.address, to?.address]
    const data = interfaceOf('UniswapV2Router02').encodeFunctionData('swapExactTokensForTokens', [
      ...[amount, 0, path, uniswap.deployer.account, 2n ** 48n],
    ])
    const hex = (value: bigint) => `0x${value.toString(16)}`
    await anvil.rpc('eth_sendTransaction', {
      ...{ from: uniswap.deployer.account, to: router.address, data, gas: '0x7a120' },
      ...{ maxFeePerGas: hex(500n * gwei), maxPriorityFeePerGas: hex(200n * gwei) },
    })
  }
  async function price(): Promise<number> {
    const [reserve0, reserve1] = (await fresh.ground.uniswap.v2.pair.call('getReserves')) as [bigint, bigint]
    return Number((reserve1 * 10n ** 9n) / reserve0) / 1e9
  }
  /** Fills on the chain that are worse than the bound of their order. */
  async function worse(driven: DrivenExecutor): Promise<readonly string[]> {
    const swaps = await fresh.ground.swaps()
    return [...driven.book().all()].flatMap(({ intent, attempts }) => {
      const swap = swaps.find(({ transaction }) => attempts.some(({ hash }) => hash === transaction))
      if (swap === undefined) return []
      const kept = intent.exact === 'in' ? swap.got >= BigInt(intent.bound) : swap.paid <= BigInt(intent.bound)
      return kept ? [] : [`${intent.id}: ${swap.paid} for ${swap.got}, bound ${intent.bound}`]
    })
  }

  test.each(['sell', 'buy'] as const)('a %s that the price leaves between plan and block reverts', async (side) => {
    const driven = await fresh.drive({ params: { slippage: 0.01 } })
    await driven.order(9, { side })
    await driven.ended()
    const order = await driven.order(1, { side })
    await driven.stepped(order, 'sent', { blocks: 0 })
    await ahead(side === 'sell' ? 0 : 1, 500n * unit)
    await driven.ended()
    expect(driven.last(order)).toMatchObject({ step: 'reverted', code: 'REVERTED' })
    expect(driven.updates(order)).toEqual(['accepted', 'cancelled'])
    expect(driven.fills(order)).toEqual([])
    expect(await untruths(fresh.ground, driven)).toEqual([])
    expect(await fresh.ground.swaps()).toHaveLength(1)
  })

  test('of 200 orders with somebody moving the price in each block, none is filled past its bound', async () => {
    const random = seeded(7)
    const driven = await fresh.drive({ params: { slippage: 0.006, confirmations: 2 } })
    await driven.order(999, { side: 'buy', limit: 2 })
    await driven.order(998, { limit: 0.5 })
    await driven.ended()
    let given = 0
    const move = async () => {
      await ahead(random() < 0.5 ? 0 : 1, BigInt(Math.floor(random() * 60)) * unit + 1n)
      await fresh.ground.proxy.mine()
    }
    while (given < 200) {
      const now = await price()
      // the strategy saw a price that is not there any more
      if (random() < 0.4) await move()
      const orders = Array.from({ length: 8 }, () => {
        const side = random() < 0.5 ? 'sell' : 'buy'
        return { ...orderOf(fresh.ground, given, { side, price: now }), at: driven.clock.now() + given++ }
      })
      await driven.take(...orders)
      for (let n = 0; n < 3; n++) {
        await driven.look()
        await move()
      }
    }
    await driven.until(async () => {
      await move()
      return driven.book().open().length === 0
    })
    expect(await worse(driven)).toEqual([])
    expect(await untruths(fresh.ground, driven)).toEqual([])
    const ends = new Map<string, number>()
    for (const { life, intent } of driven.book().all())
      if (intent.purpose === 'trade') ends.set(life.phase, (ends.get(life.phase) ?? 0) + 1)
    // the price was fair to some, moved before others were signed, and before others were in a block
    expect([...ends.keys()].toSorted()).toEqual(['rejected', 'reverted', 'settled'])
    for (const count of ends.values()) expect(count).toBeGreaterThanOrEqual(5)
    expect([...ends.values()].reduce((sum, n) => sum + n, 0)).toBe(202)
  })
})
