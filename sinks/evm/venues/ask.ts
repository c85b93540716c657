import type { Interface } from 'ethers/abi'
import type { Address, Hex } from '../hex.ts'
import { type Reader, Reverted } from './venue.ts'

/** Asks one function of a contract. @throws Reverted also where no such contract is */
export async function ask(
  chain: Reader,
  to: Address,
  abi: Interface,
  method: string,
  values: readonly unknown[] = [],
): Promise<readonly unknown[]> {
  const answer = await chain.call(to, abi.encodeFunctionData(method, values) as Hex)
  try {
    return abi.decodeFunctionResult(method, answer)
  } catch {
    throw new Reverted(`${to} does not answer ${method}: is it another kind of contract?`, answer)
  }
}
