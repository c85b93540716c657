import { expect, test } from 'vitest'
import { z } from 'zod'
import { Address, type Hex } from '../hex.ts'
import { balancerV2 } from './balancer.ts'
import { type Log, type Reader, Reverted, type Token, type Trade } from './venue.ts'

// The bytes are written by hand from the documented ABI: the contract itself is not run here.

const word = (hex: string): string => hex.padStart(64, '0')
const vault = 'ba12222222228d8ba445958a75a0704d566bf2c8'
const pool_id = '5c6ee304399dbdb9c8ef030ab642b10820db8f56000200000000000000000014'
const bal = 'ba100000625a3754423978a60c9317c58a424e3d'
const weth = 'c02aaa39b223fe8d0a0e5c4f27ead9083c756cc2'
const us = '1111111111111111111111111111111111111111'
const at = (address: string): Address => Address.parse(`0x${address}`)
const tokenOf = (address: string, native = false): Token => ({ address: at(address), decimals: 18, native })
const venue = balancerV2.open(z.parse(balancerV2.params, { vault: `0x${vault}`, pool_id: `0x${pool_id}` }))
const trade: Trade = {
  pay: tokenOf(weth),
  get: tokenOf(bal),
  exact: 'in',
  amount: 0xde0b6b3a7640000n,
  bound: 0xffn,
  account: at(us),
  deadline: 0x6b0a9300,
}
/** The words of `swap`, by what differs. */
const swap = (kind: string, from: string, to: string): string =>
  [
    // Where singleSwap begins, then funds, limit and deadline.
    'e0',
    ...[us, '0', us, '0'],
    ...['ff', '6b0a9300'],
    // singleSwap: its last field, no bytes, begins after six words.
    ...[pool_id, kind, from, to, 'de0b6b3a7640000', 'c0', '0'],
  ]
    .map(word)
    .join('')

test('a swap, byte for byte: amounts in and out, and the coin itself on either side', () => {
  const call = { to: at(vault), data: `0x52bbbe29${swap('0', weth, bal)}`, value: 0n }
  expect(venue.encode(trade)).toEqual(call)
  expect(venue.encode({ ...trade, exact: 'out' }).data).toBe(`0x52bbbe29${swap('1', weth, bal)}`)
  const paid = { ...trade, pay: tokenOf(weth, true) }
  expect(venue.encode(paid)).toEqual({ ...call, data: `0x52bbbe29${swap('0', '', bal)}`, value: trade.amount })
  expect(venue.encode({ ...paid, exact: 'out' }).value).toBe(trade.bound)
  const got = { ...trade, pay: trade.get, get: tokenOf(weth, true) }
  expect(venue.encode(got)).toEqual({ ...call, data: `0x52bbbe29${swap('0', bal, '')}` })
})
test('the Vault gets a right to what may be paid, and none to the coin', () => {
  const right = { token: at(weth), spender: at(vault), by: 'erc20' }
  expect(venue.allowances(trade)).toEqual([{ ...right, amount: trade.amount }])
  expect(venue.allowances({ ...trade, exact: 'out' })).toEqual([{ ...right, amount: trade.bound }])
  expect(venue.allowances({ ...trade, pay: tokenOf(weth, true) })).toEqual([])
})

const query = (kind: string): string =>
  [
    // kind; where swaps and assets begin; funds.
    ...[kind, 'e0', '1e0'],
    ...[us, '0', us, '0'],
    // One swap, that begins after one word; its bytes begin after five.
    ...['1', '20', pool_id, '0', '1', 'de0b6b3a7640000', 'a0', '0'],
    ...['2', weth, bal],
  ]
    .map(word)
    .join('')
const minus = (value: bigint): string => (2n ** 256n - value).toString(16)
const deltas = (taken: string, given: string): string => ['20', '2', taken, given].map(word).join('')
const reader = (kind: string, answer: string): Reader => ({
  call: async (to, data) => {
    if (to !== at(vault) || data !== `0xf84d066e${query(kind)}`) throw new Error('asked something else')
    return `0x${answer}` as Hex
  },
})
test('the Vault is asked what comes, or is to be paid', async () => {
  expect(await venue.quote(trade, reader('0', deltas('de0b6b3a7640000', minus(777n))))).toBe(777n)
  const out: Trade = { ...trade, exact: 'out' }
  expect(await venue.quote(out, reader('1', deltas('309', minus(trade.amount))))).toBe(777n)
  await expect(venue.quote(trade, reader('0', deltas('1', '1')))).rejects.toThrow(Reverted)
})
test('what moved is what the Vault says of this pool and this direction', () => {
  const event = (topics: Partial<Record<'pool' | 'from' | 'to', string>> = {}, address = vault): Log => ({
    address: at(address),
    topics: [
      '0x2170c741c41531aec20e7c107c24eecfdd15e69c9bb0a8dd37b1840b9e0b207b',
      `0x${topics.pool ?? pool_id}`,
      `0x${word(topics.from ?? weth)}`,
      `0x${word(topics.to ?? bal)}`,
    ],
    data: `0x${word('64')}${word('c8')}`,
  })
  const others = [event({ pool: word('1') }), event({ from: bal, to: weth }), event({}, bal)]
  expect(venue.moved(trade, [event(), ...others])).toEqual({ paid: 100n, got: 200n })
  expect(venue.moved(trade, others)).toEqual({ paid: 0n, got: 0n })
})
