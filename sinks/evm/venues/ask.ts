import type { Interface, Result } from 'ethers/abi'
import type { Address, Hex } from '../hex.ts'
import { type Reader, Reverted } from './venue.ts'

/** Asks one function of a contract; `T` is what its ABI says it answers. @throws Reverted also where no such contract is */
export async function ask<T = Result>(
  chain: Reader,
  to: Address,
  abi: Interface,
  method: string,
  values: readonly unknown[] = [],
): Promise<T> {
  const answer = await chain.call(to, abi.encodeFunctionData(method, values) as Hex)
  try {
    return abi.decodeFunctionResult(method, answer) as T
  } catch {
    throw new Reverted(`${to} does not answer ${method}: is it another kind of contract?`, answer)
  }
}
