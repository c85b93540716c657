import { describe, expect, test } from 'vitest'
import { evmSwapParams, marketsOf } from '../../sinks/evm/params.ts'
import { gasPaid } from '../../sinks/execution/order.ts'
import { toFixed } from '../../sinks/execution/told.ts'
import { anvilBinary } from '../../testing/anvil.ts'
import { balanceOf } from '../../testing/settled_trade.ts'
import type { EvmReceipt } from '../../testing/uniswap_routers.ts'
import { freshOn } from './fresh_ground.ts'
import { orderOf } from './ground.ts'
import { startVenueGround } from './venue_ground.ts'

const trade = ['received', 'planned', 'simulated', 'signed', 'sent', 'seen', 'included', 'final', 'settled']

describe.skipIf(anvilBinary() === undefined)('orders on real contracts', () => {
  const fresh = freshOn(startVenueGround)
  const marketOf = (key: string) =>
    marketsOf(evmSwapParams.parse(fresh.ground.params())).find((m) => m.key === key) as ReturnType<typeof marketsOf>[0]

  test.each(
    (
      [
        ['v2', 'a pair of V2', 1],
        ['v2_coin', 'a pair of V2 with the coin', 1],
        ['v3', 'a pool of V3', 1],
        ['v3_coin', 'a pool of V3 with the coin', 1],
        ['v4', 'a pool of V4 by the Universal Router and Permit2', 2],
        ['v4_coin', 'a pool of V4 that holds the coin', 2],
        ['hops', 'V2 and then V3', 2],
        ['split', 'V2 and V3 side by side', 2],
        ['aave', 'a reserve of Aave V3', 1],
      ] as const
    ).flatMap(([name, what, rights]) => [['sell', what, name, rights] as const, ['buy', what, name, rights] as const]),
  )('a %s on %s moves what it tells', async (side, _what, name, rights) => {
    const { anvil, account } = fresh.ground
    const key = `venue:${name}`
    const market = marketOf(key)
    const held = (token: typeof market.base) => balanceOf(anvil, account, token.native ? undefined : token.address)
    const before = [await held(market.base), await held(market.quote)] as const
    const driven = await fresh.drive()
    const value = { side, quantity: 1.25, limit: 0, price: 1 }
    const order = { ...orderOf({ key }, 1, value), at: driven.clock.now() }
    await driven.take(order)
    await driven.ended()

    expect(driven.steps(order)).toEqual(trade)
    const helps = [...driven.book().all()].filter(({ intent }) => intent.purpose === 'allowance')
    // paying with the coin or with what the pool itself burns needs no rights
    const paysFreely = side === 'buy' && (market.quote.native || name === 'aave')
    expect(helps.map(({ life }) => life.phase)).toEqual(Array(paysFreely ? 0 : rights).fill('settled'))

    const all = [...driven.book().all()]
    const gas = all.reduce((sum, one) => sum + gasPaid(one), 0n)
    expect(gas).toBe(await gasOf(all.flatMap(({ attempts }) => attempts.map(({ hash }) => hash))))
    const after = [await held(market.base), (await held(market.quote)) + (market.quote.native ? gas : 0n)] as const
    const [base, quote] = [after[0] - before[0], after[1] - before[1]]
    const [fill, ...more] = driven.fills(order).filter(({ quantity }) => quantity !== 0n)
    expect(more).toEqual([])
    // what rights cost is told where the coin has a price
    expect(driven.fills(order)).toHaveLength(1 + (market.quote.native ? helps.length : 0))
    const sign = side === 'buy' ? 1n : -1n
    // interest comes by the second to who supplied
    const slack = name === 'aave' ? 10n ** 12n : 0n
    // where the venue cannot be told what shall come, the amount is what is paid
    const exact = side === 'buy' && market.exact === 'in' ? -quote : base * sign
    expect(exact).toBe(1_250_000_000_000_000_000n)
    expect(fill).toMatchObject({ side, quantity: toFixed(base * sign, 18) })
    const moved = driven.book().get(order.id)?.inclusion
    const [told_base, told_quote] = side === 'buy' ? [moved?.got, moved?.paid] : [moved?.paid, moved?.got]
    expect(BigInt(told_base ?? 0)).toBe(base * sign)
    const off = BigInt(told_quote ?? 0) + quote * sign
    expect(off < 0n ? -off : off).toBeLessThanOrEqual(slack)
    expect(fill?.notional).toBe(toFixed(BigInt(told_quote ?? 0), 18))
    const paid = gasPaid(driven.book().get(order.id) as NonNullable<ReturnType<ReturnType<typeof driven.book>['get']>>)
    expect(fill?.fee).toBe(market.quote.native ? toFixed(paid, 18) : 0n)
    const less = base * sign < 1_250_000_000_000_000_000n ? ['cancelled'] : []
    expect(driven.updates(order)).toEqual(['accepted', 'filled', ...less])
  })

  async function gasOf(hashes: readonly string[]): Promise<bigint> {
    let sum = 0n
    for (const hash of hashes) {
      const receipt = (await fresh.ground.anvil.rpc('eth_getTransactionReceipt', hash)) as EvmReceipt
      sum += BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice)
    }
    return sum
  }

  test('orders of all markets at once are all done, each with its own', async () => {
    const driven = await fresh.drive()
    const keys = marketsOf(evmSwapParams.parse(fresh.ground.params())).map((m) => m.key)
    const orders = keys.map((key, n) => ({
      ...orderOf({ key }, n, { side: 'sell', quantity: 0.5 }),
      at: driven.clock.now() + n,
    }))
    await driven.take(...orders)
    await driven.ended({ looks: 120 })
    for (const order of orders) expect([order.key, driven.steps(order)]).toEqual([order.key, trade])
    const nonces = [...driven.book().all()].map(({ attempts }) => attempts[0]?.nonce ?? -1).toSorted((x, y) => x - y)
    expect(nonces).toEqual(nonces.map((_, n) => (nonces[0] as number) + n))
  })
})
