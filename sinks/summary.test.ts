import { expect, test } from 'vitest'
import type { Equity } from '../schemas/account.ts'
import { fixed } from '../schemas/fixed.ts'
import { Summary } from './summary.ts'

const HOUR = 3600e6
const equity = (value: number, rest: Partial<Equity> = {}): Equity => ({
  cash: fixed(value),
  equity: fixed(value),
  realised: fixed(0),
  unrealised: fixed(0),
  fees: fixed(0),
  ...rest,
})
const grid = (values: readonly number[]) =>
  values.map((value, i) => ({ kind: 'equity', key: '*', at: i * HOUR, value: equity(value) }))
const position = (quantity: number) => ({ kind: 'position', key: 'v:A', at: 0, value: { quantity: fixed(quantity) } })
const of = (rows: readonly { kind: string; key: string; at: number; value: unknown }[]) => {
  const summary = new Summary()
  for (const row of rows) summary.add(row)
  return summary.result()
}

test('a run that did nothing has figures that say so', () => {
  expect(of([])).toMatchObject({
    orders: 0,
    fills: 0,
    trades: 0,
    equity: null,
    pnl: null,
    sharpe: null,
    max_drawdown: null,
    positions: {},
  })
})
test('orders are counted once, when accepted or rejected', () => {
  const update = (state: string) => ({ kind: 'order_update', key: 'v:A', at: 0, value: { state } })
  expect(of(['accepted', 'filled', 'rejected', 'accepted', 'cancelled'].map(update)).orders).toBe(3)
})
test('refusals are counted by code', () => {
  const refused = (code: string) => ({ kind: 'refused_order', key: 'v:A', at: 0, value: { code } })
  expect(of(['DATA_STALE', 'DATA_GAP', 'DATA_STALE'].map(refused)).refused).toEqual({ DATA_STALE: 2, DATA_GAP: 1 })
})
test('a trade is a position that was closed or turned round', () => {
  expect(of([1, 2, 0, -1, 3, 1].map(position)).trades).toBe(2)
})
test('profit is what was taken and what is open, less fees, exact to the last 1e-8', () => {
  const { pnl, exact } = of([
    {
      kind: 'equity',
      key: 'v:A',
      at: 0,
      value: equity(1000, { realised: fixed('0.3'), unrealised: fixed('-0.1'), fees: fixed('0.00000001') }),
    },
  ])
  expect([pnl, exact.pnl]).toEqual([0.19999999, '0.19999999'])
})
test('drawdown is the greatest fall from a peak before it', () => {
  expect(of(grid([100, 120, 90, 130, 117])).max_drawdown).toBeCloseTo(0.25, 12)
  expect(of(grid([100, 110, 120])).max_drawdown).toBe(0)
})
test('the Sharpe ratio is the mean return of the grid over its deviation, by the year', () => {
  const values = [100, 102, 101, 104, 103]
  const returns = values.slice(1).map((v, i) => v / (values[i] as number) - 1)
  const mean = returns.reduce((a, b) => a + b) / returns.length
  const deviation = Math.sqrt(returns.reduce((a, r) => a + (r - mean) ** 2, 0) / (returns.length - 1))
  expect(of(grid(values)).sharpe).toBeCloseTo((mean / deviation) * Math.sqrt(365 * 24), 9)
})
test('it needs three returns that differ, and rows after fills do not count', () => {
  expect(of(grid([100, 101, 102])).sharpe).toBeNull()
  expect(of(grid([100, 100, 100, 100, 100])).sharpe).toBeNull()
  const after = { kind: 'equity', key: 'v:A', at: 1.5 * HOUR, value: equity(500) }
  const rows = grid([100, 102, 101, 104, 103])
  expect(of([...rows.slice(0, 2), after, ...rows.slice(2)]).sharpe).toBe(of(rows).sharpe)
})
test('the row at the end of the data, off the grid, is no return', () => {
  const rows = grid([100, 102, 101, 104, 103])
  expect(of([...rows, { kind: 'equity', key: '*', at: 4.3 * HOUR, value: equity(50) }]).sharpe).toBe(of(rows).sharpe)
})
