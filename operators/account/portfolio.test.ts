import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
import type { Equity, Position } from '../../schemas/account.ts'
import { type Fixed, fixed, notionalOf, toText } from '../../schemas/fixed.ts'
import type { Fill } from '../../schemas/orders.ts'
import { advance, end, fill, of, quote, type Sample, trade } from '../../schemas/samples.ts'
import { portfolio } from './portfolio.ts'

interface Said {
  readonly position?: Position
  readonly equity?: Equity
}
const account = (input: readonly Sample[], params: object = {}) =>
  drive(portfolio, { cash: 1000, ...params }, input) as Said[]
const last = (input: readonly Sample[]) => {
  const { position, equity } = account(input).at(-1) as Required<Said>
  const text = (o: object) =>
    Object.fromEntries(Object.entries(o).map(([f, v]) => [f, typeof v === 'bigint' ? Number(toText(v as Fixed)) : v]))
  return { position: text(position), equity: text(equity) }
}

test('a buy turns cash into a position at its price, fees aside', () => {
  expect(last([trade(1, 100), fill(2, 'buy', 2, 100, 1)])).toEqual({
    position: { quantity: 2, average_price: 100, realised: 0, unrealised: 0, fees: 1 },
    equity: { cash: 799, equity: 999, realised: 0, unrealised: 0, fees: 1 },
  })
})
test('a second buy moves the average, a sale of a part takes profit and leaves the average', () => {
  const bought = [trade(1, 100), fill(2, 'buy', 1, 100), fill(3, 'buy', 3, 120)]
  expect(last(bought).position).toMatchObject({ quantity: 4, average_price: 115 })
  expect(last([...bought, fill(4, 'sell', 2, 130)]).position).toMatchObject({
    quantity: 2,
    average_price: 115,
    realised: 30,
  })
})
test('a short earns when the price falls', () => {
  const { position, equity } = last([trade(1, 100), fill(2, 'sell', 2, 100), trade(3, 90), fill(4, 'sell', 1, 90)])
  expect(position).toMatchObject({ quantity: -3, unrealised: 20, realised: 0 })
  expect(position['average_price']).toBeCloseTo(290 / 3, 12)
  expect(equity).toMatchObject({ cash: 1290, equity: 1020 })
})
test('a flip closes what was held and opens the rest the other way, at the price of the fill', () => {
  const { position, equity } = last([trade(1, 100), fill(2, 'buy', 2, 100), trade(3, 110), fill(4, 'sell', 5, 110)])
  expect(position).toMatchObject({ quantity: -3, average_price: 110, realised: 20, unrealised: 0 })
  expect(equity).toMatchObject({ cash: 1350, equity: 1020 })
})
test('a position that is closed has no average and no profit left open', () => {
  const closed = [
    trade(1, 100),
    fill(2, 'buy', 3, 100),
    fill(3, 'sell', 3, 90),
    trade(4, 50),
    fill(5, 'buy', 1, 50),
    fill(6, 'sell', 1, 50),
  ]
  expect(last(closed).position).toEqual({ quantity: 0, average_price: 0, realised: -30, unrealised: 0, fees: 0 })
})
test.each(['buy', 'sell'] as const)(
  'a fill of quantity 0 after a %s is a fee, and leaves the position as it is',
  (side) => {
    const held = [trade(1, 100), fill(2, side, 2, 100)]
    const { position, equity } = last([...held, fill(3, 'buy', 0, 120, 1)])
    expect([position, equity['fees']]).toEqual([{ ...last(held).position, fees: 1 }, 1])
    expect(equity['cash']).toBe((last(held).equity['cash'] ?? 0) - 1)
  },
)
test.each(['buy', 'sell'] as const)('a %s that is taken back leaves the account as it was', (side) => {
  const held = [trade(1, 100), fill(2, 'buy', 2, 100, 1)]
  const more = fill(3, side, 1, 130, 1)
  const { quantity, notional, fee } = more.value as Fill
  const minus = { quantity: -quantity as Fixed, notional: -notional as Fixed, fee: -fee as Fixed }
  const taken = { ...more, at: more.at + 1, value: { ...(more.value as Fill), ...minus } }
  const { cash, fees } = last(held).equity
  expect(last([...held, more, taken]).position['quantity']).toBe(2)
  expect(last([...held, more, taken]).equity).toMatchObject({ cash, fees })
})
test('positions are worth the newest trade or the middle of the quote', () => {
  const bought = [trade(1, 100), fill(2, 'buy', 1, 100)]
  expect(last([...bought, quote(3, 108, 112), fill(4, 'buy', 1, 110)]).equity).toMatchObject({ unrealised: 10 })
  expect(last([fill(2, 'buy', 1, 100)]).equity).toMatchObject({ equity: 1000 })
})
test('instruments have positions of their own in one account', () => {
  const other = 'okx:ETH-USDT'
  const both = account([
    trade(1, 100),
    of(other, trade(1, 10)),
    fill(2, 'buy', 1, 100),
    of(other, fill(3, 'sell', 4, 10)),
  ])
  expect(both.map((a) => a.position?.quantity)).toEqual([fixed(1), fixed(-4)])
  expect(both[1]?.equity).toMatchObject({ cash: fixed(940), equity: fixed(1000) })
})
test('equity comes on the grid in silence, and at the end', () => {
  const said = account([trade(1, 100), fill(2, 'buy', 1, 100), trade(2, 105), advance(25), end(26)], { every: '10s' })
  expect(said.map((a) => [a.position !== undefined, toText(a.equity?.equity as Fixed)])).toEqual([
    [true, '1000.00000000'],
    [false, '1005.00000000'],
    [false, '1005.00000000'],
    [false, '1005.00000000'],
  ])
})

