import { Interface } from 'ethers/abi'
import { amountIn, amountOut, type ConstantProduct } from '../../../schemas/curve/constant_product.ts'
import { PIPS } from '../../../schemas/curve/swap_step.ts'
import { Address } from '../hex.ts'
import { ask } from './ask.ts'
import { type Curve, type Reader, Reverted, type Trade } from './venue.ts'

const abi = new Interface([
  'function getPair(address, address) view returns (address)',
  'function getReserves() view returns (uint112, uint112)',
])
const none = `0x${'0'.repeat(40)}`

export interface PairLeg {
  readonly from: Address
  readonly to: Address
  /** Pips of the input. */
  readonly fee: number
}

/** What a pair of a factory like Uniswap V2's holds. @throws Reverted where there is no such pair */
export async function readPair(factory: Address, { from, to, fee }: PairLeg, chain: Reader): Promise<ConstantProduct> {
  const [found] = await ask(chain, factory, abi, 'getPair', [from, to])
  if (found === none) throw new Reverted(`${factory} has no pair of ${from} and ${to}`)
  const [reserve0, reserve1] = await ask<[bigint, bigint]>(chain, Address.parse(found), abi, 'getReserves')
  const [reserveIn, reserveOut] = from < to ? [reserve0, reserve1] : [reserve1, reserve0]
  return { reserveIn, reserveOut, fee: BigInt(fee), scale: PIPS }
}

/** Pairs in a row as one curve. */
export const pairsCurve =
  (pairs: readonly ConstantProduct[], exact: Trade['exact']): Curve =>
  (amount) => {
    if (exact === 'in') return pairs.reduce((put, pair) => amountOut(pair, put), amount) || undefined
    return pairs.reduceRight<bigint | undefined>(
      (wanted, pair) => (wanted === undefined ? undefined : amountIn(pair, wanted)),
      amount,
    )
  }
