import { AbiCoder, Interface } from 'ethers'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { type Anvil, startAnvil } from '../../../testing/anvil.ts'
import { interfaceOf } from '../../../testing/evm_chain.ts'
import { balanceOf, secondsOf, settle } from '../../../testing/settled_trade.ts'
import {
  callOn,
  deployArtifact,
  deployUniswapRouters,
  sendFrom,
  type UniswapRouters,
} from '../../../testing/uniswap_routers.ts'
import { Address } from '../hex.ts'
import { grantsOf, missingOf } from './allowances.ts'
import { bestSplit } from './best_split.ts'
import { universalRouter } from './universal_router.ts'
import { type EvmVenue, type Log, type Reader, Reverted, type Token, type Trade } from './venue.ts'

let anvil: Anvil
let ground: UniswapRouters
let chain: Reader
let snapshot: unknown
const unit = 10n ** 18n
const later = 4_000_000_000

beforeAll(async () => {
  anvil = await startAnvil()
  ground = await deployUniswapRouters(anvil)
  chain = { call: callOn(anvil, (reason) => new Reverted(reason)) }
}, 60_000)
afterAll(() => anvil.close())
beforeEach(async () => {
  snapshot = await anvil.rpc('evm_snapshot')
})
afterEach(() => anvil.rpc('evm_revert', snapshot))

type Protocol = 'uniswap_v2' | 'uniswap_v3' | 'uniswap_v4'
const via = (protocol: Protocol, out: string) => ({ protocol, out })
const erc20 = (address: string): Token => ({ address: Address.parse(address), decimals: 18, native: false })
const coin = (): Token => ({ ...erc20(ground.weth), native: true })
type Way = readonly ReturnType<typeof via>[]
const paramsOf = (routes: readonly (readonly [share: number, Way])[]) => ({
  router: ground.universal,
  wrapped: ground.weth,
  v2_factory: ground.v2.factory,
  v3_quoter: ground.v3.quoter,
  v3_factory: ground.v3.factory,
  v4_quoter: ground.v4.quoter,
  v4_manager: ground.v4.manager,
  v4_state_view: ground.v4.state_view,
  routes: routes.map(([share, hops]) => ({ share, hops: [...hops] })),
})
const venueOf = (...routes: readonly (readonly [share: number, Way])[]): EvmVenue =>
  universalRouter.open(z.parse(universalRouter.params, paramsOf(routes)))
const trade = (pay: Token, get: Token, exact: 'in' | 'out', amount: bigint, more: Partial<Trade> = {}): Trade => {
  const account = Address.parse(ground.trader)
  return { pay, get, exact, amount, bound: exact === 'in' ? 0n : 2n * amount, account, deadline: later, ...more }
}
/** Gives exactly the allowances that are missing, sends it, and gives what the logs say beside what the balances say. */
const done = async (venue: EvmVenue, order: Trade) => {
  const missing = await missingOf(venue.allowances(order), order.account, order.deadline, chain)
  for (const call of await grantsOf(missing, order.account, { grant: 'exact', expiration: order.deadline }, chain))
    await sendFrom(anvil, ground.trader, call)
  const { receipt, balances } = await settle(anvil, ground.trader, venue.encode(order), order)
  return { status: receipt.status, balances, moved: venue.moved(order, receipt.logs as readonly Log[]) }
}
/** What the router is left with: anybody could take it. */
const left = () =>
  Promise.all([undefined, ground.weth, ground.a, ground.b, ground.c].map((t) => balanceOf(anvil, ground.universal, t)))
const nothing = [0n, 0n, 0n, 0n, 0n]
/** Quote, curves and what moved are one number, by logs and by balances. */
const agrees = async (name: string, venue: EvmVenue, plan: Trade, curved = true) => {
  const quoted = await venue.quote(plan, chain)
  const { status, moved, balances } = await done(venue, { ...plan, bound: quoted })
  const expected = plan.exact === 'in' ? { paid: plan.amount, got: quoted } : { paid: quoted, got: plan.amount }
  expect([name, status, moved, balances]).toEqual([name, '0x1', expected, expected])
  expect(await left()).toEqual(nothing)
  if (!curved) return
  await anvil.rpc('evm_revert', snapshot)
  snapshot = await anvil.rpc('evm_snapshot')
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
      await agrees(`${first} ${second}`, venueOf([10_000, way]), trade(erc20(ground.a), erc20(ground.c), 'in', amount))
    }
  // b -> a -> weth and on: only a pool of another kind leads from the coin to a third token
  await ground.uniswap.deployer.receipt(
    await ground.uniswap.v2.router.send(
      'addLiquidity',
      ...[ground.weth, ground.c, 1000n * unit, 1000n * unit, 0, 0, ground.uniswap.deployer.account, later],
    ),
  )
  await anvil.rpc('evm_snapshot').then((id) => {
    snapshot = id
  })
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
  await anvil.rpc('evm_revert', snapshot)
  snapshot = await anvil.rpc('evm_snapshot')
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
    const [, inputs] = execute.decodeFunctionData('execute', venue.encode(order).data) as unknown as [string, string[]]
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
    expect((await settle(anvil, ground.trader, { to: actions, data: data('2.1.0') }, plan)).receipt.status).toBe('0x0')
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
    await anvil.rpc('evm_revert', snapshot)
    snapshot = await anvil.rpc('evm_snapshot')
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

test('routes that could not be quoted or done are refused', () => {
  const [v2, v3] = [via('uniswap_v2', ground.b), via('uniswap_v3', ground.c)]
  const mixed = venueOf([10_000, [v2, v3]])
  expect(mixed.refuses?.(trade(erc20(ground.a), erc20(ground.c), 'out', unit))).toContain('several protocols')
  const twice = venueOf([5000, [v2]], [5000, [v2]])
  expect(twice.refuses?.(trade(erc20(ground.a), erc20(ground.b), 'in', unit))).toContain('one pool')
  expect(() => twice.encode(trade(erc20(ground.a), erc20(ground.b), 'in', unit))).toThrow(RangeError)
  expect(() => venueOf([5000, [v2]])).toThrow('expected 10000 together, found 5000')
  const { v2_factory: _, ...less } = paramsOf([[10_000, [v2]]])
  expect(() => z.parse(universalRouter.params, less)).toThrow('a route over uniswap_v2 needs v2_factory')
})
