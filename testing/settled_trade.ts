import type { Anvil } from './anvil.ts'
import { interfaceOf } from './evm_chain.ts'
import { type EvmReceipt, type Sent, sendFrom } from './uniswap_routers.ts'

/** A token by its contract; `native` where the chain's own coin is meant, whose contract wraps it. */
export interface HeldToken {
  readonly address: string
  readonly native: boolean
}

/** What an account holds of a token, or of the coin where none is named. */
export async function balanceOf(anvil: Anvil, account: string, token?: string): Promise<bigint> {
  if (token === undefined) return BigInt(String(await anvil.rpc('eth_getBalance', account, 'latest')))
  const data = interfaceOf('ERC20').encodeFunctionData('balanceOf', [account])
  return BigInt(String(await anvil.rpc('eth_call', { to: token, data }, 'latest')))
}

export interface Settled {
  readonly receipt: EvmReceipt
  /** By the balances of the account, without the price of gas. */
  readonly balances: { readonly paid: bigint; readonly got: bigint }
}
/** Sends a call from an account, and weighs what it holds before and after. */
export async function settle(
  anvil: Anvil,
  account: string,
  call: Sent,
  { pay, get }: { readonly pay: HeldToken; readonly get: HeldToken },
): Promise<Settled> {
  const held = ({ native, address }: HeldToken) => balanceOf(anvil, account, native ? undefined : address)
  const before = [await held(pay), await held(get)] as const
  const receipt = await sendFrom(anvil, account, call)
  const gas = BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice)
  const without = async (token: HeldToken) => (await held(token)) + (token.native ? gas : 0n)
  return { receipt, balances: { paid: before[0] - (await without(pay)), got: (await without(get)) - before[1] } }
}

/** Unix seconds of the newest block. */
export async function secondsOf(anvil: Anvil): Promise<number> {
  const { timestamp } = (await anvil.rpc('eth_getBlockByNumber', 'latest', false)) as { timestamp: string }
  return Number(timestamp)
}
