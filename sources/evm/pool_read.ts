import { TidegateError } from '../../schemas/errors.ts'
import { signed, unsigned, wordsIn } from './abi.ts'
import { keccak256 } from './keccak.ts'
import type { Reserves } from './pool_fold.ts'
import type { CallContract, Pool } from './pools.ts'
import { isWords } from './wire.ts'

// Selectors: `getReserves()`, `slot0()`, `liquidity()`, `extsload(bytes32)`.
const selectors = {
  getReserves: '0x0902f1ac',
  slot0: '0x3850c7bd',
  liquidity: '0x1a686502',
  extsload: '0x1e2eaeaf',
} as const

/** Where Uniswap V4 keeps a pool: v4-core 1.0.2, StateLibrary, POOLS_SLOT and LIQUIDITY_OFFSET. */
const poolsSlot = 6n
const liquidityOffset = 3n
const bits = (word: bigint, from: number, count: number): bigint =>
  (word >> BigInt(from)) & ((1n << BigInt(count)) - 1n)

/**
 * The state of a pool as its contract tells it.
 * @throws SOURCE_FAILED where it is no such contract
 */
export async function readReserves(pool: Pool, call: CallContract): Promise<Reserves> {
  const ask = async (data: string, words: number): Promise<string> => {
    const answer = await call(pool.address, data)
    if (isWords(answer) && wordsIn(answer) >= words) return answer
    const problem = `${pool.key}: the contract does not tell its state: expected one of ${pool.protocol}`
    throw new TidegateError('SOURCE_FAILED', problem, { pool: pool.key })
  }
  if (pool.protocol === 'uniswap_v2') {
    const data = await ask(selectors.getReserves, 3)
    return { model: 'constant_product', reserve0: unsigned(data, 0), reserve1: unsigned(data, 1) }
  }
  if (pool.id === undefined) {
    const [slot0, liquidity] = await Promise.all([ask(selectors.slot0, 2), ask(selectors.liquidity, 1)])
    return {
      model: 'concentrated',
      sqrtPrice: unsigned(slot0, 0),
      liquidity: unsigned(liquidity, 0),
      tick: Number(signed(slot0, 1)),
      fee: pool.fee,
    }
  }
  const slot = BigInt(`0x${keccak256(Buffer.from(pool.id.slice(2) + poolsSlot.toString(16).padStart(64, '0'), 'hex'))}`)
  const load = (offset: bigint) => ask(selectors.extsload + (slot + offset).toString(16).padStart(64, '0'), 1)
  const [packed, liquidity] = await Promise.all([load(0n), load(liquidityOffset)])
  const slot0 = unsigned(packed, 0)
  return {
    model: 'concentrated',
    sqrtPrice: bits(slot0, 0, 160),
    liquidity: bits(unsigned(liquidity, 0), 0, 128),
    tick: Number(BigInt.asIntN(24, bits(slot0, 160, 24))),
    fee: Number(bits(slot0, 208, 24)) / 1e6,
  }
}
