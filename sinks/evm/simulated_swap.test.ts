import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Driver, drive } from '../../runtime/drive.ts'
import { amountIn, amountOut } from '../../schemas/curve/constant_product.ts'
import { toText } from '../../schemas/fixed.ts'
import type { Fill, OrderStep, OrderUpdate } from '../../schemas/orders.ts'
import { end, of, type Sample } from '../../schemas/samples.ts'
import { tapeOf } from '../../testing/tapes.ts'
import { born, hasEnded, reduce, type Step } from '../execution/life.ts'
import { block, order, pool, reserves, swapParams, until } from './simulated_example.ts'
import { simulatedSwap } from './simulated_swap.ts'

interface Said {
  readonly order: readonly OrderUpdate[]
  readonly fill: readonly Fill[]
  readonly step: readonly OrderStep[]
}
interface Params {
  readonly simulation?: object
  readonly [name: string]: unknown
}
const answers = (params: Params, input: readonly Sample[]) =>
  drive(simulatedSwap, { ...swapParams, ...params }, input) as Said[]
const stepsOf = (params: Params, input: readonly Sample[]) => answers(params, input).flatMap((a) => a.step)
const fills = (params: Params, input: readonly Sample[]) => answers(params, input).flatMap((a) => a.fill)
const updates = (params: Params, input: readonly Sample[]) => answers(params, input).flatMap((a) => a.order)
/** Steps as `step CODE`. */
const words = (params: Params, input: readonly Sample[]) =>
  stepsOf(params, input).map(({ step, code }) => (code === '' ? step : `${step} ${code}`))
const last = (params: Params, input: readonly Sample[]) => words(params, input).at(-1)

const deep = reserves(1, 2_000_000, 1000)
const clean = ['received', 'planned', 'simulated', 'signed', 'sent', 'seen', 'included', 'final', 'settled']
const blocks = (from: number, to: number, base_fee: (n: number) => number = () => 10) =>
  Array.from({ length: to - from + 1 }, (_, i) => block(1 + 12 * (from + i), 1000 + from + i, base_fee(from + i)))

describe('a clean order', () => {
  test('takes the steps of a live one', () => {
    expect(words({}, [deep, order(2, 'sell', 1), until(200)])).toEqual(clean)
    expect(words({}, [deep, ...blocks(0, 0), order(2, 'buy', 1), ...blocks(1, 9)])).toEqual(clean)
  })
  test('is seen at once, in the next block, and final so many blocks later', () => {
    const driver = new Driver(simulatedSwap.definition, { ...swapParams, confirmations: 2 })
    const at = (sample: Sample) => (driver.feed(sample) as Said[]).flatMap((a) => a.step.map((s) => s.step))
    at(deep)
    expect(at(order(2, 'sell', 1)).at(-1)).toBe('seen')
    expect(at(until(11.9))).toEqual([])
    expect(at(until(12))).toEqual(['included'])
    expect(at(until(35.9))).toEqual([])
    expect(at(until(36))).toEqual(['final', 'settled'])
    expect(at(until(500))).toEqual([])
  })
  test('waits longer with more inclusion blocks, and tells blocks by the numbers of the rows', () => {
    const steps = stepsOf({ simulation: { inclusion_blocks: 3 } }, [
      ...[deep, ...blocks(0, 0), order(2, 'sell', 1)],
      ...blocks(1, 9),
    ])
    expect(steps.filter((s) => s.block > 0).map((s) => [s.step, s.block])).toEqual([
      ['included', 1003],
      ['final', 1003],
      ['settled', 1003],
    ])
  })
  test('is told as accepted, then filled', () => {
    const told = updates({}, [deep, order(2, 'sell', 1), until(200)])
    expect(told.map((u) => [u.state, toText(u.quantity)])).toEqual([
      ['accepted', '1.00000000'],
      ['filled', '1.00000000'],
    ])
  })
})

