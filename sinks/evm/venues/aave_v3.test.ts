import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { type Aave, deployAave } from '../../../testing/aave.ts'
import { type Anvil, startAnvil } from '../../../testing/anvil.ts'
import { type Contract, Deployer } from '../../../testing/evm_chain.ts'
import { ownContract } from '../../../testing/solidity.ts'
import { Address, type Hex } from '../hex.ts'
import { aaveV3 } from './aave_v3.ts'
import { type EvmVenue, type Log, type Reader, Reverted, type Token, type Trade } from './venue.ts'

const unit = 10n ** 18n
let anvil: Anvil
let deployer: Deployer
let aave: Aave
let venue: EvmVenue
let reader: Reader
let supplied: Trade
let withdrawn: Trade

const tokenOf = (contract: Contract): Token => ({
  address: Address.parse(contract.address),
  decimals: 18,
  native: false,
})
beforeAll(async () => {
  anvil = await startAnvil()
  const [account] = (await anvil.rpc('eth_accounts')) as [string]
  deployer = new Deployer(anvil, account)
  const made = await deployer.deployCode(ownContract('CleanToken'), 1_000_000n * unit)
  aave = await deployAave(deployer, made.address)
  const { pool, underlying, atoken } = aave
  const params = { pool: pool.address, underlying: underlying.address, atoken: atoken.address }
  venue = aaveV3.open(z.parse(aaveV3.params, params))
  const [pay, get] = [tokenOf(underlying), tokenOf(atoken)]
  const amount = 10n * unit
  supplied = { pay, get, exact: 'in', amount, bound: amount, account: Address.parse(account), deadline: 0 }
  withdrawn = { ...supplied, pay: get, get: pay, exact: 'out', amount: 4n * unit, bound: 4n * unit }
  reader = {
    call: async (to, data, from) => {
      try {
        return (await anvil.rpc('eth_call', { to, data, ...(from && { from }) }, 'latest')) as Hex
      } catch (error) {
        throw new Reverted(String(error))
      }
    },
  }
})
beforeEach(async () => {
  const snapshot = await anvil.rpc('evm_snapshot')
  return () => anvil.rpc('evm_revert', snapshot)
})
afterAll(() => anvil.close())

const held = async ({ address }: Token): Promise<bigint> =>
  BigInt(String((await deployer.at('ERC20', address).call('balanceOf', deployer.account))[0]))
/** Gives the rights it needs, sends what it encodes, and gives the logs. */
async function execute(trade: Trade): Promise<readonly Log[]> {
  for (const { token, spender, amount } of venue.allowances(trade))
    await deployer.receipt(await deployer.at('ERC20', token).send('approve', spender, amount))
  const { to, data, value } = venue.encode(trade)
  const hash = await deployer.transact(to, data, value)
  await deployer.receipt(hash)
  return ((await anvil.rpc('eth_getTransactionReceipt', hash)) as { logs: readonly Log[] }).logs
}
const word = (address: Address): Hex => `0x${address.slice(2).padStart(64, '0')}`
const configure = async (method: string, value: unknown) =>
  deployer.receipt(await aave.configurator.send(method, aave.underlying.address, value))

