import { Interface } from 'ethers/abi'
import type { Address, Hex } from '../hex.ts'
import { ask } from './ask.ts'
import { type Allowance, type Call, type Reader, Reverted } from './venue.ts'

const erc20 = new Interface([
  'function allowance(address, address) view returns (uint256)',
  'function approve(address, uint256)',
])
// AllowanceTransfer.sol, permit2
const permit2 = new Interface([
  'function allowance(address, address, address) view returns (uint160, uint48, uint48)',
  'function approve(address, address, uint160, uint48)',
])
const most = { erc20: 2n ** 256n - 1n, permit2: 2n ** 160n - 1n } as const

export interface Missing {
  readonly allowance: Allowance
  /** What is allowed already, and too little or not for long enough. */
  readonly has: bigint
}
/**
 * The allowances that an account has not given, of those a trade needs.
 * @param until Unix seconds, the deadline of the trade: an approval of Permit2 that ends before counts as missing
 * @throws Reverted where a token is no token
 */
export async function missingOf(
  allowances: readonly Allowance[],
  account: Address,
  until: number,
  chain: Reader,
): Promise<readonly Missing[]> {
  const found = await Promise.all(
    allowances.map(async (allowance): Promise<Missing | undefined> => {
      const { token, spender, amount } = allowance
      if (allowance.by === 'erc20') {
        const [has] = await ask<[bigint]>(chain, token, erc20, 'allowance', [account, spender])
        return has < amount ? { allowance, has } : undefined
      }
      const of = [account, token, spender]
      const [has, expiration] = await ask<[bigint, bigint]>(chain, allowance.permit2, permit2, 'allowance', of)
      return has < amount || expiration < BigInt(until) ? { allowance, has } : undefined
    }),
  )
  return found.filter((missing) => missing !== undefined)
}

export interface Grant {
  /** `exact`: the most the trade may take; what it does not take stays allowed. `max`: for all trades to come. */
  readonly grant: 'exact' | 'max'
  /** Unix seconds until which Permit2 lets the spender take it: not before the deadline of the trade. */
  readonly expiration: number
}
/**
 * The calls that give them, in the order to send them. A token that refuses to change what is allowed (USDT) is asked to
 * forget it first: a call that only pretends tells which.
 * @throws Reverted where a token refuses altogether
 */
export async function grantsOf(
  missing: readonly Missing[],
  account: Address,
  { grant, expiration }: Grant,
  chain: Reader,
): Promise<readonly Call[]> {
  const calls = await Promise.all(
    missing.map(async ({ allowance, has }): Promise<readonly Call[]> => {
      const { token, spender, by } = allowance
      const amount = grant === 'max' ? most[by] : allowance.amount
      if (allowance.by === 'permit2') {
        const data = permit2.encodeFunctionData('approve', [token, spender, amount, expiration]) as Hex
        return [{ to: allowance.permit2, data, value: 0n }]
      }
      const approve = (value: bigint): Call => {
        const data = erc20.encodeFunctionData('approve', [spender, value]) as Hex
        return { to: token, data, value: 0n }
      }
      const wanted = approve(amount)
      if (await allows(wanted, account, chain)) return [wanted]
      if (has > 0n && (await allows(approve(0n), account, chain))) return [approve(0n), wanted]
      throw new Reverted(`${token} refuses to let ${spender} spend`)
    }),
  )
  return calls.flat()
}
async function allows({ to, data }: Call, account: Address, chain: Reader): Promise<boolean> {
  try {
    // some tokens answer nothing, others true or false
    const answer = await chain.call(to, data, account)
    return answer === '0x' || BigInt(answer) !== 0n
  } catch (error) {
    if (error instanceof Reverted) return false
    throw error
  }
}
