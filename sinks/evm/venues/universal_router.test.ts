import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { later, routersGround } from '../../../test/evm/routers_ground.ts'
import { anvilBinary } from '../../../testing/anvil.ts'
import { type UniswapRouters, universalParams } from '../../../testing/uniswap_routers.ts'
import { bestSplit } from './best_split.ts'
import { universalRouter } from './universal_router.ts'
import type { EvmVenue, Reader, Trade } from './venue.ts'

describe.skipIf(anvilBinary() === undefined)('on a chain of anvil', () => {
  let ground: UniswapRouters
  let chain: Reader
  const unit = 10n ** 18n

  const { erc20, coin, trade, done, left, anew, keep } = routersGround((_, ...on) => {
    ;[ground, chain] = on
  })

  type Protocol = 'uniswap_v2' | 'uniswap_v3' | 'uniswap_v4'
  const via = (protocol: Protocol, out: string) => ({ protocol, out })
  type Way = readonly ReturnType<typeof via>[]
  const paramsOf = (routes: readonly (readonly [share: number, Way])[]) => universalParams(ground, routes)
  const venueOf = (...routes: readonly (readonly [share: number, Way])[]): EvmVenue =>
    universalRouter.open(z.parse(universalRouter.params, paramsOf(routes)))
  const nothing = [0n, 0n, 0n, 0n, 0n]
  /** Quote, curves and what moved are one number, by logs and by balances. */
  const agrees = async (name: string, venue: EvmVenue, plan: Trade, curved = true) => {
    const quoted = await venue.quote(plan, chain)
    const { status, moved, balances } = await done(venue, { ...plan, bound: quoted })
    const expected = plan.exact === 'in' ? { paid: plan.amount, got: quoted } : { paid: quoted, got: plan.amount }
    expect([name, status, moved, balances]).toEqual([name, '0x1', expected, expected])
    expect(await left()).toEqual(nothing)
    if (!curved) return
    await anew()
    const [curve] = (await venue.curves?.(plan, chain)) ?? []
    expect([name, curve?.(plan.amount)]).toEqual([name, quoted])
  }
  const protocols = ['uniswap_v2', 'uniswap_v3', 'uniswap_v4'] as const
  const amount = 7n * unit + 13n

  test.each(['in', 'out'] as const)(
    'one pool or several of one protocol move an exact %s as quoted, there and back',
    async (exact) => {
      for (const protocol of protocols) {
        const two = [via(protocol, ground.b), via(protocol, ground.c)]
        await agrees(
          protocol,
          venueOf([10_000, [via(protocol, ground.b)]]),
          trade(erc20(ground.a), erc20(ground.b), exact, amount),
        )
        await agrees(protocol, venueOf([10_000, two]), trade(erc20(ground.a), erc20(ground.c), exact, amount))
        await agrees(protocol, venueOf([10_000, two]), trade(erc20(ground.c), erc20(ground.a), exact, amount))
      }
    },
  )

  test.each(['in', 'out'] as const)(
    'the coin, native or wrapped, is paid and got for an exact %s over every protocol',
    async (exact) => {
      for (const protocol of protocols) {
        const way = [via(protocol, ground.a), via(protocol, ground.b)]
        for (const form of [coin(), erc20(ground.weth)]) {
          const name = `${protocol} ${form.native ? 'native' : 'wrapped'}`
          await agrees(name, venueOf([10_000, way]), trade(form, erc20(ground.b), exact, amount))
          await agrees(name, venueOf([10_000, way]), trade(erc20(ground.b), form, exact, amount))
        }
      }
    },
  )

  test('an exact input goes from protocol to protocol, and the coin changes its form between them', async () => {
    for (const first of protocols)
      for (const second of protocols) {
        const way = [via(first, ground.b), via(second, ground.c)]
        await agrees(
          `${first} ${second}`,
          venueOf([10_000, way]),
          trade(erc20(ground.a), erc20(ground.c), 'in', amount),
        )
      }
    // b -> a -> weth and on: only a pool of another kind leads from the coin to a third token
    await ground.uniswap.deployer.receipt(
      await ground.uniswap.v2.router.send(
        'addLiquidity',
        ...[ground.weth, ground.c, 1000n * unit, 1000n * unit, 0, 0, ground.uniswap.deployer.account, later],
      ),
    )
    await keep()
    const way = [via('uniswap_v4', ground.a), via('uniswap_v4', ground.weth), via('uniswap_v2', ground.c)]
    await agrees('coin to wrapped', venueOf([10_000, way]), trade(erc20(ground.b), erc20(ground.c), 'in', amount))
    await agrees('wrapped to coin', venueOf([10_000, way]), trade(erc20(ground.c), erc20(ground.b), 'in', amount))
  })

  const three = (out: string) =>
    [
      [2500, [via('uniswap_v2', out)]],
      [3333, [via('uniswap_v3', out)]],
      [4167, [via('uniswap_v4', out)]],
    ] as const
  test.each(['in', 'out'] as const)('an exact %s is split over three protocols in one transaction', async (exact) => {
    await agrees('a to b', venueOf(...three(ground.b)), trade(erc20(ground.a), erc20(ground.b), exact, amount), false)
    for (const form of [coin(), erc20(ground.weth)]) {
      await agrees('to a', venueOf(...three(ground.a)), trade(form, erc20(ground.a), exact, amount), false)
      await agrees('from a', venueOf(...three(ground.a)), trade(erc20(ground.a), form, exact, amount), false)
    }
  })

  test('routes of a split may go through the same token, each over pools of its own', async () => {
    const [over, under] = [
      [via('uniswap_v2', ground.b), via('uniswap_v3', ground.c)],
      [via('uniswap_v4', ground.b), via('uniswap_v2', ground.c)],
    ]
    await agrees(
      'two',
      venueOf([4000, over], [6000, under]),
      trade(erc20(ground.a), erc20(ground.c), 'in', amount),
      false,
    )
    await agrees(
      'back',
      venueOf([4000, over], [6000, under]),
      trade(erc20(ground.c), erc20(ground.a), 'in', amount),
      false,
    )
  })

  test('a route whose share is less than a unit is left out: the contracts read a zero as all there is', async () => {
    for (const protocol of protocols) {
      const rest = protocol === 'uniswap_v2' ? 'uniswap_v3' : 'uniswap_v2'
      const venue = venueOf([5, [via(protocol, ground.a)]], [9995, [via(rest, ground.a)]])
      await agrees(protocol, venue, trade(erc20(ground.weth), erc20(ground.a), 'in', 1000n), false)
      await agrees(protocol, venue, trade(coin(), erc20(ground.a), 'out', 1000n), false)
    }
  })

  test('told to split at its best, it divides each trade anew and gets what the curves say', async () => {
    const ways = protocols.map((protocol, n) => [n === 0 ? 10_000 : 0, [via(protocol, ground.b)]] as const)
    const venue = universalRouter.open(z.parse(universalRouter.params, { ...paramsOf(ways), split: 'best' }))
    const order = trade(erc20(ground.a), erc20(ground.b), 'in', 900n * unit)
    const best = (await venue.best?.(order, chain)) as EvmVenue
    const [written, divided] = [await venue.quote(order, chain), await best.quote(order, chain)]
    expect(divided).toBeGreaterThan(written)
    expect(bestSplit((await venue.curves?.(order, chain)) ?? [], order.amount, 'in')?.total).toBe(divided)
    const { status, moved } = await done(best, { ...order, bound: divided })
    expect([status, moved]).toEqual(['0x1', { paid: order.amount, got: divided }])
  })
  test('a best split by the curves gives what the chain then gives, and more than any route alone', async () => {
    await ground.uniswap.swap('v3', 0, 300n * unit)
    const plan = trade(erc20(ground.a), erc20(ground.b), 'in', 900n * unit)
    const curves = (await venueOf(...three(ground.b)).curves?.(plan, chain)) ?? []
    const best = bestSplit(curves, plan.amount, 'in')
    const shares = best?.shares ?? []
    const routes = shares.map((share, n) => [share, [via(protocols[n] as Protocol, ground.b)]] as const)
    expect(await venueOf(...routes).quote(plan, chain)).toBe(best?.total)
    for (const curve of curves) expect((curve?.(plan.amount) ?? 0n) < (best?.total ?? 0n)).toBe(true)
    const { moved } = await done(venueOf(...routes), { ...plan, bound: best?.total ?? 0n })
    expect(moved.got).toBe(best?.total)
  })
})
