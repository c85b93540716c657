import { AbiCoder, Interface } from 'ethers/abi'
import { keccak256 } from 'ethers/crypto'
import { id } from 'ethers/hash'
import type { Address, Hex } from '../hex.ts'
import { ask } from './ask.ts'
import { heldAs, type RouteLeg, type Segment, zero } from './universal_routes.ts'
import type { Log, Reader, Trade } from './venue.ts'

// Sources: PoolKey.sol, IPoolManager.sol, v4-core 1.0.2; PathKey.sol, V4Quoter.sol, v4-periphery 1.0.3.

const coder = AbiCoder.defaultAbiCoder()
const keyTypes = ['address', 'address', 'uint24', 'int24', 'address']
const swapTopic = id('Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)')
export const pathKeys = '(address,uint24,int24,address,bytes)[]'
const quoter = new Interface([
  `function quoteExactInput((address, ${pathKeys}, uint128)) returns (uint256, uint256)`,
  `function quoteExactOutput((address, ${pathKeys}, uint128)) returns (uint256, uint256)`,
])

export interface PoolName {
  readonly id: string
  readonly zeroForOne: boolean
  readonly native: boolean
}
export function poolNameOf(leg: RouteLeg, wrapped: Address): PoolName {
  const [from, to] = [heldAs(leg, leg.from, wrapped), heldAs(leg, leg.to, wrapped)]
  const currencies = from < to ? [from, to] : [to, from]
  const pool = keccak256(coder.encode(keyTypes, [...currencies, leg.fee, leg.tick_spacing, leg.hooks]))
  return { id: pool, zeroForOne: from < to, native: currencies.includes(zero) }
}

/** The way through pools as the contracts read it: each names the token on its far side, seen from the exact amount. */
export const pathKeysOf = ({ legs }: Segment, exact: Trade['exact'], wrapped: Address) =>
  legs.map((leg) => {
    const far = heldAs(leg, exact === 'in' ? leg.to : leg.from, wrapped)
    return [far, leg.fee, leg.tick_spacing, leg.hooks, '0x']
  })

/** @throws Reverted where the pools cannot do it */
export async function askQuoterV4(
  contract: Address,
  segment: Segment,
  exact: Trade['exact'],
  amount: bigint,
  wrapped: Address,
  chain: Reader,
): Promise<bigint> {
  const method = exact === 'in' ? 'quoteExactInput' : 'quoteExactOutput'
  const start = exact === 'in' ? segment.takes : segment.gives
  const params = [start, pathKeysOf(segment, exact, wrapped), amount]
  const [quoted] = await ask(chain, contract, quoter, method, [params])
  return quoted as bigint
}

/** Coin that came out of pools which hold it unwrapped, less what went in: only their own logs tell. */
export function coinOut(manager: Address, router: Address, pools: readonly string[], logs: readonly Log[]): bigint {
  const swaps = logs.filter(
    ({ address, topics: [topic, pool, sender] }) =>
      address === manager && topic === swapTopic && pools.includes(pool ?? '') && sender?.slice(26) === router.slice(2),
  )
  // the coin is always the first of a pool's two: its address is zero
  const first = (data: Hex): bigint => coder.decode(['int128'], data)[0] as bigint
  return swaps.reduce((sum, { data }) => sum + first(data), 0n)
}
