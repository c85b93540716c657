import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Operator } from '../runtime/define.ts'
import { Driver, drive } from '../runtime/drive.ts'
import { fixed, toText } from '../schemas/fixed.ts'
import type { Fill, OrderUpdate } from '../schemas/orders.ts'
import { advance, approved, end, quote, type Sample, trade } from '../schemas/samples.ts'
import { tapeOf } from '../testing/tapes.ts'
import { simulatedVenue } from './simulated_venue.ts'

const venue = { definition: simulatedVenue.definition.simulate as Operator }
interface Said {
  readonly order: readonly OrderUpdate[]
  readonly fill: readonly Fill[]
}
const answers = (params: object, input: readonly Sample[]) => drive(venue, { fee: 0, ...params }, input) as Said[]
const fills = (params: object, input: readonly Sample[]) => answers(params, input).flatMap((a) => a.fill)
const prices = (params: object, input: readonly Sample[]) => fills(params, input).map((f) => f.price)
const states = (params: object, input: readonly Sample[]) =>
  answers(params, input).flatMap((a) => a.order.map((o) => (o.reason === 'none' ? o.state : `${o.state}: ${o.reason}`)))

describe('a market order', () => {
  test('takes the newest price at once', () => {
    expect(prices({}, [trade(1, 100), trade(2, 101), approved(2, 'buy', 1), trade(3, 105)])).toEqual([101])
  })
  test('takes the ask when it buys and the bid when it sells', () => {
    const market = quote(1, 99, 101)
    expect(prices({}, [market, approved(2, 'buy', 1), approved(3, 'sell', 1)])).toEqual([101, 99])
  })
  test('pays half the spread where only trades are known, and slippage on top', () => {
    const rules = { spread: 0.02, slippage: 0.01 }
    const [bought, sold] = prices(rules, [trade(1, 100), approved(2, 'buy', 1), approved(3, 'sell', 1)])
    expect(bought).toBeCloseTo(100 * 1.01 * 1.01, 9)
    expect(sold).toBeCloseTo(100 * 0.99 * 0.99, 9)
  })
  test('is rejected while no price is known', () => {
    expect(states({}, [approved(1, 'buy', 1)])).toEqual(['rejected: no_price'])
  })
  test('waits for the first price after it with fill: next, and never takes one from before', () => {
    const input = [trade(1, 100), approved(2, 'buy', 1), trade(3, 105), trade(4, 109)]
    expect(prices({ fill: 'next' }, input)).toEqual([105])
    expect(states({ fill: 'next' }, [approved(2, 'buy', 1), trade(3, 105)])).toEqual(['accepted', 'filled'])
  })
  test('a row of its own time that comes after it counts as later', () => {
    expect(prices({ fill: 'next' }, [trade(2, 100), approved(2, 'buy', 1), trade(2, 101)])).toEqual([101])
  })
})

describe('a limit order', () => {
  test('takes at once when it is marketable, at the better price', () => {
    const [fill] = fills({ fee: 0.01, maker_fee: 0 }, [quote(1, 99, 101), approved(2, 'buy', 1, 100, 102)])
    expect(fill).toMatchObject({ price: 101, fee: fixed(1.01) })
  })
  test('takes a price that is just its limit when it comes', () => {
    expect(prices({}, [quote(1, 99, 101), approved(2, 'buy', 1, 100, 101)])).toEqual([101])
    expect(prices({}, [quote(1, 99, 101), approved(2, 'sell', 1, 100, 99)])).toEqual([99])
  })
  test('waits, is not filled by a touch, and fills at its limit when the price goes through, for the maker fee', () => {
    const input = [trade(1, 100), approved(2, 'buy', 2, 100, 98), trade(3, 98.5), trade(4, 98), trade(5, 97)]
    const all = fills({ fee: 0.01, maker_fee: 0.001 }, input)
    expect(all).toHaveLength(1)
    expect(all[0]).toMatchObject({ price: 98, order_at: 2e6, fee: fixed(0.196) })
    expect(fills({}, input.slice(0, 4))).toEqual([])
  })
  test('to sell does the same from above', () => {
    const input = [trade(1, 100), approved(2, 'sell', 2, 100, 102), trade(3, 102), trade(4, 102.5)]
    expect(fills({}, input).map((f) => [f.price, f.side])).toEqual([[102, 'sell']])
    expect(fills({}, input.slice(0, 3))).toEqual([])
  })
  test('waits for a price while none is known, and never fills at 0', () => {
    for (const late of [{}, { latency: '1s' }]) {
      const rules = { fill: 'next', ...late }
      const input = [approved(1, 'buy', 1, 100, 98), approved(1, 'sell', 1, 100, 102), advance(3)]
      expect(states(rules, input)).toEqual(['accepted', 'accepted'])
      expect(prices(rules, [...input, trade(4, 97), trade(5, 103)])).toEqual([98, 102])
    }
  })
  test('is crossed by the other side of the quote', () => {
    const resting = [quote(1, 99, 101), approved(2, 'buy', 1, 100, 100)]
    expect(prices({}, [...resting, quote(3, 98, 100)])).toEqual([])
    expect(prices({}, [...resting, quote(3, 98, 99.5)])).toEqual([100])
  })
})

