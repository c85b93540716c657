import { type Contract, type Deployer, interfaceOf, type Uniswap } from './evm_chain.ts'
import { ownContract } from './solidity.ts'

export interface Listed {
  readonly token: Contract
  readonly pair: Contract
}
/** Tokens of 18 decimals, but for `silent`; all of them belong to the deployer. */
export interface HostileTokens {
  /** What they are traded for. */
  readonly money: Contract
  readonly clean: Listed
  /** 30 % of what moves is kept. */
  readonly taxed: Listed
  /** Can be bought, and not sold. */
  readonly honeypot: Listed
  /** Returns no bool, has 6 decimals, and refuses to change an allowance that is not 0: as USDT. */
  readonly silent: Listed
}

const unit = 10n ** 18n
const never = 2n ** 48n
const most = 2n ** 256n - 1n

export async function wrap(deployer: Deployer, weth: string, amount: bigint): Promise<void> {
  const data = interfaceOf('WETH9').encodeFunctionData('deposit')
  await deployer.receipt(await deployer.transact(weth, data, amount))
}
/**
 * Deploys a token of each kind with a V2 pool at a price of 1 for 1, 1000 of both, against wrapped ether or another
 * token. The deployer needs 4000 of it (wrapped ether is wrapped here).
 */
export async function hostileTokens(deployer: Deployer, uniswap: Uniswap, against?: string): Promise<HostileTokens> {
  const { router } = uniswap.v2
  const [wrapped] = await router.call('WETH')
  const factory = deployer.at('UniswapV2Factory', String((await router.call('factory'))[0]))
  const money = deployer.at('ERC20', against ?? String(wrapped))
  if (against === undefined) await wrap(deployer, money.address, 4000n * unit)
  await deployer.receipt(await money.send('approve', router.address, most))

  const list = async (name: 'CleanToken' | 'TaxedToken' | 'HoneypotToken' | 'SilentToken'): Promise<Listed> => {
    const one = name === 'SilentToken' ? 10n ** 6n : unit
    const token = await deployer.deployCode(ownContract(name), 1_000_000n * one)
    await deployer.receipt(await token.send('approve', router.address, most))
    const amounts = [1000n * one, 1000n * unit, 0, 0]
    const sent = await router.send('addLiquidity', token.address, money.address, ...amounts, deployer.account, never)
    await deployer.receipt(sent)
    const [pair] = await factory.call('getPair', token.address, money.address)
    return { token, pair: deployer.contract(interfaceOf('UniswapV2Pair'), String(pair)) }
  }
  return {
    money,
    clean: await list('CleanToken'),
    taxed: await list('TaxedToken'),
    honeypot: await list('HoneypotToken'),
    silent: await list('SilentToken'),
  }
}
