import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout } from 'node:timers/promises'
import { Interface, ZeroAddress } from 'ethers'
import type { Anvil } from './anvil.ts'
import { deployUniswap, interfaceOf, type Uniswap } from './evm_chain.ts'

// What trades over several pools need besides `evm_chain.ts`: a third token, pools with the wrapped coin, the quoters,
// Permit2 and the Universal Router. Amounts in whole units of 18 decimals.

const require = createRequire(import.meta.url)
const artifacts = {
  ERC20: '@uniswap/v2-core/build/ERC20.json',
  DeflatingERC20: '@uniswap/v2-periphery/build/DeflatingERC20.json',
  QuoterV2: '@uniswap/v3-periphery/artifacts/contracts/lens/QuoterV2.sol/QuoterV2.json',
  V4Quoter: '@uniswap/v4-periphery/foundry-out/V4Quoter.sol/V4Quoter.json',
  MockV4Router: '@uniswap/v4-periphery/foundry-out/MockV4Router.sol/MockV4Router.json',
  StateView: '@uniswap/v4-periphery/foundry-out/StateView.sol/StateView.json',
  UniversalRouter: '@uniswap/universal-router/artifacts/contracts/UniversalRouter.sol/UniversalRouter.json',
} as const
/** Init code hashes of the pairs of V2 and the pools of V3, by which the Universal Router finds them. */
const pairHash = '0x96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f'
const poolHash = '0xe34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54'
const permit2 = '0x000000000022d473030f116ddee9f6b43ac78ba3'
const deep = 10_000n * 10n ** 18n
const never = 2n ** 48n
/** 1 for 1. */
const parity = 2n ** 96n
const most = 2n ** 256n - 1n

export interface EvmReceipt {
  readonly status: `0x${string}`
  readonly contractAddress: `0x${string}`
  readonly gasUsed: string
  readonly effectiveGasPrice: string
  readonly logs: readonly {
    readonly address: `0x${string}`
    readonly topics: readonly `0x${string}`[]
    readonly data: `0x${string}`
  }[]
}
export interface Sent {
  readonly to?: string
  readonly data: string
  readonly value?: bigint
}
/** Sends from an unlocked account, with gas enough that what reverts is mined too. */
export async function sendFrom(anvil: Anvil, from: string, { value = 0n, ...sent }: Sent): Promise<EvmReceipt> {
  const transaction = { from, ...sent, value: `0x${value.toString(16)}`, gas: '0xf42400' }
  const hash = await anvil.rpc('eth_sendTransaction', transaction)
  for (let attempt = 0; attempt < 400; attempt++) {
    const receipt = (await anvil.rpc('eth_getTransactionReceipt', hash)) as EvmReceipt | null
    if (receipt !== null) return receipt
    await setTimeout(5)
  }
  throw new Error(`transaction ${String(hash)} is in no block`)
}
/** Deploys from the first account. */
export async function deployArtifact(
  anvil: Anvil,
  name: keyof typeof artifacts,
  ...values: readonly unknown[]
): Promise<`0x${string}`> {
  const { abi, bytecode } = JSON.parse(readFileSync(require.resolve(artifacts[name]), 'utf8')) as {
    abi: ConstructorParameters<typeof Interface>[0]
    bytecode: string | { object: string }
  }
  const code = typeof bytecode === 'string' ? bytecode : bytecode.object
  return deployCode(anvil, code + new Interface(abi).encodeDeploy(values).slice(2))
}
export async function deployCode(anvil: Anvil, code: string): Promise<`0x${string}`> {
  const [from] = (await anvil.rpc('eth_accounts')) as [string]
  const made = await sendFrom(anvil, from, { data: code.startsWith('0x') ? code : `0x${code}` })
  if (made.status !== '0x1') throw new Error('the deployment reverted')
  return made.contractAddress
}

/** `eth_call` at the newest block; `reverted` makes the error where the contract refuses. */
export const callOn =
  (anvil: Anvil, reverted: (reason: string) => Error) =>
  async (to: string, data: string, from?: string): Promise<`0x${string}`> => {
    try {
      return (await anvil.rpc(
        'eth_call',
        { to, data, ...(from === undefined ? {} : { from }) },
        'latest',
      )) as `0x${string}`
    } catch (error) {
      throw error instanceof Error && error.message.includes('revert') ? reverted(error.message) : error
    }
  }

export interface UniswapRouters {
  readonly uniswap: Uniswap
  /** Pools: `a`/`b`, `a`/`weth` and `b`/`c` on V2, V3 and V4, all at 0.3 % and 1 for 1; on V4 with the coin unwrapped. */
  readonly a: `0x${string}`
  readonly b: `0x${string}`
  readonly c: `0x${string}`
  readonly weth: `0x${string}`
  readonly v2: { readonly router: `0x${string}`; readonly factory: `0x${string}` }
  readonly v3: { readonly router: `0x${string}`; readonly factory: `0x${string}`; readonly quoter: `0x${string}` }
  readonly v4: { readonly manager: `0x${string}`; readonly quoter: `0x${string}`; readonly state_view: `0x${string}` }
  readonly permit2: `0x${string}`
  readonly universal: `0x${string}`
  /** An account that holds 1,000 of each token and 10,000 coins, and has approved nothing. */
  readonly trader: `0x${string}`
}

