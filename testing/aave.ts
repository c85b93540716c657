import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Interface, type InterfaceAbi, ZeroAddress } from 'ethers'
import type { Code, Contract, Deployer } from './evm_chain.ts'
import { ownContract } from './solidity.ts'

// Aave V3 from its npm package (development only: BUSL-1.1), with one reserve.

const require = createRequire(import.meta.url)
interface Artifact {
  readonly abi: InterfaceAbi
  readonly bytecode: string
  /** Where the addresses of libraries belong: by file, then by library. */
  readonly linkReferences: Readonly<Record<string, Readonly<Record<string, readonly { readonly start: number }[]>>>>
}
const logic = 'protocol/libraries/logic'
const artifacts = {
  PoolAddressesProvider: 'protocol/configuration',
  ACLManager: 'protocol/configuration',
  AaveOracle: 'misc',
  Pool: 'protocol/pool',
  PoolConfigurator: 'protocol/pool',
  DefaultReserveInterestRateStrategy: 'protocol/pool',
  AToken: 'protocol/tokenization',
  StableDebtToken: 'protocol/tokenization',
  VariableDebtToken: 'protocol/tokenization',
  SupplyLogic: logic,
  BorrowLogic: logic,
  BridgeLogic: logic,
  EModeLogic: logic,
  FlashLoanLogic: logic,
  LiquidationLogic: logic,
  PoolLogic: logic,
  ConfiguratorLogic: logic,
} as const
type Name = keyof typeof artifacts

function codeOf(name: Name, libraries: ReadonlyMap<string, string>): Code {
  const path = `@aave/core-v3/artifacts/contracts/${artifacts[name]}/${name}.sol/${name}.json`
  const { abi, bytecode, linkReferences } = JSON.parse(readFileSync(require.resolve(path), 'utf8')) as Artifact
  let linked = bytecode
  for (const [library, places] of Object.values(linkReferences).flatMap((file) => Object.entries(file)))
    for (const { start } of places) {
      const address = libraries.get(library)?.slice(2) ?? ''
      linked = `${linked.slice(0, 2 + start * 2)}${address}${linked.slice(2 + start * 2 + 40)}`
    }
  return { abi: new Interface(abi), bytecode: linked }
}

export interface Aave {
  readonly pool: Contract
  /** Freezes, pauses and caps reserves, for the deployer. */
  readonly configurator: Contract
  readonly oracle: Contract
  readonly underlying: Contract
  readonly atoken: Contract
  readonly debt: Contract
}

const ray = 10n ** 27n
const percent = (share: bigint): bigint => (share * ray) / 100n

/**
 * Deploys a market in which one ERC-20 token (1 dollar) can be supplied and withdrawn, is collateral at
 * 75 %, and can be borrowed at a variable rate.
 */
export async function deployAave(deployer: Deployer, underlying: string): Promise<Aave> {
  const { account } = deployer
  const libraries = new Map<string, string>()
  const make = (name: Name, ...values: readonly unknown[]) => deployer.deployCode(codeOf(name, libraries), ...values)
  const run = async (contract: Contract, method: string, ...values: readonly unknown[]) =>
    deployer.receipt(await contract.send(method, ...values))
  const abi = (name: Name) => codeOf(name, libraries).abi

  for (const name of [
    'SupplyLogic',
    'BorrowLogic',
    'BridgeLogic',
    'EModeLogic',
    // Itself linked to BorrowLogic.
    'FlashLoanLogic',
    'LiquidationLogic',
    'PoolLogic',
    'ConfiguratorLogic',
  ] as const)
    libraries.set(name, (await make(name)).address)

  const provider = await make('PoolAddressesProvider', 'market', account)
  await run(provider, 'setACLAdmin', account)
  const roles = await make('ACLManager', provider.address)
  await run(provider, 'setACLManager', roles.address)
  await run(roles, 'addPoolAdmin', account)

  await run(provider, 'setPoolImpl', (await make('Pool', provider.address)).address)
  const pool = deployer.contract(abi('Pool'), String((await provider.call('getPool'))[0]))
  await run(provider, 'setPoolConfiguratorImpl', (await make('PoolConfigurator')).address)
  const [at] = await provider.call('getPoolConfigurator')
  const configurator = deployer.contract(abi('PoolConfigurator'), String(at))

  const dollar = 10n ** 8n
  const source = await deployer.deployCode(ownContract('FixedPrice'), dollar)
  const sources = [[underlying], [source.address], ZeroAddress, ZeroAddress, dollar]
  const oracle = await make('AaveOracle', provider.address, ...sources)
  await run(provider, 'setPriceOracle', oracle.address)

  const slopes = [percent(80n), 0n, percent(4n), percent(60n), percent(4n), percent(60n), percent(2n), percent(8n)]
  const rates = await make('DefaultReserveInterestRateStrategy', provider.address, ...slopes, percent(20n))
  const implementations: string[] = []
  for (const name of ['AToken', 'StableDebtToken', 'VariableDebtToken'] as const)
    implementations.push((await make(name, pool.address)).address)
  const names = ['Aave Token', 'aTKN', 'Aave Variable Debt', 'vTKN', 'Aave Stable Debt', 'sTKN']
  const [decimals] = await deployer.at('ERC20', underlying).call('decimals')
  const reserve = [...implementations, decimals, rates.address, underlying, account, ZeroAddress, ...names, '0x']
  await run(configurator, 'initReserves', [reserve])
  await run(configurator, 'configureReserveAsCollateral', underlying, 7500, 8000, 10_500)
  await run(configurator, 'setReserveBorrowing', underlying, true)

  const [data] = (await pool.call('getReserveData', underlying)) as unknown as [
    { readonly aTokenAddress: string; readonly variableDebtTokenAddress: string },
  ]
  return {
    pool,
    configurator,
    oracle,
    underlying: deployer.at('ERC20', underlying),
    atoken: deployer.contract(abi('AToken'), data.aTokenAddress),
    debt: deployer.contract(abi('VariableDebtToken'), data.variableDebtTokenAddress),
  }
}
