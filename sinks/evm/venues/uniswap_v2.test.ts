import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { later, routersGround } from '../../../test/evm/routers_ground.ts'
import { type Anvil, anvilBinary } from '../../../testing/anvil.ts'
import { interfaceOf } from '../../../testing/evm_chain.ts'
import { secondsOf } from '../../../testing/settled_trade.ts'
import { deployArtifact, sendFrom, type UniswapRouters } from '../../../testing/uniswap_routers.ts'
import { uniswapV2 } from './uniswap_v2.ts'
import { type EvmVenue, type Reader, Reverted, type Token, type Trade } from './venue.ts'

describe.skipIf(anvilBinary() === undefined)('on a chain of anvil', () => {
  let anvil: Anvil
  let ground: UniswapRouters
  let chain: Reader
  const unit = 10n ** 18n
  const most = 2n ** 256n - 1n

  const { erc20, coin, trade, done } = routersGround(async (...on) => {
    ;[anvil, ground, chain] = on
    for (const token of [ground.a, ground.b, ground.c, ground.weth]) await approve(token)
  })

  const approve = (token: string) => {
    const data = interfaceOf('ERC20').encodeFunctionData('approve', [ground.v2.router, most])
    return sendFrom(anvil, ground.trader, { to: token, data })
  }
  const venueOf = (path: readonly string[], more: object = {}): EvmVenue =>
    uniswapV2.open(
      z.parse(uniswapV2.params, { router: ground.v2.router, factory: ground.v2.factory, path, ...more } as never),
    )

  const ways = (): readonly (readonly [string, Token, Token, readonly string[]])[] => [
    ['one pair', erc20(ground.a), erc20(ground.b), [ground.b]],
    ['one pair, backwards', erc20(ground.b), erc20(ground.a), [ground.b]],
    ['two pairs', erc20(ground.a), erc20(ground.c), [ground.b, ground.c]],
    ['three pairs from the coin', coin(), erc20(ground.c), [ground.a, ground.b, ground.c]],
    ['three pairs to the coin, backwards', erc20(ground.c), coin(), [ground.a, ground.b, ground.c]],
    ['the wrapped coin as a token', erc20(ground.weth), erc20(ground.a), [ground.a]],
  ]

  test.each(['in', 'out'] as const)(
    'an exact %s moves what router and curve quote, to the unit, on every way',
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

  test('a bound one unit better than the quote is refused by the contract, and so is a price that moved', async () => {
    const venue = venueOf([ground.b])
    for (const exact of ['in', 'out'] as const) {
      const plan = trade(erc20(ground.a), erc20(ground.b), exact, 5n * unit)
      const quoted = await venue.quote(plan, chain)
      const better = exact === 'in' ? quoted + 1n : quoted - 1n
      expect(await done(venue, { ...plan, bound: better })).toMatchObject({
        status: '0x0',
        moved: { paid: 0n, got: 0n },
      })
      await ground.uniswap.swap('v2', 0, unit)
      expect(await done(venue, { ...plan, bound: quoted })).toMatchObject({
        status: '0x0',
        balances: { paid: 0n, got: 0n },
      })
    }
  })

  test('it is taken in the second of its deadline, and refused a second later', async () => {
    const venue = venueOf([ground.b])
    for (const [late, status] of [
      [0, '0x1'],
      [1, '0x0'],
    ] as const) {
      const deadline = (await secondsOf(anvil)) + 100
      await anvil.rpc('evm_setNextBlockTimestamp', deadline + late)
      expect(await done(venue, trade(erc20(ground.a), erc20(ground.b), 'in', unit, { deadline }))).toMatchObject({
        status,
      })
    }
  })

  test('of a token that burns a part of each transfer, the logs say what really left and came', async () => {
    const token = await deployArtifact(anvil, 'DeflatingERC20', 10n ** 27n)
    const abi = interfaceOf('ERC20')
    const { account } = ground.uniswap.deployer
    const router = ground.v2.router
    const give = (to: string, data: string) => sendFrom(anvil, account, { to, data })
    await give(token, abi.encodeFunctionData('transfer', [ground.trader, 1000n * unit]))
    for (const paired of [token, ground.b]) await give(paired, abi.encodeFunctionData('approve', [router, most]))
    const add = [token, ground.b, 10_000n * unit, 10_000n * unit, 0, 0, account, later]
    await give(router, interfaceOf('UniswapV2Router02').encodeFunctionData('addLiquidity', add))
    await approve(token)

    const [taxed, plain] = [venueOf([ground.b], { taxed: true }), venueOf([ground.b])]
    const sell = trade(erc20(token), erc20(ground.b), 'in', 10n * unit)
    expect(await done(plain, sell)).toMatchObject({ status: '0x0' })
    const quoted = await taxed.quote(sell, chain)
    const sold = await done(taxed, sell)
    expect(sold.moved).toEqual(sold.balances)
    expect(sold.moved.paid).toBe(10n * unit)
    expect(sold.moved.got < quoted).toBe(true)

    const buy = trade(erc20(ground.b), erc20(token), 'in', 10n * unit)
    const bought = await done(taxed, { ...buy, bound: 1n })
    expect(bought.moved).toEqual(bought.balances)
    expect(() => taxed.encode(trade(erc20(token), erc20(ground.b), 'out', unit))).toThrow('in an exact amount')
  })

  test('a fork is another router, another fee and another word for the coin', async () => {
    const fork = venueOf([ground.a], { coin: 'AVAX', fee: 2500 })
    const selector = (order: Trade) => fork.encode(order).data.slice(0, 10)
    // swapExactAVAXForTokens(uint256,address[],address,uint256), swapExactTokensForAVAX(uint256,uint256,address[],address,uint256)
    expect(selector(trade(coin(), erc20(ground.a), 'in', unit))).toBe('0xa2a1623d')
    expect(selector(trade(erc20(ground.a), coin(), 'in', unit))).toBe('0x676528d1')
    const [curve] = (await fork.curves?.(trade(coin(), erc20(ground.a), 'in', unit), chain)) ?? []
    const kept = unit * 9975n
    const depth = 10_000n * unit
    expect(curve?.(unit)).toBe((kept * depth) / (depth * 10_000n + kept))
  })

  test('what it can never trade is refused before anything is asked', async () => {
    const venue = venueOf([ground.b])
    expect(venue.refuses?.(trade(erc20(ground.a), erc20(ground.c), 'in', unit))).toContain('leads neither')
    expect(venue.refuses?.(trade(erc20(ground.b), erc20(ground.b), 'in', unit))).toContain('wrapping is no trade')
    expect(venue.refuses?.(trade(erc20(ground.a), erc20(ground.b), 'in', 0n))).toContain('above zero')
    expect(() => venue.encode(trade(erc20(ground.a), erc20(ground.c), 'in', unit))).toThrow(RangeError)
    const none = trade(erc20(ground.c), erc20(ground.weth), 'in', unit)
    await expect(venueOf([ground.weth]).quote(none, chain)).rejects.toBeInstanceOf(Reverted)
    await expect(venueOf([ground.weth]).curves?.(none, chain)).rejects.toBeInstanceOf(Reverted)
  })
})