describe('what is traded', () => {
  const weth = 10n ** 18n
  const [usdc_held, weth_held] = [2_000_000n * 10n ** 6n, 1000n * weth]
  const quoteText = (units: bigint) => toText((units * 100n) as never)
  const sells = { reserveIn: weth_held, reserveOut: usdc_held, fee: 3000n, scale: 1_000_000n }
  const buys = { reserveIn: usdc_held, reserveOut: weth_held, fee: 3000n, scale: 1_000_000n }
  const traded = (input: readonly Sample[]) =>
    fills({ slippage: 0.1 }, input).map((f) => [toText(f.quantity), toText(f.notional)])

  test('is exact by the curve: a sell pays what it names, a buy gets it', () => {
    const sold = amountOut(sells, 3n * weth)
    const paid = amountIn(buys, 3n * weth) as bigint
    expect(traded([deep, order(2, 'sell', 3), until(200)])).toEqual([['3.00000000', quoteText(sold)]])
    expect(traded([deep, order(2, 'buy', 3), until(200)])).toEqual([['3.00000000', quoteText(paid)]])
  })
  test('trades of one block move the pool for each other, until the next row of it', () => {
    const first = amountOut(sells, 3n * weth)
    const after = { ...sells, reserveIn: weth_held + 3n * weth, reserveOut: usdc_held - first }
    const second = amountOut(after, 3n * weth)
    expect(second).toBeLessThan(first)
    const both = [deep, order(2, 'sell', 3), order(3, 'sell', 3)]
    expect(traded([...both, until(200)]).map(([, n]) => n)).toEqual([quoteText(first), quoteText(second)])
    const fresh = [...both.slice(0, 2), until(13), reserves(13, 2_000_000, 1000), order(14, 'sell', 3), until(200)]
    expect(traded(fresh).map(([, n]) => n)).toEqual([quoteText(first), quoteText(first)])
  })
  test('is at the pool of the block it is in, not of the one it was approved at', () => {
    const dearer = [deep, order(2, 'sell', 1, 2000, 1900), reserves(5, 2_200_000, 1000), until(200)]
    const [found] = fills({}, dearer)
    expect(found?.price).toBeGreaterThan(2180)
  })
  test('gas is the fee, in quote units where one of the two is the coin', () => {
    const markets = (rest: object) => ({ markets: [{ ...swapParams.markets[0], ...rest }] })
    const feeOf = (params: Params) => fills(params, [deep, order(2, 'sell', 1), until(200)])[0]
    // 150000 x (10 + 0.01) gwei = 0.0015015 coins
    expect(feeOf({})).toMatchObject({ price: 1992.013962, fee: 299_100_896n })
    expect(feeOf(markets({ coin: 'quote' }))?.fee).toBe(150_150n)
    expect(feeOf(markets({ coin: 'neither' }))?.fee).toBe(0n)
    expect(feeOf({ simulation: { base_fee: 20, gas_used: 100_000 } })?.fee).toBe(398_601_994n)
  })
})

describe('an order is refused', () => {
  const reason = (params: Params, input: readonly Sample[]) => words(params, input)
  test.each([
    ['NO_PRICE', {}, [order(2, 'sell', 1)]],
    ['NO_CURVE', {}, [reserves(1, 2_000_000, 1000, { model: 'stable' }), order(2, 'sell', 1)]],
    ['PRICE_MOVED', {}, [reserves(1, 1_900_000, 1000), order(2, 'sell', 1)]],
    ['PRICE_MOVED', {}, [reserves(1, 2_100_000, 1000), order(2, 'buy', 1)]],
    ['RANGE_UNKNOWN', {}, [deep, order(2, 'buy', 1001)]],
    ['AMOUNT_ZERO', {}, [deep, order(2, 'sell', 1e-19)]],
    ['AMOUNT_TOO_LARGE', {}, [deep, order(2, 'sell', 1e30)]],
    ['DECIMALS_DIFFER', {}, [reserves(1, 2_000_000, 1000, { decimals0: 8 }), order(2, 'sell', 1)]],
    ['GAS_EXCEEDS_MAX', { max_gas_cost: '0.001' }, [deep, order(2, 'sell', 1)]],
  ] as const)('with %s %#', (code, params, input) => {
    expect(reason(params, input)).toEqual(['received', `rejected ${code}`])
    expect(updates(params, input).map((u) => u.state)).toEqual(['accepted', 'cancelled'])
  })
  test('where no market trades it, and where too many are under way', () => {
    expect(words({}, [of('uniswap_v2:0xother', order(2, 'sell', 1))])).toEqual(['received', 'rejected MARKET_UNKNOWN'])
    const one = { simulation: { open_orders: 1 } }
    const input = [
      deep,
      order(2, 'sell', 1),
      order(3, 'sell', 1),
      until(200),
      ...[reserves(200, 2_000_000, 1000), order(201, 'sell', 1)],
    ]
    expect(words(one, input).filter((w) => /rejected|settled|seen/.test(w))).toEqual([
      ...['seen', 'rejected OPEN_ORDERS', 'settled', 'seen'],
    ])
  })
})

