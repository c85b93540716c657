import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Anvil, anvilBinary, startAnvil } from '../../../testing/anvil.ts'
import { type Contract, Deployer, interfaceOf } from '../../../testing/evm_chain.ts'
import { settle } from '../../../testing/settled_trade.ts'
import { deployCode, sendFrom } from '../../../testing/uniswap_routers.ts'
import { Address } from '../hex.ts'
import { movedThrough } from './moved.ts'
import { uniswapV2 } from './uniswap_v2.ts'
import type { Log, Token, Trade } from './venue.ts'

/** A wrapped coin like that of Arbitrum: it mints and burns, and has no logs of its own for it. */
const source = `
pragma solidity ^0.8.0;
contract Silent {
  mapping(address => uint256) public balanceOf;
  mapping(address => mapping(address => uint256)) public allowance;
  event Transfer(address indexed from, address indexed to, uint256 value);
  function deposit() external payable {
    balanceOf[msg.sender] += msg.value;
    emit Transfer(address(0), msg.sender, msg.value);
  }
  function withdraw(uint256 value) external {
    balanceOf[msg.sender] -= value;
    emit Transfer(msg.sender, address(0), value);
    payable(msg.sender).transfer(value);
  }
  function approve(address spender, uint256 value) external returns (bool) {
    allowance[msg.sender][spender] = value;
    return true;
  }
  function transfer(address to, uint256 value) external returns (bool) { return move(msg.sender, to, value); }
  function transferFrom(address from, address to, uint256 value) external returns (bool) {
    allowance[from][msg.sender] -= value;
    return move(from, to, value);
  }
  function move(address from, address to, uint256 value) private returns (bool) {
    balanceOf[from] -= value;
    balanceOf[to] += value;
    emit Transfer(from, to, value);
    return true;
  }
}`
const compiled = (): string => {
  const solc = createRequire(import.meta.url)('solc') as { compile: (input: string) => string }
  const settings = { outputSelection: { '*': { '*': ['evm.bytecode.object'] } } }
  const input = { language: 'Solidity', sources: { 'coin.sol': { content: source } }, settings }
  const { contracts } = JSON.parse(solc.compile(JSON.stringify(input))) as {
    contracts: { 'coin.sol': { Silent: { evm: { bytecode: { object: string } } } } }
  }
  return contracts['coin.sol'].Silent.evm.bytecode.object
}

describe.skipIf(anvilBinary() === undefined)('on a chain of anvil', () => {
  let anvil: Anvil
  let account: string
  let token: Contract
  let wrapped: Address
  let router: Contract
  const unit = 10n ** 18n
  const never = 4_000_000_000
  beforeAll(async () => {
    anvil = await startAnvil()
    account = ((await anvil.rpc('eth_accounts')) as [string])[0].toLowerCase()
    const deployer = new Deployer(anvil, account)
    wrapped = Address.parse(await deployCode(anvil, compiled()))
    token = await deployer.deploy('ERC20', 10n ** 9n * unit)
    const factory = await deployer.deploy('UniswapV2Factory', account)
    router = await deployer.deploy('UniswapV2Router02', factory.address, wrapped)
    await deployer.receipt(await token.send('approve', router.address, 2n ** 256n - 1n))
    const add = [token.address, 1000n * unit, 0, 0, account, never]
    const data = interfaceOf('UniswapV2Router02').encodeFunctionData('addLiquidityETH', add)
    await sendFrom(anvil, account, { to: router.address, data, value: 1000n * unit })
  })
  afterAll(() => anvil.close())

  test('where wrapping leaves no logs, what went through the hands of the router tells what moved of the coin', async () => {
    const venue = uniswapV2.open(z.parse(uniswapV2.params, { router: router.address, path: [token.address] }))
    const coin: Token = { address: wrapped, decimals: 18, native: true }
    const erc20: Token = { ...coin, address: Address.parse(token.address), native: false }
    for (const [pay, get] of [
      [coin, erc20],
      [erc20, coin],
    ] as const)
      for (const exact of ['in', 'out'] as const) {
        const bound = exact === 'in' ? 0n : 3n * unit
        const plan: Trade = { pay, get, exact, amount: unit, bound, account: Address.parse(account), deadline: never }
        const { receipt, balances } = await settle(anvil, account, venue.encode(plan), plan)
        expect(receipt.status).toBe('0x1')
        expect(venue.moved(plan, receipt.logs as readonly Log[])).toEqual(balances)
        expect(exact === 'in' ? balances.paid : balances.got).toBe(unit)
      }
  })

  test('logs of other tokens, other accounts and other events count for nothing', () => {
    const [me, other] = [Address.parse(account), Address.parse(router.address)]
    const pay: Token = { address: wrapped, decimals: 18, native: false }
    const get: Token = { ...pay, address: Address.parse(token.address) }
    const plan: Trade = { pay, get, exact: 'in', amount: 1n, bound: 0n, account: me, deadline: never }
    const topic = (of: string): `0x${string}` => `0x${of.slice(2).padStart(64, '0')}`
    const transfer = interfaceOf('ERC20').getEvent('Transfer')?.topicHash as `0x${string}`
    const log = (address: Address, from: string, to: string, value: bigint, name = transfer): Log => {
      return { address, topics: [name, topic(from), topic(to)], data: `0x${value.toString(16).padStart(64, '0')}` }
    }
    const foreign = [
      log(other, me, other, 5n),
      log(get.address, other, other, 7n),
      log(get.address, other, me, 9n, `0x${'1'.repeat(64)}`),
    ]
    expect(movedThrough(other, plan, foreign)).toEqual({ paid: 0n, got: 0n })
    expect(
      movedThrough(other, plan, [...foreign, log(wrapped, me, other, 11n), log(get.address, other, me, 13n)]),
    ).toEqual({
      paid: 11n,
      got: 13n,
    })
  })
})
