import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Aave, deployAave } from './aave.ts'
import { type Anvil, startAnvil } from './anvil.ts'
import { type Contract, Deployer } from './evm_chain.ts'
import { ownContract } from './solidity.ts'

const unit = 10n ** 18n
let anvil: Anvil
let deployer: Deployer
let aave: Aave

beforeAll(async () => {
  anvil = await startAnvil()
  const [account] = (await anvil.rpc('eth_accounts')) as [string]
  deployer = new Deployer(anvil, account)
  const token = await deployer.deployCode(ownContract('CleanToken'), 1_000_000n * unit)
  aave = await deployAave(deployer, token.address)
  await run(aave.underlying, 'approve', aave.pool.address, 1_000_000n * unit)
})
beforeEach(async () => {
  const snapshot = await anvil.rpc('evm_snapshot')
  return () => anvil.rpc('evm_revert', snapshot)
})
afterAll(() => anvil.close())

const run = async (contract: Contract, method: string, ...values: readonly unknown[]) =>
  deployer.receipt(await contract.send(method, ...values))
const held = async (token: Contract, account = deployer.account): Promise<bigint> =>
  BigInt(String((await token.call('balanceOf', account))[0]))

test('what is supplied comes back, 1 for 1', async () => {
  await run(aave.pool, 'supply', aave.underlying.address, 100n * unit, deployer.account, 0)
  expect(await held(aave.atoken)).toBe(100n * unit)
  expect(await held(aave.underlying)).toBe(999_900n * unit)
  expect(await held(aave.underlying, aave.atoken.address)).toBe(100n * unit)
  await run(aave.pool, 'withdraw', aave.underlying.address, 40n * unit, deployer.account)
  expect(await held(aave.atoken)).toBe(60n * unit)
  expect(await held(aave.underlying)).toBe(999_940n * unit)
})
test('who borrows pays interest to who supplied', async () => {
  const [, account] = (await anvil.rpc('eth_accounts')) as [string, string]
  await run(aave.pool, 'supply', aave.underlying.address, 100n * unit, deployer.account, 0)
  await run(aave.underlying, 'transfer', account, 1000n * unit)
  const borrower = new Deployer(anvil, account)
  const token = borrower.at('ERC20', aave.underlying.address)
  const pool = borrower.contract(aave.pool.abi, aave.pool.address)
  await borrower.receipt(await token.send('approve', pool.address, 1000n * unit))
  await borrower.receipt(await pool.send('supply', token.address, 100n * unit, account, 0))
  await borrower.receipt(await pool.send('borrow', token.address, 70n * unit, 2, 0, account))
  await anvil.rpc('evm_increaseTime', 365 * 24 * 3600)
  await anvil.rpc('evm_mine')
  const interest = (await held(aave.atoken)) - 100n * unit
  expect(interest).toBeGreaterThan(unit / 10n)
  expect(interest).toBeLessThan(2n * unit)
})
test('beyond what the collateral allows nothing is borrowed, and a paused reserve takes nothing', async () => {
  await run(aave.pool, 'supply', aave.underlying.address, 100n * unit, deployer.account, 0)
  const borrow = (amount: bigint) => run(aave.pool, 'borrow', aave.underlying.address, amount, 2, 0, deployer.account)
  await expect(borrow(76n * unit)).rejects.toThrow('reverted')
  await borrow(74n * unit)
  expect(await held(aave.debt)).toBe(74n * unit)
  await run(aave.configurator, 'setReservePause', aave.underlying.address, true)
  const more = run(aave.pool, 'supply', aave.underlying.address, unit, deployer.account, 0)
  await expect(more).rejects.toThrow('reverted')
})