describe('latency', () => {
  const late = { latency: '2s' }
  test('keeps an order from every price before it arrives', () => {
    expect(prices(late, [trade(1, 100), approved(2, 'buy', 1), trade(3, 150), trade(5, 103)])).toEqual([150])
    expect(prices(late, [trade(1, 100), approved(2, 'buy', 1), trade(4, 103)])).toEqual([100])
    expect(
      prices({ ...late, fill: 'next' }, [trade(1, 100), approved(2, 'buy', 1), trade(3, 150), trade(5, 103)]),
    ).toEqual([103])
  })
  test('an order arrives though no price comes with it', () => {
    const driver = new Driver(venue.definition, { fee: 0, ...late })
    for (const sample of [trade(1, 100), approved(2, 'buy', 1), advance(3.9)]) driver.feed(sample)
    expect(driver.feed(advance(4))).toMatchObject([{ fill: [{ price: 100, order_at: 2e6 }] }])
    expect(driver.feed(advance(9))).toEqual([])
  })
  test('orders arrive in the order of their times, each when it is due', () => {
    const driver = new Driver(venue.definition, { fee: 0, ...late })
    for (const sample of [trade(1, 100), approved(2, 'buy', 1), approved(3, 'sell', 5)]) driver.feed(sample)
    expect(driver.feed(advance(4.5))).toMatchObject([{ fill: [{ side: 'buy' }] }])
    expect(driver.feed(advance(5))).toMatchObject([{ fill: [{ side: 'sell' }] }])
  })
  test('a limit order that is not marketable when it arrives waits from then on', () => {
    const input = [
      trade(1, 100),
      approved(2, 'buy', 1, 100, 99),
      trade(3, 98),
      trade(3.5, 100),
      advance(4),
      trade(5, 99),
      trade(6, 98.9),
    ]
    expect(fills(late, input).map((f) => f.price)).toEqual([99])
    expect(fills(late, input.slice(0, 6))).toEqual([])
  })
})

describe('the book', () => {
  test('rejects what it has no room for, and has room again when an order is filled', () => {
    const rules = { open_orders: 1 }
    const input = [
      trade(1, 100),
      approved(2, 'buy', 1, 100, 99),
      approved(3, 'buy', 1, 100, 98),
      trade(4, 98.5),
      approved(5, 'buy', 1, 100, 98),
    ]
    expect(states(rules, input)).toEqual(['accepted', 'rejected', 'filled', 'accepted'])
  })
  test('names each order by its time and its place among those of that time', () => {
    const input = [trade(1, 100), approved(2, 'buy', 1), approved(2, 'sell', 2), approved(3, 'buy', 1)]
    expect(fills({}, input).map((f) => [f.order_at, f.order_ordinal])).toEqual([
      [2e6, 0],
      [2e6, 1],
      [3e6, 0],
    ])
  })
  test('keeps instruments apart', () => {
    const other = (sample: Sample): Sample => ({ ...sample, key: 'okx:ETH-USDT' })
    const input = [
      trade(1, 100),
      other(trade(1, 7)),
      approved(2, 'buy', 1, 100, 99),
      other(trade(3, 6)),
      other(approved(4, 'buy', 1)),
    ]
    expect(prices({}, input)).toEqual([6])
  })
  test('a quantity too fine for a double of 1e-8 steps comes back as it was ordered', () => {
    const quantities = fc.double({ min: 1e-8, max: 1e12, noNaN: true })
    fc.assert(
      fc.property(quantities, (quantity) => {
        const [fill] = fills({ fill: 'next' }, [approved(1, 'buy', quantity), trade(2, 100)])
        expect(fill?.quantity).toBe(fixed(quantity))
      }),
    )
  })
  test('the fee is a share of the notional, to the nearest 1e-8', () => {
    const [fill] = fills({ fee: 0.00075 }, [trade(1, 61_234.57), approved(2, 'buy', 0.01633)])
    expect(toText(fill?.notional as never)).toBe('999.96052810')
    expect(toText(fill?.fee as never)).toBe('0.74997040')
  })
})