const prices = fc.double({ min: 1e-6, max: 1e6, noNaN: true })
const amounts = fc.bigInt({ min: 1n, max: 10n ** 14n })
const step = fc.record({
  key: fc.constantFrom('v:A', 'v:B'),
  side: fc.constantFrom('buy' as const, 'sell' as const),
  quantity: amounts,
  price: prices,
  fee: fc.bigInt({ min: 0n, max: 10n ** 10n }),
  mark: fc.option(prices, { nil: undefined }),
})
test('cash and positions follow from the fills to the last 1e-8, and equity is the sum of its parts', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
      let cash = fixed(1000) as bigint
      let fees = 0n
      const held = new Map<string, bigint>()
      const input = steps.flatMap(({ key, side, quantity, price, fee, mark }, i): Sample[] => {
        const notional = notionalOf(price, quantity as Fixed)
        const value: Fill = {
          order_at: 1,
          order_ordinal: 0,
          side,
          quantity: quantity as Fixed,
          price,
          notional,
          fee: fee as Fixed,
        }
        const marks = mark === undefined ? [] : [of(key, trade(i + 0.5, mark))]
        return [...marks, of(key, { ...fill(i + 1, side, 1), value })]
      })
      const said = account(input)
      expect(said).toHaveLength(steps.length)
      for (const [i, { key, side, quantity, price, fee }] of steps.entries()) {
        const { position, equity } = said[i] as Required<Said>
        const sign = side === 'buy' ? 1n : -1n
        cash -= sign * notionalOf(price, quantity as Fixed) + fee
        fees += fee
        held.set(key, (held.get(key) ?? 0n) + sign * quantity)
        expect([position.quantity, equity.cash, equity.fees]).toEqual([held.get(key), cash, fees])
        expect(equity.equity - fixed(1000)).toBe(equity.realised + equity.unrealised - equity.fees)
        expect(position.average_price).toBeGreaterThanOrEqual(0)
        if (position.quantity === 0n) expect([position.average_price, position.unrealised]).toEqual([0, 0n])
      }
    }),
  )
})
