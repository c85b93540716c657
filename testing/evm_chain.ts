import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout } from 'node:timers/promises'
import { AbiCoder, Interface, keccak256, ZeroAddress } from 'ethers'
import type { Anvil } from './anvil.ts'

// The real contracts of Uniswap, from their npm packages (development only: their licences do not allow more), deployed
// on a chain of our own by the first of anvil's unlocked accounts.

const require = createRequire(import.meta.url)
interface Artifact {
  readonly abi: readonly unknown[]
  readonly bytecode: string | { readonly object: string }
}
const artifacts = {
  ERC20: '@uniswap/v2-core/build/ERC20.json',
  UniswapV2Factory: '@uniswap/v2-core/build/UniswapV2Factory.json',
  UniswapV2Pair: '@uniswap/v2-core/build/UniswapV2Pair.json',
  UniswapV2Router02: '@uniswap/v2-periphery/build/UniswapV2Router02.json',
  WETH9: '@uniswap/v2-periphery/build/WETH9.json',
  UniswapV3Factory: '@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json',
  UniswapV3Pool: '@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json',
  PositionManager:
    '@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager.json',
  SwapRouter: '@uniswap/v3-periphery/artifacts/contracts/SwapRouter.sol/SwapRouter.json',
  PoolManager: '@uniswap/v4-core/out/PoolManager.sol/PoolManager.json',
  PoolSwapTest: '@uniswap/v4-core/out/PoolSwapTest.sol/PoolSwapTest.json',
  PoolModifyLiquidityTest: '@uniswap/v4-core/out/PoolModifyLiquidityTest.sol/PoolModifyLiquidityTest.json',
} as const
export type ContractName = keyof typeof artifacts

const artifact = (name: ContractName): Artifact =>
  JSON.parse(readFileSync(require.resolve(artifacts[name]), 'utf8')) as Artifact
const known = new Map<ContractName, Interface>()
export const interfaceOf = (name: ContractName): Interface => {
  const found = known.get(name) ?? new Interface(artifact(name).abi as ConstructorParameters<typeof Interface>[0])
  known.set(name, found)
  return found
}

/** What a contract is made of: `bytecode` is creation code, without the values of its constructor. */
export interface Code {
  readonly abi: Interface
  readonly bytecode: string
}
interface Receipt {
  readonly status: string
  readonly contractAddress: string
  readonly blockNumber: string
}
export interface Contract {
  readonly address: string
  readonly abi: Interface
  /** Sends a transaction, and gives its hash. With automatic mining it is in a block already. */
  readonly send: (method: string, ...values: readonly unknown[]) => Promise<string>
  /** Calls it at the newest block. */
  readonly call: (method: string, ...values: readonly unknown[]) => Promise<readonly unknown[]>
}

/** Deploys and calls contracts as one account. */
export class Deployer {
  readonly account: string
  private readonly anvil: Anvil
  constructor(anvil: Anvil, account: string) {
    this.anvil = anvil
    this.account = account
  }

  at(name: ContractName, address: string): Contract {
    return this.contract(interfaceOf(name), address)
  }
  contract(abi: Interface, address: string): Contract {
    return {
      address,
      abi,
      send: (method, ...values) => this.transact(address, abi.encodeFunctionData(method, values)),
      call: async (method, ...values) => {
        const call = { from: this.account, to: address, data: abi.encodeFunctionData(method, values) }
        return abi.decodeFunctionResult(method, String(await this.anvil.rpc('eth_call', call, 'latest')))
      },
    }
  }

  /** Sends a transaction of its own, with a value in wei, and gives its hash. */
  async transact(to: string, data: string, value = 0n): Promise<string> {
    const call = { from: this.account, to, data, value: `0x${value.toString(16)}`, gas: '0x7a1200' }
    return String(await this.anvil.rpc('eth_sendTransaction', call))
  }

  deploy(name: ContractName, ...values: readonly unknown[]): Promise<Contract> {
    const { bytecode } = artifact(name)
    const code = typeof bytecode === 'string' ? bytecode : bytecode.object
    const whole = code.startsWith('0x') ? code : `0x${code}`
    return this.deployCode({ abi: interfaceOf(name), bytecode: whole }, ...values)
  }
  async deployCode({ abi, bytecode }: Code, ...values: readonly unknown[]): Promise<Contract> {
    const data = `${bytecode}${abi.encodeDeploy(values).slice(2)}`
    const hash = await this.anvil.rpc('eth_sendTransaction', { from: this.account, data, gas: '0x1c9c380' })
    return this.contract(abi, (await this.receipt(String(hash))).contractAddress)
  }

  /** Waits until it is in a block. @throws Error where it reverted, or is in none for long */
  async receipt(hash: string): Promise<Receipt> {
    for (let attempt = 0; attempt < 400; attempt++) {
      const receipt = (await this.anvil.rpc('eth_getTransactionReceipt', hash)) as Receipt | null
      if (receipt?.status === '0x1') return receipt
      if (receipt !== null) throw new Error(`transaction ${hash} reverted`)
      await setTimeout(5)
    }
    throw new Error(`transaction ${hash} is in no block`)
  }
}