describe('a transaction reverts', () => {
  const failed = (code: string) => [...clean.slice(0, -1), `reverted ${code}`]
  test('when the price left its bound before its block', () => {
    const input = [deep, order(2, 'sell', 1), reserves(5, 1_900_000, 1000), until(200)]
    expect(words({}, input)).toEqual(failed('PRICE_MOVED'))
    // it traded nothing, and paid for its gas at the price it was quoted at
    const nothing = { side: 'sell', quantity: 0n, notional: 0n, price: 1992.013962 }
    expect(fills({}, input)).toMatchObject([{ ...nothing, fee: 299_100_896n }])
    expect(updates({}, input).map((u) => u.state)).toEqual(['accepted', 'cancelled'])
  })
  test('when its block comes after its deadline', () => {
    const slow = { deadline: '20s', cancel_after: '10m', simulation: { inclusion_blocks: 4 }, stuck_after: 9 }
    expect(words(slow, [deep, order(2, 'sell', 1), until(200)])).toEqual(failed('DEADLINE'))
  })
  test('by chance, the same for the same order, in the share that was asked for', () => {
    const chance = (revert_probability: number) => ({ simulation: { revert_probability, open_orders: 64 } })
    expect(last(chance(1), [deep, order(2, 'sell', 1), until(200)])).toBe('reverted REVERTED')
    const many = Array.from({ length: 400 }, (_, i) => [order(100 + 60 * i, 'sell', 0.0001), until(159 + 60 * i)])
    const ends = (p: number) =>
      stepsOf(chance(p), [deep, ...many.flat()])
        .filter((s) => s.step === 'reverted')
        .map((s) => s.order_at)
    const [some, more] = [ends(0.25), ends(0.5)]
    expect(some.length).toBeGreaterThan(70)
    expect(some.length).toBeLessThan(130)
    expect(more).toEqual(expect.arrayContaining(some))
    expect(ends(0.25)).toEqual(some)
  })
})

describe('base fees that rise', () => {
  const rising = (peak: number, from: number, to: number) => (n: number) => (n >= from && n <= to ? peak : 10)
  const placed = [deep, ...blocks(0, 0), order(2, 'sell', 1)]
  test('make a transaction dearer once it is stuck, and it is taken in its place', () => {
    const steps = stepsOf({}, [...placed, ...blocks(1, 20, rising(45, 1, 99))])
    const [bumped] = steps.filter((s) => s.code === 'SPEED_UP')
    expect(bumped).toMatchObject({ step: 'signed', attempt: 2, nonce: 0 })
    expect(steps.at(-1)).toMatchObject({ step: 'settled', attempt: 2, nonce: 0 })
    expect(steps.map((s) => s.step)).toEqual([
      ...['received', 'planned', 'simulated', 'signed', 'sent', 'seen'],
      ...['signed', 'sent', 'seen', 'included', 'final', 'settled'],
    ])
  })
  test('above what may be offered leave it waiting until they fall', () => {
    const steps = words({ max_fee: 20, deadline: '10m' }, [...placed, ...blocks(1, 20, rising(300, 1, 8))])
    expect(steps).toEqual(clean)
  })
  test('keep an order from being signed, until it expires', () => {
    const dear = [deep, block(1, 1000, 300), order(2, 'sell', 1), ...blocks(1, 5, () => 300)]
    expect(words({}, dear)).toEqual(['received', 'expired'])
    expect(updates({}, dear).map((u) => u.state)).toEqual(['accepted', 'cancelled'])
    const falling = [...dear.slice(0, 4), ...blocks(2, 9)]
    expect(words({}, falling)).toEqual(clean)
  })
  test('outlive it: it is cancelled in its place, and the next goes on', () => {
    const params = { deadline: '30s', cancel_after: '12s', stuck_after: 100, max_fee: 200 }
    const fees = rising(50, 1, 5)
    const input = [...placed, order(3, 'sell', 2), ...blocks(1, 30, fees)]
    const steps = stepsOf(params, input)
    const first = steps.filter((s) => s.order_at === 2e6).map((s) => `${s.step} ${s.code}`.trim())
    expect(first.slice(6)).toEqual(['signed CANCEL', 'sent', 'seen', 'included', 'final', 'cancelled'])
    expect(updates(params, input).filter((u) => u.order_at === 2e6)).toMatchObject([
      { state: 'accepted' },
      { state: 'cancelled' },
    ])
  })
  test('a nonce waits for those before it', () => {
    // signed at 10 gwei and stuck at 45; the second is signed at 45 and could pay
    const params = { stuck_after: 4 }
    const input = [...placed, block(13, 1001, 45), order(14, 'sell', 2), ...blocks(2, 20, () => 45)]
    const included = stepsOf(params, input).filter((s) => s.step === 'included')
    expect(included.map((s) => [s.nonce, s.block])).toEqual([
      [0, 1005],
      [1, 1005],
    ])
  })
})

