import { AbiCoder, Interface } from 'ethers'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { later, routersGround } from '../../../test/evm/routers_ground.ts'
import { type Anvil, anvilBinary } from '../../../testing/anvil.ts'
import { interfaceOf } from '../../../testing/evm_chain.ts'
import { secondsOf, settle } from '../../../testing/settled_trade.ts'
import { deployArtifact, sendFrom, type UniswapRouters, universalParams } from '../../../testing/uniswap_routers.ts'
import { grantsOf, missingOf } from './allowances.ts'
import { universalRouter } from './universal_router.ts'
import type { EvmVenue, Reader, Trade } from './venue.ts'

describe.skipIf(anvilBinary() === undefined)('on a chain of anvil', () => {
  let anvil: Anvil
  let ground: UniswapRouters
  let chain: Reader
  const unit = 10n ** 18n

  const { erc20, coin, trade, done, left, anew } = routersGround((...on) => {
    ;[anvil, ground, chain] = on
  })

  type Protocol = 'uniswap_v2' | 'uniswap_v3' | 'uniswap_v4'
  const via = (protocol: Protocol, out: string, more: { readonly hooks?: string } = {}) => ({ protocol, out, ...more })
  type Way = readonly ReturnType<typeof via>[]
  const paramsOf = (routes: readonly (readonly [share: number, Way])[]) => universalParams(ground, routes)
  const venueOf = (...routes: readonly (readonly [share: number, Way])[]): EvmVenue =>
    universalRouter.open(z.parse(universalRouter.params, paramsOf(routes)))
  const nothing = [0n, 0n, 0n, 0n, 0n]
  const protocols = ['uniswap_v2', 'uniswap_v3', 'uniswap_v4'] as const
  const amount = 7n * unit + 13n
  const three = (out: string) =>
    [
      [2500, [via('uniswap_v2', out)]],
      [3333, [via('uniswap_v3', out)]],
      [4167, [via('uniswap_v4', out)]],
    ] as const

  test('of coin that a pool which runs dry does not take, the rest comes back', async () => {
    await anvil.rpc('anvil_setBalance', ground.trader, `0x${(1_000_000n * unit).toString(16)}`)
    for (const protocol of ['uniswap_v3', 'uniswap_v4'] as const) {
      const plan = trade(coin(), erc20(ground.a), 'in', 500_000n * unit)
      const { status, moved, balances } = await done(venueOf([10_000, [via(protocol, ground.a)]]), plan)
      expect([protocol, status, moved]).toEqual([protocol, '0x1', balances])
      expect(moved.paid < plan.amount).toBe(true)
      expect(await left()).toEqual(nothing)
    }
  })

  test('an exact output that a pool of V4 cannot give in full reverts, however much may be paid', async () => {
    const { deployer } = ground.uniswap
    const rich = interfaceOf('ERC20').encodeFunctionData('transfer', [ground.trader, 10n ** 6n * unit])
    await sendFrom(anvil, deployer.account, { to: ground.a, data: rich })
    const plan = trade(erc20(ground.a), erc20(ground.b), 'out', 9400n * unit, { bound: 10n ** 6n * unit })
    const venue = venueOf([10_000, [via('uniswap_v4', ground.b)]])
    expect(await done(venue, plan)).toMatchObject({ status: '0x1', balances: { got: plan.amount } })
    await anew()
    await sendFrom(anvil, deployer.account, { to: ground.a, data: rich })
    expect(await done(venue, { ...plan, amount: 9600n * unit })).toMatchObject({
      status: '0x0',
      balances: { paid: 0n, got: 0n },
    })
  })

  test('the router of another version is sent what it reads', async () => {
    // a router of V4 as it was for Universal Router 2.0, by the actions alone and without Permit2
    const actions = await deployArtifact(anvil, 'MockV4Router', ground.v4.manager)
    const erc20Abi = interfaceOf('ERC20')
    const approval = erc20Abi.encodeFunctionData('approve', [actions, 2n ** 256n - 1n])
    await sendFrom(anvil, ground.trader, { to: ground.a, data: approval })
    const way = [via('uniswap_v4', ground.b), via('uniswap_v4', ground.c)]
    const opened = (version: '2.0' | '2.1.0' | '2.1.1', hops: Way = way) =>
      universalRouter.open(z.parse(universalRouter.params, { ...paramsOf([[10_000, hops]]), version }))
    const execute = new Interface(['function execute(bytes, bytes[], uint256)', 'function executeActions(bytes)'])
    const inputOf = (venue: EvmVenue, order: Trade): string => {
      const [, inputs] = execute.decodeFunctionData('execute', venue.encode(order).data) as unknown as [
        string,
        string[],
      ]
      return inputs[0] ?? ''
    }
    for (const exact of ['in', 'out'] as const) {
      const plan = trade(erc20(ground.a), erc20(ground.c), exact, amount)
      const quoted = await opened('2.0').quote(plan, chain)
      const data = (version: '2.0' | '2.1.0') =>
        execute.encodeFunctionData('executeActions', [inputOf(opened(version), { ...plan, bound: quoted })])
      const { receipt, balances } = await settle(anvil, ground.trader, { to: actions, data: data('2.0') }, plan)
      const expected = exact === 'in' ? { paid: amount, got: quoted } : { paid: quoted, got: amount }
      expect([receipt.status, balances]).toEqual(['0x1', expected])
      expect((await settle(anvil, ground.trader, { to: actions, data: data('2.1.0') }, plan)).receipt.status).toBe(
        '0x0',
      )
    }
    const plan = trade(erc20(ground.a), erc20(ground.b), 'in', amount)
    const types = ['address', 'uint256', 'uint256', 'bytes', 'bool', 'uint256[]']
    const input = inputOf(opened('2.1.1', [via('uniswap_v3', ground.b)]), plan)
    expect(AbiCoder.defaultAbiCoder().decode(types, input)[5]).toEqual([])
  })

  test('the bound of a split holds for the sum: one route may do worse if another does better', async () => {
    const venue = venueOf([5000, [via('uniswap_v2', ground.b)]], [5000, [via('uniswap_v3', ground.b)]])
    for (const exact of ['in', 'out'] as const) {
      const plan = trade(erc20(ground.a), erc20(ground.b), exact, 20n * unit)
      const quoted = await venue.quote(plan, chain)
      const better = exact === 'in' ? quoted + 1n : quoted - 1n
      expect(await done(venue, { ...plan, bound: better })).toMatchObject({
        status: '0x0',
        balances: { paid: 0n, got: 0n },
      })
      // V2 gets worse for us, V3 better by more
      await ground.uniswap.swap('v2', 0, 10n * unit)
      expect(await done(venue, { ...plan, bound: quoted })).toMatchObject({ status: '0x0' })
      await ground.uniswap.swap('v3', 1, 12n * unit)
      expect(await done(venue, { ...plan, bound: quoted })).toMatchObject({ status: '0x1' })
      expect(await left()).toEqual(nothing)
    }
  })

  test('of a bound that was not needed the rest comes back, as coin and as token', async () => {
    for (const pay of [coin(), erc20(ground.weth)]) {
      const plan = trade(pay, erc20(ground.a), 'out', amount)
      const quoted = await venueOf(...three(ground.a)).quote(plan, chain)
      const order = { ...plan, bound: 3n * quoted }
      const expected = { status: '0x1', moved: { paid: quoted, got: amount }, balances: { paid: quoted, got: amount } }
      expect(await done(venueOf(...three(ground.a)), order)).toEqual(expected)
      expect(await left()).toEqual(nothing)
      await anew()
    }
  })

  test.each(protocols)(
    'on %s a bound better than the quote is refused, a moved price too, and a passed deadline',
    async (protocol) => {
      const venue = venueOf([10_000, [via(protocol, ground.b)]])
      const on = { uniswap_v2: 'v2', uniswap_v3: 'v3', uniswap_v4: 'v4' } as const
      for (const exact of ['in', 'out'] as const) {
        const plan = trade(erc20(ground.a), erc20(ground.b), exact, 5n * unit)
        const quoted = await venue.quote(plan, chain)
        const better = exact === 'in' ? quoted + 1n : quoted - 1n
        expect(await done(venue, { ...plan, bound: better })).toMatchObject({
          status: '0x0',
          balances: { paid: 0n, got: 0n },
        })
        await ground.uniswap.swap(on[protocol], 0, unit)
        expect(await done(venue, { ...plan, bound: quoted })).toMatchObject({
          status: '0x0',
          moved: { paid: 0n, got: 0n },
        })
        for (const [late, status] of [
          [0, '0x1'],
          [1, '0x0'],
        ] as const) {
          const deadline = (await secondsOf(anvil)) + 100
          const order = { ...plan, bound: exact === 'in' ? 0n : 9n * unit, deadline }
          const missing = await missingOf(venue.allowances(order), order.account, later, chain)
          for (const call of await grantsOf(missing, order.account, { grant: 'max', expiration: later }, chain))
            await sendFrom(anvil, ground.trader, call)
          await anvil.rpc('evm_setNextBlockTimestamp', deadline + late)
          const { receipt } = await settle(anvil, ground.trader, venue.encode(order), order)
          expect(receipt.status).toBe(status)
        }
      }
    },
  )

  test('routes that could not be quoted or done are refused', () => {
    const [v2, v3] = [via('uniswap_v2', ground.b), via('uniswap_v3', ground.c)]
    const mixed = venueOf([10_000, [v2, v3]])
    expect(mixed.refuses?.(trade(erc20(ground.a), erc20(ground.c), 'out', unit))).toContain('several protocols')
    const twice = venueOf([5000, [v2]], [5000, [v2]])
    expect(twice.refuses?.(trade(erc20(ground.a), erc20(ground.b), 'in', unit))).toContain('one pool')
    expect(() => twice.encode(trade(erc20(ground.a), erc20(ground.b), 'in', unit))).toThrow(RangeError)
    const hooked = (hooks: string) =>
      universalRouter.open(
        z.parse(universalRouter.params, paramsOf([[10_000, [via('uniswap_v4', ground.a, { hooks })]]])),
      )
    // afterSwap alone, then with the right to change what is got
    const [watching, taking] = [hooked(`0x${'40'.padStart(40, 'f')}`), hooked(`0x${'44'.padStart(40, 'f')}`)]
    expect(watching.refuses?.(trade(coin(), erc20(ground.a), 'in', unit))).toBeUndefined()
    expect(taking.refuses?.(trade(coin(), erc20(ground.a), 'in', unit))).toContain('hooks')
    expect(taking.refuses?.(trade(erc20(ground.weth), erc20(ground.a), 'in', unit))).toBeUndefined()
    expect(() => venueOf([5000, [v2]])).toThrow('expected 10000 together, found 5000')
    const { v2_factory: _, ...less } = paramsOf([[10_000, [v2]]])
    expect(() => z.parse(universalRouter.params, less)).toThrow('a route over uniswap_v2 needs v2_factory')
  })
})
