import { createRequire } from 'node:module'
import { Interface } from 'ethers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Anvil, anvilBinary, startAnvil } from '../../../testing/anvil.ts'
import { secondsOf } from '../../../testing/settled_trade.ts'
import {
  callOn,
  deployCode,
  deployUniswapRouters,
  sendFrom,
  type UniswapRouters,
} from '../../../testing/uniswap_routers.ts'
import { Address } from '../hex.ts'
import { type Grant, grantsOf, missingOf } from './allowances.ts'
import { type Allowance, type Reader, Reverted } from './venue.ts'

describe.skipIf(anvilBinary() === undefined)('on a chain of anvil', () => {
  let anvil: Anvil
  let ground: UniswapRouters
  let chain: Reader
  let trader: Address
  let snapshot: unknown
  const unit = 10n ** 18n

  beforeAll(async () => {
    anvil = await startAnvil()
    ground = await deployUniswapRouters(anvil)
    chain = { call: callOn(anvil, (reason) => new Reverted(reason)) }
    trader = Address.parse(ground.trader)
  })
  afterAll(() => anvil.close())
  beforeEach(async () => {
    snapshot = await anvil.rpc('evm_snapshot')
  })
  afterEach(() => anvil.rpc('evm_revert', snapshot))

  const address = (text: string) => Address.parse(text)
  const both = (amount: bigint, token = ground.a): readonly Allowance[] => {
    const [permit2, router] = [address(ground.permit2), address(ground.universal)]
    const right = { token: address(token), amount }
    return [
      { ...right, by: 'erc20', spender: permit2 },
      { ...right, by: 'permit2', permit2, spender: router },
    ]
  }
  const give = async (needed: readonly Allowance[], until: number, grant: Grant) => {
    const calls = await grantsOf(await missingOf(needed, trader, until, chain), trader, grant, chain)
    for (const call of calls) expect((await sendFrom(anvil, trader, call)).status).toBe('0x1')
    return calls.length
  }
  const missing = async (needed: readonly Allowance[], until: number) =>
    (await missingOf(needed, trader, until, chain)).map(({ allowance, has }) => [allowance.by, has])

  test('both allowances of Permit2 are missing at first, and none once they are given', async () => {
    const until = (await secondsOf(anvil)) + 1000
    expect(await missing(both(unit), until)).toEqual([
      ['erc20', 0n],
      ['permit2', 0n],
    ])
    expect(await give(both(unit), until, { grant: 'exact', expiration: until })).toBe(2)
    expect(await missing(both(unit), until)).toEqual([])
    expect(await missing(both(unit + 1n), until)).toEqual([
      ['erc20', unit],
      ['permit2', unit],
    ])
  })

  test('an approval of Permit2 that ends before the deadline is missing, and so is one for a block only', async () => {
    const until = (await secondsOf(anvil)) + 1000
    await give(both(unit), until, { grant: 'exact', expiration: until - 1 })
    expect(await missing(both(unit), until)).toEqual([['permit2', unit]])
    expect(await missing(both(unit), until - 1)).toEqual([])
    await give(both(unit), until, { grant: 'exact', expiration: 0 })
    expect(await missing(both(unit), (await secondsOf(anvil)) + 1)).toEqual([['permit2', unit]])
  })

  test('the greatest grant holds for any amount; an exact one is given anew when more is needed', async () => {
    const until = (await secondsOf(anvil)) + 1000
    await give(both(unit), until, { grant: 'exact', expiration: until })
    expect(await give(both(5n * unit), until, { grant: 'max', expiration: until })).toBe(2)
    expect(await missing(both(2n ** 160n - 1n), until)).toEqual([])
  })

  /** As USDT on Ethereum: it answers nothing, and refuses to change an allowance that is not zero. */
  const stubborn = `
pragma solidity ^0.8.0;
contract Stubborn {
  mapping(address => mapping(address => uint256)) public allowance;
  function approve(address spender, uint256 value) external {
    require(value == 0 || allowance[msg.sender][spender] == 0);
    allowance[msg.sender][spender] = value;
  }
}
contract Refusing {
  mapping(address => mapping(address => uint256)) public allowance;
  function approve(address, uint256) external pure returns (bool) { return false; }
}`
  const compiled = (name: string): string => {
    const solc = createRequire(import.meta.url)('solc') as { compile: (input: string) => string }
    const settings = { outputSelection: { '*': { '*': ['evm.bytecode.object'] } } }
    const input = { language: 'Solidity', sources: { 'token.sol': { content: stubborn } }, settings }
    const { contracts } = JSON.parse(solc.compile(JSON.stringify(input))) as {
      contracts: { 'token.sol': Record<string, { evm: { bytecode: { object: string } } }> }
    }
    return contracts['token.sol'][name]?.evm.bytecode.object ?? ''
  }
  test('a token that refuses to change an allowance is asked to forget it first, and one that refuses all is named', async () => {
    const until = (await secondsOf(anvil)) + 1000
    const token = await deployCode(anvil, compiled('Stubborn'))
    const grant = { grant: 'exact', expiration: until } as const
    const [needed, more] = [both(unit, token).slice(0, 1), both(3n * unit, token).slice(0, 1)]
    expect(await give(needed, until, grant)).toBe(1)
    expect(await give(more, until, grant)).toBe(2)
    expect(await missing(more, until)).toEqual([])

    const refusing = both(unit, await deployCode(anvil, compiled('Refusing'))).slice(0, 1)
    await expect(give(refusing, until, grant)).rejects.toThrow('refuses to let')
  })

  test('what is no token is said to be none', async () => {
    const until = await secondsOf(anvil)
    await expect(missingOf(both(unit, ground.trader), trader, until, chain)).rejects.toBeInstanceOf(Reverted)
  })

  test('a trade with a Permit2 approval that ended is refused by Permit2', async () => {
    const now = await secondsOf(anvil)
    await give(both(unit), now, { grant: 'exact', expiration: now + 100 })
    await anvil.rpc('evm_setNextBlockTimestamp', now + 101)
    await anvil.rpc('evm_mine')
    const abi = new Interface([
      'function transferFrom(address, address, uint160, address)',
      'error AllowanceExpired(uint256)',
    ])
    const data = abi.encodeFunctionData('transferFrom', [trader, trader, unit, ground.a])
    await expect(chain.call(address(ground.permit2), data as `0x${string}`, address(ground.universal))).rejects.toThrow(
      'd81b2f2e',
    )
  })
})
