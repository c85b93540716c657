import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { operators } from '../operators/catalogue.ts'
import type { Operator } from '../runtime/define.ts'
import { sinks } from '../sinks/catalogue.ts'
import { sources } from '../sources/catalogue.ts'
import { breaches, casesOf, type LawName, laws } from '../testing/laws.ts'
import { offenders } from './offenders.ts'

const twins = Object.values(sinks).flatMap((s) => (s.simulate === undefined ? [] : [[s.name, s.simulate] as const]))
const both = ['binance:BTCUSDT', 'okx:ETH-USDT'] as const
const token = (address: string, native: boolean) => ({ address, decimals: 8, native })
const swapping = {
  chain_id: 1,
  endpoints: [{ http: 'mainnet' }],
  signer: { from: 'keystore', address: `0x${'a'.repeat(40)}` },
  markets: both.map((instrument) => ({
    ...{ instrument, venue: { name: 'uniswap_v2', router: `0x${'2'.repeat(40)}`, path: [`0x${'1'.repeat(40)}`] } },
    ...{ base: token(`0x${'0'.repeat(40)}`, true), quote: token(`0x${'1'.repeat(40)}`, false) },
  })),
}
/** Params beside those of the example: each switches on a part of the operator that the example leaves off. */
const variants: Readonly<Record<string, readonly unknown[]>> = {
  time_bars: [{ every: '2s', closed: 'right' }, { every: '3s', price: 'bid' }, { every: '2s' }],
  cross: [{ emit: 'level', warm_up: 3, skip_single_price: true }],
  ema: [{ span: 5, seed: 'mean' }],
  atr: [{ span: 3, smoothing: 'simple', first_bar: false }],
  rsi: [
    { span: 3, smoothing: 'cutler' },
    { span: 3, seed: 'zero' },
  ],
  macd: ['first', 'mean', 'talib', 'pandas'].map((seed) => ({ fast: 2, slow: 4, signal: 3, seed })),
  bollinger: [{ span: 3, variance: 'sample' }],
  vwap: [{ window: 3 }],
  order_book: [
    { levels: 1, behind: 0 },
    { levels: 3, behind: 2 },
  ],
  best_quote: [{ instruments: { 'A/B': both }, stale_after: '1s' }],
  consolidated_price: [
    { instruments: { 'A/B': both }, stale_after: '2s', max_deviation: 0.01 },
    { instruments: { 'A/B': both }, method: 'volume_weighted', window: '3s' },
  ],
  arbitrage_scan: [
    { instruments: { 'A/B': { pools: { [both[0]]: 'token0' }, quotes: [both[1]] } }, fee: 0 },
    { instruments: { 'A/B': { pools: { [both[0]]: 'token0', [both[1]]: 'token1' } } }, stale_after: '5s' },
  ],
  pool_quote: [{ base: { [both[0]]: 'token0', [both[1]]: 'token1' } }],
  fixed_quantity: [{ quantity: 2 }],
  all_in: [{ capital: 1000 }, { capital: 1000, enter: 'next', decimals: 2 }],
  risk_gate: [{ max_notional: 150, max_position: 3, gap_hold: '2s', warm_up: '2s', stale_after: '1s' }],
  portfolio: [{ every: '2s' }],
  simulated_venue: [
    { fill: 'next', spread: 0.001, slippage: 0.002, at_end: 'close' },
    { latency: '1s', maker_fee: 0, open_orders: 4, at_end: 'close' },
    { latency: '300ms', fill: 'next' },
  ],
  evm_swap: [
    { ...swapping, confirmations: 1, slippage: 0.5, simulation: { block_time: '2s' } },
    {
      ...{
        ...swapping,
        max_fee: 40,
        stuck_after: 1,
        deadline: '5s',
        cancel_after: '1s',
        slippage: 0.3,
        confirmations: 2,
      },
      simulation: { block_time: '1s', revert_probability: 0.2, inclusion_blocks: 2, open_orders: 3 },
    },
  ],
}

describe.each([...Object.entries(operators), ...twins])('%s', (name, definition) => {
  test.each(Object.keys(laws))('keeps the law %s', (law) => {
    const broken = breaches({ definition }, casesOf(definition), [law as LawName])
    expect(broken).toEqual([])
  })
  test.each(variants[name] ?? [])('keeps all laws with %j', (params) => {
    expect(breaches({ definition }, casesOf(definition, params))).toEqual([])
  })
})

test.each([
  ['operators', operators],
  ['sources', sources],
  ['sinks', sinks],
] as const)(
  'every component of %s is filed under its own name, in a file of that name or beside its family',
  (room, all) => {
    const files = readdirSync(room, { recursive: true, encoding: 'utf8' })
    for (const [name, { name: own, summary }] of Object.entries<{ name: string; summary: string }>(all)) {
      expect(own).toBe(name)
      expect(summary).toMatch(/^[A-Z].*[^.]\.$/)
      const [family = ''] = name.split('_')
      expect(
        files.filter(
          (f) =>
            f.endsWith(`/${name}.ts`) ||
            f === `${name}.ts` ||
            (room === 'sources' && f.startsWith(`${family}/`)) ||
            f.startsWith('tape/'),
        ),
      ).not.toEqual([])
    }
  },
)

const caught = (definition: Operator, only?: LawName): readonly string[] =>
  breaches({ definition }, casesOf(definition), only && [only]).map((b) => b.law)
test.each(Object.keys(laws))('the law %s catches who breaks it', (law) => {
  const planted = offenders[law as LawName]
  expect(planted.length).toBeGreaterThan(0)
  for (const { definition } of planted) expect(caught(definition, law as LawName), definition.name).toEqual([law])
})
test('an honest operator is none of the offenders', () => {
  expect(caught(operators['ema'] as Operator)).toEqual([])
})