describe('blocks', () => {
  test('that are taken back give up what they held, and it comes into another', () => {
    const input = [
      ...[deep, ...blocks(0, 0), order(2, 'sell', 1), ...blocks(1, 2)],
      ...[block(25, 1002, 10, true), block(25, 1001, 10, true)],
      ...blocks(3, 9).map((b) => ({ ...b, value: { ...b.value, number: b.value.number - 2 } })),
    ]
    const steps = stepsOf({}, input)
    expect(steps.map((s) => s.step)).toEqual([...clean.slice(0, 7), 'reorged', 'included', 'final', 'settled'])
    expect(fills({}, input)).toHaveLength(1)
  })
  test('that rows begin to tell of are counted on from there', () => {
    const input = [deep, order(2, 'sell', 1), until(13), block(24, 21_000_000, 10), ...[1, 2, 3].map(later)]
    expect(words({}, input)).toEqual(clean)
  })
  const later = (n: number) => block(24 + 12 * n, 21_000_000 + n, 10)
  test('that come twice, or of before, do nothing', () => {
    const all = [deep, ...blocks(0, 0), order(2, 'sell', 1), ...blocks(1, 3)]
    expect(words({}, [...all, block(40, 1002, 10), block(41, 1003, 10)])).toEqual(words({}, all))
  })
})

describe('at the end of the data', () => {
  test('the chain goes on alone until the order is settled', () => {
    expect(words({}, [deep, order(2, 'sell', 1), end(3)])).toEqual(clean)
    expect(fills({}, [deep, order(2, 'sell', 1), end(3)])).toHaveLength(1)
  })
  test('an order that nothing moves is cancelled', () => {
    const stuck = { max_fee: 20, deadline: '1m' }
    const input = [deep, block(1, 1, 10), order(2, 'sell', 1), block(12, 2, 300), end(13)]
    expect(updates(stuck, input).at(-1)).toMatchObject({ state: 'cancelled', reason: 'end_of_data' })
  })
})

test('whatever happens, the steps of each order follow each other lawfully and end once', () => {
  const { inputs, ambient } = simulatedSwap.definition
  const token = (address: string, native: boolean) => ({ address, decimals: 8, native })
  const market = {
    ...{
      instrument: 'binance:BTCUSDT',
      venue: { name: 'uniswap_v2', router: `0x${'2'.repeat(40)}`, path: [`0x${'1'.repeat(40)}`] },
    },
    ...{ base: token(`0x${'0'.repeat(40)}`, true), quote: token(`0x${'1'.repeat(40)}`, false) },
  }
  const rules = fc.record({
    max_fee: fc.constantFrom(40, 200),
    confirmations: fc.constantFrom(0, 2),
    stuck_after: fc.constantFrom(1, 3),
    deadline: fc.constantFrom('3s', '2m'),
    slippage: fc.constantFrom(0.02, 0.5),
    time_to_live: fc.constantFrom('2s', '30s'),
    simulation: fc.record({
      revert_probability: fc.constantFrom(0, 0.3),
      inclusion_blocks: fc.constantFrom(1, 3),
      open_orders: fc.constantFrom(2, 16),
      block_time: fc.constantFrom('1s', '12s'),
    }),
  })
  const seen = new Set<string>()
  fc.assert(
    fc.property(fc.nat(1e6), rules, (seed, params) => {
      const tape = tapeOf({ ...inputs, ...ambient }, { seed, rows: 120 })
      const all = answers({ ...params, markets: [market], cancel_after: '1s' }, tape)
      const lives = new Map<string, OrderStep['step'][]>()
      for (const { order_at, order_ordinal, step } of all.flatMap((a) => a.step)) {
        const name = `${order_at}/${order_ordinal}`
        lives.set(name, [...(lives.get(name) ?? []), step])
        seen.add(step)
      }
      expect(lives.size).toBe(tape.filter((s) => s.kind === 'approved_order').length)
      const cut = all.flatMap((a) => a.order).filter((u) => u.reason === 'end_of_data').length
      let open = 0
      for (const [first, ...rest] of lives.values()) {
        expect(first).toBe('received')
        const life = rest.reduce((l, step) => reduce(l, step as Step, 1), born)
        if (!hasEnded(life.phase)) open++
      }
      expect(open).toBe(cut)
      const steps = all.flatMap((a) => a.step)
      const ends = (...of: readonly OrderStep['step'][]) => steps.filter(({ step }) => of.includes(step)).length
      const told = all.flatMap((a) => a.fill)
      expect(told.filter(({ quantity }) => quantity > 0n)).toHaveLength(ends('settled'))
      // what gets into a block pays for it, whatever becomes of it
      expect(told.filter(({ fee }) => fee > 0n)).toHaveLength(ends('settled', 'reverted', 'cancelled'))
    }),
    { numRuns: 60 },
  )
  expect([...seen]).toEqual(expect.arrayContaining([...clean, 'reverted', 'rejected', 'reorged', 'expired']))
})

test('the sample pool is the one of the params', () => {
  expect(swapParams.markets[0]?.instrument).toBe(pool)
})
