import { expect, test } from 'vitest'
import { z } from 'zod'
import { Address, type Hex } from '../hex.ts'
import { compoundV3 } from './compound_v3.ts'
import { type Log, type Reader, Reverted, type Token, type Trade } from './venue.ts'

// The bytes are written by hand from the documented ABI: the contract itself is not run here.

const word = (hex: string): string => hex.padStart(64, '0')
const comet = 'c3d688b66703497daa19211eedff47f25384cdc3'
const usdc = 'a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48'
const us = '1111111111111111111111111111111111111111'
const account = Address.parse(`0x${us}`)
const tokenOf = (address: string): Token => ({ address: Address.parse(`0x${address}`), decimals: 6, native: false })
const venue = compoundV3.open(z.parse(compoundV3.params, { comet: `0x${comet}`, base: `0x${usdc}` }))
/** 1 USDC. */
const amount = 1_000_000n
const supplied: Trade = {
  pay: tokenOf(usdc),
  get: tokenOf(comet),
  exact: 'in',
  amount,
  bound: amount,
  account,
  deadline: 0,
}
const withdrawn: Trade = { ...supplied, pay: supplied.get, get: supplied.pay }

test('supply and withdraw, byte for byte', () => {
  const values = `${word(usdc)}${word('f4240')}`
  expect(venue.encode(supplied)).toEqual({ to: `0x${comet}`, data: `0xf2b9fdb8${values}`, value: 0n })
  expect(venue.encode(withdrawn)).toEqual({ to: `0x${comet}`, data: `0xf3fef3a3${values}`, value: 0n })
  expect(venue.allowances(supplied)).toEqual([{ token: `0x${usdc}`, spender: `0x${comet}`, by: 'erc20', amount }])
  expect(venue.allowances(withdrawn)).toEqual([])
  expect(() => venue.encode({ ...supplied, bound: amount + 1n })).toThrow(Reverted)
  expect(() => venue.encode({ ...supplied, get: supplied.pay })).toThrow(Reverted)
})

interface Market {
  readonly base?: string
  readonly supply_paused?: boolean
  readonly withdraw_paused?: boolean
  readonly debt?: string
  readonly balance?: string
  readonly left?: string
}
/** The answers of a market in a state. */
const reader = ({
  base = usdc,
  supply_paused,
  withdraw_paused,
  debt = '',
  balance = '',
  left = '',
}: Market): Reader => {
  const answers: Readonly<Record<string, string>> = {
    [`${comet} 0xc55dae63`]: base,
    [`${comet} 0x0bc47ad1`]: supply_paused === true ? '1' : '0',
    [`${comet} 0x67800b5f`]: withdraw_paused === true ? '1' : '0',
    [`${comet} 0x374c49b4${word(us)}`]: debt,
    [`${comet} 0x70a08231${word(us)}`]: balance,
    [`${usdc} 0x70a08231${word(comet)}`]: left,
  }
  return { call: async (to, data) => `0x${word(answers[`${to.slice(2)} ${data}`] ?? 'not asked')}` as Hex }
}
test('quotes 1 for 1 where the market is open', async () => {
  expect(await venue.quote(supplied, reader({ withdraw_paused: true }))).toBe(amount)
  const rich = { balance: 'f4240', left: 'f4240', supply_paused: true }
  expect(await venue.quote(withdrawn, reader(rich))).toBe(amount)
})
test.each([
  [supplied, { base: comet }, 'the base token'],
  [supplied, { supply_paused: true }, 'paused'],
  [supplied, { debt: '1' }, 'owes'],
  [withdrawn, { withdraw_paused: true }, 'paused'],
  [withdrawn, { balance: 'f423f', left: 'f4240' }, 'more than the account has supplied'],
  [withdrawn, { balance: 'f4240', left: 'f423f' }, 'more than the market has left'],
])('refuses what would pause, repay, borrow or find nothing: %#', async (trade, market, why) => {
  await expect(venue.quote(trade, reader(market))).rejects.toThrow(why)
})
test('what moved is what the events of the market say, of our account', () => {
  const event = (topic: string, from: string, to: string): Log => ({
    address: Address.parse(`0x${comet}`),
    topics: [topic as Hex, `0x${word(from)}`, `0x${word(to)}`],
    data: `0x${word('f4240')}`,
  })
  const supply = '0xd1cf3d156d5f8f0d50f6c122ed609cec09d35c9b9fb3fff6ea0959134dae424e'
  const withdraw = '0x9b1bfa7fa9ee420a16e124f794c35ac9f90472acc99140eb2f6447c714cad8eb'
  const all = { paid: amount, got: amount }
  expect(venue.moved(supplied, [event(supply, us, us), event(supply, usdc, us)])).toEqual(all)
  expect(venue.moved(withdrawn, [event(withdraw, us, us), event(supply, us, us)])).toEqual(all)
  const forged = { ...event(supply, us, us), address: account }
  expect(venue.moved(supplied, [forged])).toEqual({ paid: 0n, got: 0n })
})
