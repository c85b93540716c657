import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { later, routersGround } from '../../../test/evm/routers_ground.ts'
import { type Anvil, anvilBinary } from '../../../testing/anvil.ts'
import { interfaceOf } from '../../../testing/evm_chain.ts'
import { secondsOf } from '../../../testing/settled_trade.ts'
import { sendFrom, type UniswapRouters } from '../../../testing/uniswap_routers.ts'
import { uniswapV3 } from './uniswap_v3.ts'
import { type EvmVenue, type Reader, Reverted, type Token } from './venue.ts'

describe.skipIf(anvilBinary() === undefined)('on a chain of anvil', () => {
  let anvil: Anvil
  let ground: UniswapRouters
  let chain: Reader
  const unit = 10n ** 18n

  const { erc20, coin, trade, done } = routersGround(async (...on) => {
    ;[anvil, ground, chain] = on
    const data = interfaceOf('ERC20').encodeFunctionData('approve', [ground.v3.router, 2n ** 256n - 1n])
    for (const to of [ground.a, ground.b, ground.c, ground.weth]) await sendFrom(anvil, ground.trader, { to, data })
  })

  const venueOf = (path: readonly string[], more: object = {}): EvmVenue => {
    const hops = path.map((out) => ({ fee: 3000, out }))
    return uniswapV3.open(z.parse(uniswapV3.params, { ...ground.v3, hops, ...more } as never))
  }

  const ways = (): readonly (readonly [string, Token, Token, readonly string[]])[] => [
    ['one pool', erc20(ground.a), erc20(ground.b), [ground.b]],
    ['one pool, backwards', erc20(ground.b), erc20(ground.a), [ground.b]],
    ['two pools', erc20(ground.a), erc20(ground.c), [ground.b, ground.c]],
    ['three pools from the coin', coin(), erc20(ground.c), [ground.a, ground.b, ground.c]],
    ['three pools to the coin, backwards', erc20(ground.c), coin(), [ground.a, ground.b, ground.c]],
  ]

  test.each(['in', 'out'] as const)(
    'an exact %s moves what quoter and curve say, to the unit, on every way',
    async (exact) => {
      for (const [way, pay, get, path] of ways()) {
        const venue = venueOf(path)
        const plan = trade(pay, get, exact, 7n * unit + 13n)
        const quoted = await venue.quote(plan, chain)
        const [curve] = (await venue.curves?.(plan, chain)) ?? []
        expect([way, curve?.(plan.amount)]).toEqual([way, quoted])
        const { status, moved, balances } = await done(venue, { ...plan, bound: quoted })
        const expected = exact === 'in' ? { paid: plan.amount, got: quoted } : { paid: quoted, got: plan.amount }
        expect([way, status, moved, balances]).toEqual([way, '0x1', expected, expected])
      }
    },
  )

  test('the curve goes across ticks as the quoter does, and ends where nothing was read', async () => {
    for (const [lower, upper] of [
      [-600, 600],
      [-120, 60],
      [-15_600, -15_300],
      [15_360, 16_200],
    ] as const)
      await ground.uniswap.deployer.receipt(await ground.uniswap.provide('v3', lower, upper, 5000n * unit))
    for (const [pay, get] of [
      [ground.a, ground.b],
      [ground.b, ground.a],
    ] as const)
      for (const exact of ['in', 'out'] as const) {
        const venue = venueOf([ground.b])
        const [curve] = (await venue.curves?.(trade(erc20(pay), erc20(get), exact, unit), chain)) ?? []
        const [short] =
          (await venueOf([ground.b], { words: 0 }).curves?.(trade(erc20(pay), erc20(get), exact, unit), chain)) ?? []
        for (const amount of [1n, 1000n, unit, 400n * unit, 9000n * unit, 15_000n * unit]) {
          const plan = trade(erc20(pay), erc20(get), exact, amount)
          const quoted = await venue.quote(plan, chain)
          expect([pay, exact, amount, curve?.(amount)]).toEqual([pay, exact, amount, quoted])
        }
        expect(curve?.(100_000n * unit)).toBeUndefined()
        // at a price of 1 the word ends right below
        expect(short?.(400n * unit)).toBe(pay === ground.a ? undefined : curve?.(400n * unit))
        expect(short?.(30_000n * unit)).toBeUndefined()
      }
  })

  test('of a coin paid for an exact output, what was not needed comes back and is not counted', async () => {
    const venue = venueOf([ground.a])
    const plan = trade(coin(), erc20(ground.a), 'out', unit)
    const quoted = await venue.quote(plan, chain)
    const order = { ...plan, bound: 3n * quoted }
    expect(venue.encode(order).value).toBe(3n * quoted)
    expect(await done(venue, order)).toMatchObject({
      status: '0x1',
      moved: { paid: quoted },
      balances: { paid: quoted },
    })
  })

  test('of coin that a pool which runs dry does not take, the rest comes back', async () => {
    await anvil.rpc('anvil_setBalance', ground.trader, `0x${(1_000_000n * unit).toString(16)}`)
    const amount = 500_000n * unit
    const { status, moved, balances } = await done(venueOf([ground.a]), trade(coin(), erc20(ground.a), 'in', amount))
    expect([status, moved]).toEqual(['0x1', balances])
    expect(moved.paid < amount).toBe(true)
  })

  test('a bound one unit better than the quote is refused by the contract, and so is a price that moved', async () => {
    for (const [pay, get, path] of [
      [erc20(ground.a), erc20(ground.b), [ground.b]],
      [erc20(ground.b), coin(), [ground.a, ground.weth]],
    ] as const)
      for (const exact of ['in', 'out'] as const) {
        const venue = venueOf(path)
        const plan = trade(pay, get, exact, 5n * unit)
        const quoted = await venue.quote(plan, chain)
        const better = exact === 'in' ? quoted + 1n : quoted - 1n
        expect(await done(venue, { ...plan, bound: better })).toMatchObject({
          status: '0x0',
          moved: { paid: 0n, got: 0n },
        })
        await ground.uniswap.swap('v3', path[0] === ground.b ? 0 : 1, unit)
        expect(await done(venue, { ...plan, bound: quoted })).toMatchObject({
          status: '0x0',
          balances: { paid: 0n, got: 0n },
        })
      }
  })

  test('it is taken in the second of its deadline, and refused a second later, alone and among other calls', async () => {
    for (const [pay, get, path] of [
      [erc20(ground.a), erc20(ground.b), [ground.b]],
      [erc20(ground.a), coin(), [ground.weth]],
    ] as const)
      for (const [late, status] of [
        [0, '0x1'],
        [1, '0x0'],
      ] as const) {
        const deadline = (await secondsOf(anvil)) + 100
        await anvil.rpc('evm_setNextBlockTimestamp', deadline + late)
        expect(await done(venueOf(path), trade(pay, get, 'in', unit, { deadline }))).toMatchObject({ status })
      }
  })

  test('a router that looks for the deadline in multicall is sent what SwapRouter02 reads', () => {
    const venue = venueOf([ground.a], { deadline: 'in_multicall' })
    const { data } = venue.encode(trade(erc20(ground.a), coin(), 'in', unit, { bound: 5n }))
    // multicall(uint256,bytes[]) with exactInput((bytes,address,uint256,uint256)) to itself, then unwrapWETH9(uint256,address)
    expect(data.slice(0, 10)).toBe('0x5ae401dc')
    expect(data.slice(10, 74)).toBe(later.toString(16).padStart(64, '0'))
    expect(data).toContain('b858183f')
    expect(data).toContain(`49404b7c${'5'.padStart(64, '0')}`)
    expect(data).toContain('2'.padStart(64, '0'))
  })

  test('what it can never trade is refused before anything is asked, and what no pool can give when it is', async () => {
    const venue = venueOf([ground.b, ground.a])
    expect(venue.refuses?.(trade(erc20(ground.c), erc20(ground.weth), 'in', unit))).toContain('leads neither')
    expect(venue.refuses?.(trade(erc20(ground.a), erc20(ground.b), 'in', unit))).toContain('a token twice')
    expect(() => venue.encode(trade(erc20(ground.c), erc20(ground.weth), 'in', unit))).toThrow(RangeError)
    const tooMuch = trade(erc20(ground.a), erc20(ground.b), 'out', 100_000n * unit)
    await expect(venueOf([ground.b]).quote(tooMuch, chain)).rejects.toBeInstanceOf(Reverted)
    const none = trade(erc20(ground.c), erc20(ground.weth), 'in', unit)
    await expect(venueOf([ground.weth]).quote(none, chain)).rejects.toBeInstanceOf(Reverted)
    await expect(venueOf([ground.weth]).curves?.(none, chain)).rejects.toBeInstanceOf(Reverted)
  })
})