describe('at the end of the data', () => {
  const waiting = [trade(1, 100), approved(2, 'buy', 2), approved(3, 'buy', 1, 100, 50)]
  test('waiting orders are cancelled and positions are kept', () => {
    expect(states({}, [...waiting, end(4)])).toEqual(['accepted', 'filled', 'accepted', 'cancelled: end_of_data'])
    expect(fills({}, [...waiting, end(4)])).toHaveLength(1)
  })
  test('or positions are closed at the newest price, by an order of the venue itself', () => {
    const all = fills({ at_end: 'close' }, [...waiting, trade(3.5, 90), end(4)])
    expect(all[1]).toMatchObject({ side: 'sell', quantity: fixed(2), price: 90, order_at: 0 })
    const short = [trade(1, 100), approved(2, 'sell', 2), end(4)]
    expect(fills({ at_end: 'close' }, short)[1]).toMatchObject({ side: 'buy', quantity: fixed(2) })
    expect(fills({ at_end: 'close' }, [trade(1, 100), end(4)])).toEqual([])
  })
})

/** The one trade a market order may meet, by the words of the docs; undefined when it is cancelled at the end. */
function priceFor(tape: readonly Sample[], order: number, latency: number, next: boolean): number | undefined {
  const arrives = (tape[order] as Sample).at + latency
  const isTrade = (s: Sample) => s.kind === 'trade'
  const met = next
    ? tape.slice(order + 1).find((s) => isTrade(s) && s.at >= arrives)
    : latency === 0
      ? tape.slice(0, order).findLast(isTrade)
      : tape
          .slice(
            0,
            Math.max(
              0,
              tape.findIndex((s) => s.at >= arrives),
            ),
          )
          .findLast(isTrade)
  return (met?.value as { price: number } | undefined)?.price
}
test('whatever the rules, a market order meets one price: never one from before it could be known at the venue', () => {
  const ports = { trade: venue.definition.ambient['trade'], order: venue.definition.inputs['order'] } as never
  const rules = fc.record({ latency: fc.constantFrom(0, 300_000, 2_000_000), next: fc.boolean() })
  fc.assert(
    fc.property(fc.nat(1e6), rules, (seed, { latency, next }) => {
      const random = tapeOf(ports, { seed, rows: 80 })
      const market = (s: Sample): Sample =>
        s.kind === 'approved_order' ? { ...s, value: { ...(s.value as object), limit: 0 } } : s
      const tape = [{ ...trade(0, 50), at: (random[0] as Sample).at }, ...random.map(market)]
      const ordinals = new Map<number, number>()
      const expected = tape.flatMap((s, i) => {
        if (s.kind !== 'approved_order') return []
        const ordinal = ordinals.get(s.at) ?? 0
        ordinals.set(s.at, ordinal + 1)
        const price = priceFor(tape, i, latency, next)
        return price === undefined ? [] : [`${s.at}/${ordinal} ${price}`]
      })
      const found = fills({ latency, fill: next ? 'next' : 'current' }, tape)
      expect(found.map((f) => `${f.order_at}/${f.order_ordinal} ${f.price}`).sort()).toEqual(expected.sort())
    }),
    { numRuns: 200 },
  )
})
test('whatever the rules, every order is accepted or rejected first and filled or cancelled once', () => {
  const ports = { ...venue.definition.ambient, ...venue.definition.inputs } as never
  const rules = fc.record({
    latency: fc.constantFrom('0s', '1s'),
    fill: fc.constantFrom('current', 'next'),
    open_orders: fc.constantFrom(2, 64),
  })
  fc.assert(
    fc.property(fc.nat(1e6), rules, (seed, params) => {
      const tape = tapeOf(ports, { seed, rows: 100 })
      const lives = new Map<string, string[]>()
      for (const { order, fill } of answers(params, tape)) {
        for (const { order_at, order_ordinal, state } of order) {
          const name = `${order_at}/${order_ordinal}`
          lives.set(name, [...(lives.get(name) ?? []), state])
        }
        expect(fill).toHaveLength(order.filter((o) => o.state === 'filled').length)
      }
      expect(lives.size).toBe(tape.filter((s) => s.kind === 'approved_order').length)
      for (const life of lives.values())
        expect(['rejected', 'accepted,filled', 'accepted,cancelled']).toContain(life.join())
    }),
    { numRuns: 100 },
  )
})