test('what it says moved is what the balances say, both ways', async () => {
  for (const trade of [supplied, withdrawn]) {
    const before = [await held(trade.pay), await held(trade.get)] as const
    expect(await venue.quote(trade, reader)).toBe(trade.amount)
    const moved = venue.moved(trade, await execute(trade))
    expect(moved).toEqual({ paid: trade.amount, got: trade.amount })
    expect(before[0] - (await held(trade.pay))).toBe(moved.paid)
    expect((await held(trade.get)) - before[1]).toBe(moved.got)
  }
})
test('interest that comes at the same time is not counted as moved', async () => {
  await execute(supplied)
  const { address } = aave.underlying
  await deployer.receipt(await aave.pool.send('borrow', address, 7n * unit, 2, 0, deployer.account))
  await anvil.rpc('evm_increaseTime', 365 * 24 * 3600)
  const more = { ...supplied, amount: 1n * unit, bound: unit }
  const before = await held(supplied.get)
  expect(venue.moved(more, await execute(more))).toEqual({ paid: unit, got: unit })
  expect((await held(supplied.get)) - before).toBeGreaterThan(unit + unit / 100n)
})
test('transactions of others, and of other reserves, are not ours', async () => {
  const logs = await execute(supplied)
  const other = Address.parse(`0x${'9'.repeat(40)}`)
  expect(venue.moved({ ...supplied, account: other }, logs)).toEqual({ paid: 0n, got: 0n })
  expect(venue.moved(withdrawn, logs)).toEqual({ paid: 0n, got: 0n })
  const back = await execute(withdrawn)
  expect(venue.moved(withdrawn, back)).not.toEqual({ paid: 0n, got: 0n })
  // Of a reserve, of somebody, to somebody.
  for (const place of [1, 2, 3]) {
    const changed = (topics: readonly Hex[]) => topics.map((t, n) => (n === place ? word(other) : t))
    const theirs = back.map((log) => ({ ...log, topics: changed(log.topics) }))
    expect(venue.moved(withdrawn, theirs)).toEqual({ paid: 0n, got: 0n })
  }
  const forged = logs.map((log) => ({ ...log, address: other }))
  expect(venue.moved(supplied, forged)).toEqual({ paid: 0n, got: 0n })
})
test('only the pool gets rights, for what is supplied and no more', () => {
  const pool = Address.parse(aave.pool.address)
  expect(venue.contracts).toEqual([pool])
  expect(venue.allowances(supplied)).toEqual([
    { token: supplied.pay.address, spender: pool, by: 'erc20', amount: 10n * unit },
  ])
  expect(venue.allowances(withdrawn)).toEqual([])
  expect(venue.encode(supplied).to).toBe(pool)
})

test.each([
  ['setReservePause', true, 'paused', true],
  ['setReserveFreeze', true, 'frozen', false],
  ['setSupplyCap', 15, 'more than the reserve takes', false],
] as const)('after %s, supplying is refused in words, as the pool would', async (method, value, why, both) => {
  await execute(supplied)
  await configure(method, value)
  await expect(venue.quote(supplied, reader)).rejects.toThrow(why)
  await expect(execute(supplied)).rejects.toThrow('reverted')
  if (both) await expect(venue.quote(withdrawn, reader)).rejects.toThrow(why)
  else expect(venue.moved(withdrawn, await execute(withdrawn)).got).toBe(4n * unit)
})
test('what the reserve has lent out cannot be withdrawn', async () => {
  await execute(supplied)
  const { address } = aave.underlying
  await deployer.receipt(await aave.pool.send('borrow', address, 7n * unit, 2, 0, deployer.account))
  await expect(venue.quote(withdrawn, reader)).rejects.toThrow('more than the reserve has left')
  expect(await venue.quote({ ...withdrawn, amount: 3n * unit }, reader)).toBe(3n * unit)
})
test('a bound better than 1 for 1, another pair, or the coin itself is refused', async () => {
  expect(() => venue.encode({ ...supplied, bound: 10n * unit + 1n })).toThrow(Reverted)
  expect(() => venue.encode({ ...withdrawn, bound: 4n * unit - 1n })).toThrow(Reverted)
  expect(() => venue.encode({ ...supplied, get: supplied.pay })).toThrow(Reverted)
  await expect(venue.quote({ ...supplied, pay: { ...supplied.pay, native: true } }, reader)).rejects.toThrow(Reverted)
})
test('an aToken of another reserve is found out', async () => {
  const { pool, underlying, debt } = aave
  const wrong = { pool: pool.address, underlying: underlying.address, atoken: debt.address }
  const other = aaveV3.open(z.parse(aaveV3.params, wrong))
  const trade = { ...supplied, get: tokenOf(debt) }
  await expect(other.quote(trade, reader)).rejects.toThrow('the aToken of this reserve is')
})
