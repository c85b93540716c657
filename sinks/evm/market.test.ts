import { expect, test } from 'vitest'
import { Address } from './hex.ts'
import { intentOf, type Pair } from './market.ts'

const token = (decimals: number) => ({ address: Address.parse(`0x${'a'.repeat(40)}`), decimals, native: false })
const pair: Pair = {
  ...{ key: 'v:P', base: token(18), quote: token(6), base_decimals: 18, quote_decimals: 6, coin: 'neither' },
  ...{ slippage: 0.01, exact: 'in' },
}
const intent = (value: object, of: Pair = pair, at = 1_000) => {
  const row = { id: 'a', edge: 'e', kind: 'approved_order', key: 'v:P', at, ordinal: 0, commit: 1, order: 0, value }
  return intentOf(row, of, { run: 'r', pipeline: 'p', node: 'n' }, { time_to_live: 50 }, 2_000)
}

test('a buy that names what is paid gets no less than its limit says, whatever the slippage', () => {
  expect(intent({ side: 'buy', quantity: 2, limit: 0, price: 100 })).toMatchObject({
    ...{ exact: 'in', amount: '200000000', bound: '1980000000000000000' },
  })
  const near = intent({ side: 'buy', quantity: 2, limit: 100.1, price: 100 })
  // 200 / 100.1, to the next unit
  expect(near).toMatchObject({ exact: 'in', amount: '200000000', bound: '1998001998001998002' })
  expect(BigInt(near.amount) * 10n ** 13n).toBeLessThanOrEqual(1001n * BigInt(near.bound))
  expect(intent({ side: 'buy', quantity: 2, limit: 80, price: 100 }).bound).toBe('2500000000000000000')
})

test('a buy that names what comes, and a sell, are bound by their limit too', () => {
  const by_side: Pair = { ...pair, exact: 'by_side' }
  expect(intent({ side: 'buy', quantity: 2, limit: 100.1, price: 100 }, by_side)).toMatchObject({
    ...{ exact: 'out', amount: '2000000000000000000', bound: '200200000' },
  })
  expect(intent({ side: 'sell', quantity: 2, limit: 99.9, price: 100 })).toMatchObject({
    ...{ exact: 'in', amount: '2000000000000000000', bound: '199800000' },
  })
})

test('the time to live runs from the approval, and from now where that lies ahead', () => {
  expect(intent({ side: 'sell', quantity: 1, limit: 0, price: 1 }).expires).toBe(1_050)
  expect(intent({ side: 'sell', quantity: 1, limit: 0, price: 1 }, pair, 9e15).expires).toBe(2_050)
})