export async function deployUniswapRouters(anvil: Anvil): Promise<UniswapRouters> {
  const uniswap = await deployUniswap(anvil)
  const { deployer, tokens, v2, v3, v4 } = uniswap
  const lower = (value: unknown) => String(value).toLowerCase() as `0x${string}`
  const [, trader] = (await anvil.rpc('eth_accounts')) as [string, string]
  const [a, b] = [lower(tokens[0].address), lower(tokens[1].address)]
  const weth = lower((await v2.router.call('WETH'))[0])
  const c = lower(await deployArtifact(anvil, 'ERC20', 10n ** 27n))
  const [factory2, factory3] = [
    lower((await v2.router.call('factory'))[0]),
    lower((await v3.router.call('factory'))[0]),
  ]

  const act = async (to: string, data: string, value = 0n) => {
    const { status } = await sendFrom(anvil, deployer.account, { to, data, value })
    if (status !== '0x1') throw new Error(`a call of ${to} reverted`)
  }
  const erc20 = interfaceOf('ERC20')
  await anvil.rpc('anvil_setBalance', deployer.account, `0x${(10n ** 24n).toString(16)}`)
  await act(weth, '0xd0e30db0', 10n * deep)
  for (const spender of [v2.router, v3.positions, v4.liquidity, v4.swaps, v3.router])
    for (const token of [c, weth]) await act(token, erc20.encodeFunctionData('approve', [spender.address, most]))
  for (const token of [a, b, c, weth]) await act(token, erc20.encodeFunctionData('transfer', [trader, deep / 10n]))

  const modify = 'modifyLiquidity((address,address,uint24,int24,address),(int24,int24,int256,bytes32),bytes)'
  for (const [one, other] of [
    [a, weth],
    [b, c],
  ] as const) {
    const [token0, token1] = one < other ? [one, other] : [other, one]
    const { account } = deployer
    await deployer.receipt(await v2.router.send('addLiquidity', token0, token1, deep, deep, 0, 0, account, never))
    await deployer.receipt(await v3.positions.send('createAndInitializePoolIfNecessary', token0, token1, 3000, parity))
    const range = [token0, token1, 3000, -60_000, 60_000]
    await deployer.receipt(await v3.positions.send('mint', [...range, deep, deep, 0, 0, account, never]))
    const key = other === weth ? [ZeroAddress, a, 3000, 60, ZeroAddress] : [token0, token1, 3000, 60, ZeroAddress]
    await deployer.receipt(await v4.manager.send('initialize', key, parity))
    const position = [-60_000, 60_000, deep, `0x${'0'.repeat(64)}`]
    const data = interfaceOf('PoolModifyLiquidityTest').encodeFunctionData(modify, [key, position, '0x'])
    await act(v4.liquidity.address, data, other === weth ? deep : 0n)
  }

  const source = readFileSync(require.resolve('@uniswap/v4-periphery/lib/permit2/test/utils/DeployPermit2.sol'), 'utf8')
  await anvil.rpc('anvil_setCode', permit2, `0x${/hex"([0-9a-f]+)"/.exec(source)?.[1] ?? ''}`)
  const settings = [permit2, weth, factory2, factory3, pairHash, poolHash, v4.manager.address]
  return {
    uniswap,
    a,
    b,
    c,
    weth,
    v2: { router: lower(v2.router.address), factory: factory2 },
    v3: {
      router: lower(v3.router.address),
      factory: factory3,
      quoter: lower(await deployArtifact(anvil, 'QuoterV2', factory3, weth)),
    },
    v4: {
      manager: lower(v4.manager.address),
      quoter: lower(await deployArtifact(anvil, 'V4Quoter', v4.manager.address)),
      state_view: lower(await deployArtifact(anvil, 'StateView', v4.manager.address)),
    },
    permit2,
    universal: lower(
      await deployArtifact(anvil, 'UniversalRouter', [...settings, ...Array(3).fill(v3.positions.address)]),
    ),
    trader: lower(trader),
  }
}

interface RoutedHop {
  readonly protocol: 'uniswap_v2' | 'uniswap_v3' | 'uniswap_v4'
  readonly out: string
}
/** Where the Universal Router and all that it needs are, with routes. */
export const universalParams = <H extends RoutedHop>(
  ground: UniswapRouters,
  routes: readonly (readonly [share: number, hops: readonly H[]])[],
) => ({
  router: ground.universal,
  wrapped: ground.weth,
  v2_factory: ground.v2.factory,
  v3_quoter: ground.v3.quoter,
  v3_factory: ground.v3.factory,
  v4_quoter: ground.v4.quoter,
  v4_manager: ground.v4.manager,
  v4_state_view: ground.v4.state_view,
  routes: routes.map(([share, hops]) => ({ share, hops: [...hops] })),
})
