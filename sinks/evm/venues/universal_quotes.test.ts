import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Anvil, anvilBinary, startAnvil } from '../../../testing/anvil.ts'
import { callOn, deployUniswapRouters, type UniswapRouters } from '../../../testing/uniswap_routers.ts'
import { Address } from '../hex.ts'
import { universalRouter } from './universal_router.ts'
import { type Reader, Reverted, type Trade } from './venue.ts'

describe.skipIf(anvilBinary() === undefined)('on a chain of anvil', () => {
  let anvil: Anvil
  let ground: UniswapRouters
  let chain: Reader
  const unit = 10n ** 18n

  beforeAll(async () => {
    anvil = await startAnvil()
    ground = await deployUniswapRouters(anvil)
    chain = { call: callOn(anvil, (reason) => new Reverted(reason)) }
  })
  afterAll(() => anvil.close())

  const agree = async () => {
    const params = {
      router: ground.universal,
      wrapped: ground.weth,
      v4_quoter: ground.v4.quoter,
      v4_manager: ground.v4.manager,
      v4_state_view: ground.v4.state_view,
      routes: [{ hops: [{ protocol: 'uniswap_v4' as const, out: ground.b }] }],
    }
    const venue = universalRouter.open(z.parse(universalRouter.params, params))
    const token = (address: string) => ({ address: Address.parse(address), decimals: 18, native: false })
    const account = Address.parse(ground.trader)
    const fees: bigint[] = []
    for (const [pay, get] of [
      [ground.a, ground.b],
      [ground.b, ground.a],
    ] as const)
      for (const exact of ['in', 'out'] as const) {
        const plan: Trade = { pay: token(pay), get: token(get), exact, amount: unit, bound: 0n, account, deadline: 0 }
        const [curve] = (await venue.curves?.(plan, chain)) ?? []
        for (const amount of [1n, 1000n, unit, 400n * unit, 5400n * unit]) {
          const quoted = await venue.quote({ ...plan, amount }, chain)
          expect([pay, exact, amount, curve?.(amount)]).toEqual([pay, exact, amount, quoted])
          if (amount === unit) fees.push(quoted)
        }
        expect(curve?.(100_000n * unit)).toBeUndefined()
      }
    return fees
  }

  test('curves of V4 go across ticks as the quoter does, and with a fee of the protocol in each direction', async () => {
    const { deployer, provide, v4 } = ground.uniswap
    for (const [lower, upper] of [
      [-600, 600],
      [-120, 60],
      [-15_600, -15_300],
      [15_360, 16_200],
    ] as const)
      await deployer.receipt(await provide('v4', lower, upper, 5000n * unit))
    const before = await agree()
    await deployer.receipt(await v4.manager.send('setProtocolFeeController', deployer.account))
    const key = [ground.a, ground.b, 3000, 60, `0x${'0'.repeat(40)}`]
    // 500 pips when token 0 is paid, 1,000 when token 1 is
    await deployer.receipt(await v4.manager.send('setProtocolFee', key, (1000 << 12) + 500))
    const after = await agree()
    expect(after.some((quoted, n) => quoted === before[n])).toBe(false)
  })
})