export interface Uniswap {
  readonly deployer: Deployer
  readonly tokens: readonly [Contract, Contract]
  readonly v2: { readonly router: Contract; readonly pair: Contract }
  readonly v3: { readonly router: Contract; readonly positions: Contract; readonly pool: Contract }
  readonly v4: {
    readonly manager: Contract
    readonly swaps: Contract
    readonly liquidity: Contract
    readonly pool_id: string
  }
  /** Swaps on one of them: an amount of token 0 or 1 in. Gives the hash of the transaction. */
  readonly swap: (on: 'v2' | 'v3' | 'v4', side: 0 | 1, amount: bigint) => Promise<string>
  /** Adds liquidity around the price of the V3 or V4 pool, in a range of ticks. */
  readonly provide: (on: 'v3' | 'v4', lower: number, upper: number, amount: bigint) => Promise<string>
}

const unit = 10n ** 18n
const never = 2n ** 48n
/** 1 for 1. */
const parity = 2n ** 96n
const fee = 3000
const spacing = 60

/** Two tokens of 18 decimals, a pool of each version of Uniswap with liquidity at a price of 1, and hands on them. */
export async function deployUniswap(anvil: Anvil): Promise<Uniswap> {
  const [account] = (await anvil.rpc('eth_accounts')) as [string]
  const deployer = new Deployer(anvil, account)
  const supply = 10n ** 9n * unit
  const made = [await deployer.deploy('ERC20', supply), await deployer.deploy('ERC20', supply)]
  const tokens = made.toSorted((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1)) as [Contract, Contract]
  const [token0, token1] = [tokens[0].address, tokens[1].address]
  const weth = await deployer.deploy('WETH9')
  const allow = async (spender: Contract) => {
    for (const token of tokens) await deployer.receipt(await token.send('approve', spender.address, 2n ** 256n - 1n))
  }

  const factory2 = await deployer.deploy('UniswapV2Factory', account)
  const router2 = await deployer.deploy('UniswapV2Router02', factory2.address, weth.address)
  await allow(router2)
  const deep = 10_000n * unit
  await deployer.receipt(await router2.send('addLiquidity', token0, token1, deep, deep, 0, 0, account, never))
  const pair = deployer.at('UniswapV2Pair', String((await factory2.call('getPair', token0, token1))[0]))

  const factory3 = await deployer.deploy('UniswapV3Factory')
  const router3 = await deployer.deploy('SwapRouter', factory3.address, weth.address)
  const positions = await deployer.deploy('PositionManager', factory3.address, weth.address, ZeroAddress)
  await allow(router3)
  await allow(positions)
  await deployer.receipt(await positions.send('createAndInitializePoolIfNecessary', token0, token1, fee, parity))
  const pool = deployer.at('UniswapV3Pool', String((await factory3.call('getPool', token0, token1, fee))[0]))

  const manager = await deployer.deploy('PoolManager', account)
  const swaps = await deployer.deploy('PoolSwapTest', manager.address)
  const liquidity = await deployer.deploy('PoolModifyLiquidityTest', manager.address)
  await allow(swaps)
  await allow(liquidity)
  const key = [token0, token1, fee, spacing, ZeroAddress]
  const types = ['address', 'address', 'uint24', 'int24', 'address']
  const pool_id = keccak256(AbiCoder.defaultAbiCoder().encode(types, key))
  await deployer.receipt(await manager.send('initialize', key, parity))

  const zero = `0x${'0'.repeat(64)}`
  const provide: Uniswap['provide'] = (on, lower, upper, amount) =>
    on === 'v3'
      ? positions.send('mint', [token0, token1, fee, lower, upper, amount, amount, 0, 0, account, never])
      : liquidity.send(
          'modifyLiquidity((address,address,uint24,int24,address),(int24,int24,int256,bytes32),bytes)',
          key,
          [lower, upper, amount, zero],
          '0x',
        )
  await deployer.receipt(await provide('v3', -60_000, 60_000, deep))
  await deployer.receipt(await provide('v4', -60_000, 60_000, deep))

  return {
    deployer,
    tokens,
    v2: { router: router2, pair },
    v3: { router: router3, positions, pool },
    v4: { manager, swaps, liquidity, pool_id },
    provide,
    swap: (on, side, amount) => {
      const [from, to] = side === 0 ? [token0, token1] : [token1, token0]
      if (on === 'v2') return router2.send('swapExactTokensForTokens', amount, 0, [from, to], account, never)
      if (on === 'v3') return router3.send('exactInputSingle', [from, to, fee, account, never, amount, 0, 0])
      const limit = side === 0 ? 4295128740n : 1461446703485210103287273052203988822378723970341n
      return swaps.send('swap', key, [side === 0, -amount, limit], [false, false], '0x')
    },
  }
}
