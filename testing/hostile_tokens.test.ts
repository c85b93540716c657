import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Anvil, startAnvil } from './anvil.ts'
import { type Contract, Deployer, deployUniswap, type Uniswap } from './evm_chain.ts'
import { type HostileTokens, hostileTokens, wrap } from './hostile_tokens.ts'
import { ownContract } from './solidity.ts'

const unit = 10n ** 18n
let anvil: Anvil
let uniswap: Uniswap
let tokens: HostileTokens
/** Not the owner of the tokens, with 100 wrapped ether that the router may take. */
let trader: Deployer
let router: Contract
let snapshot: unknown

beforeAll(async () => {
  anvil = await startAnvil()
  uniswap = await deployUniswap(anvil)
  tokens = await hostileTokens(uniswap.deployer, uniswap)
  const [, account] = (await anvil.rpc('eth_accounts')) as [string, string]
  trader = new Deployer(anvil, account)
  router = trader.at('UniswapV2Router02', uniswap.v2.router.address)
  const money = trader.at('WETH9', tokens.money.address)
  await wrap(trader, money.address, 100n * unit)
  await trader.receipt(await money.send('approve', router.address, 100n * unit))
})
beforeEach(async () => {
  snapshot = await anvil.rpc('evm_snapshot')
  return () => anvil.rpc('evm_revert', snapshot)
})
afterAll(() => anvil.close())

type Kind = 'clean' | 'taxed' | 'honeypot' | 'silent'
const held = async (token: string): Promise<bigint> =>
  BigInt(String((await trader.at('ERC20', token).call('balanceOf', trader.account))[0]))
/** Swaps along the path by a method of the router that takes an amount in and none out; gives what came. */
async function swap(from: string, to: string, amount: bigint, taxed = true): Promise<bigint> {
  const before = await held(to)
  const method = `swapExactTokensForTokens${taxed ? 'SupportingFeeOnTransferTokens' : ''}`
  await trader.receipt(await router.send(method, amount, 0, [from, to], trader.account, 2n ** 48n))
  return (await held(to)) - before
}
const buy = (kind: Kind, amount: bigint) => swap(tokens.money.address, tokens[kind].token.address, amount)
async function sell(kind: Kind, amount: bigint, taxed = true): Promise<bigint> {
  const { address } = tokens[kind].token
  const abi = ownContract(kind === 'silent' ? 'SilentToken' : 'CleanToken').abi
  await trader.receipt(await trader.contract(abi, address).send('approve', router.address, amount))
  return swap(address, tokens.money.address, amount, taxed)
}

/** What a V2 pool gives (UniswapV2Library.getAmountOut). */
const out = (amount: bigint, reserve_in: bigint, reserve_out: bigint): bigint =>
  (amount * 997n * reserve_out) / (reserve_in * 1000n + amount * 997n)
const untaxed = (amount: bigint): bigint => amount - (amount * 30n) / 100n
const deep = 1000n * unit

test('the clean one gives back what it cost but for the fees, exactly as the formula says', async () => {
  const got = await buy('clean', unit)
  expect(got).toBe(out(unit, deep, deep))
  expect(await sell('clean', got, false)).toBe(out(got, deep - got, deep + unit))
})
test('the taxed one comes short by 30 % each way, and an ordinary swap of it reverts', async () => {
  const left = out(unit, deep, deep)
  const got = await buy('taxed', unit)
  expect(got).toBe(untaxed(left))
  await expect(sell('taxed', got, false)).rejects.toThrow('reverted')
  expect(await sell('taxed', got)).toBe(out(untaxed(got), deep - left, deep + unit))
})
test('the honeypot can be bought by all, and sold by its owner only', async () => {
  const got = await buy('honeypot', unit)
  expect(got).toBeGreaterThan((99n * unit) / 100n)
  await expect(sell('honeypot', got)).rejects.toThrow('reverted')
  const { deployer } = uniswap
  const path = [tokens.honeypot.token.address, tokens.money.address]
  const sold = await uniswap.v2.router.send('swapExactTokensForTokens', unit, 0, path, deployer.account, 2n ** 48n)
  await deployer.receipt(sold)
})
test('the silent one trades both ways, returns nothing, and wants its allowance put to 0 first', async () => {
  const got = await buy('silent', unit)
  expect(got).toBe(996006n)
  expect(await sell('silent', got)).toBeGreaterThan((99n * unit) / 100n)
  const { address } = tokens.silent.token
  const { abi } = ownContract('SilentToken')
  const transfer = { from: trader.account, to: address, data: abi.encodeFunctionData('transfer', [address, 0]) }
  expect(await anvil.rpc('eth_call', transfer, 'latest')).toBe('0x')
  const token = trader.contract(abi, address)
  await trader.receipt(await token.send('approve', router.address, 1))
  await expect(trader.receipt(await token.send('approve', router.address, 2))).rejects.toThrow('reverted')
  await trader.receipt(await token.send('approve', router.address, 0))
  await trader.receipt(await token.send('approve', router.address, 2))
})
test('they may be listed against another token', async () => {
  const [money] = uniswap.tokens
  const listed = await hostileTokens(uniswap.deployer, uniswap, money.address)
  const sides = [...(await listed.clean.pair.call('token0')), ...(await listed.clean.pair.call('token1'))]
  expect(
    sides
      .map(String)
      .map((side) => side.toLowerCase())
      .toSorted(),
  ).toEqual([money.address, listed.clean.token.address].map((side) => side.toLowerCase()).toSorted())
})
