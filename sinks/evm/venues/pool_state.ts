import { Interface } from 'ethers/abi'
import { type Concentrated, swap, type Tick } from '../../../schemas/curve/concentrated.ts'
import { Address } from '../hex.ts'
import { ask } from './ask.ts'
import { type Curve, type Reader, Reverted, type Trade } from './venue.ts'

// Pools of concentrated liquidity as their contracts tell them. Sources: UniswapV3Pool.sol, v3-core 1.0.1; StateView.sol
// and ProtocolFeeLibrary.sol, v4.

const v3 = new Interface([
  'function getPool(address, address, uint24) view returns (address)',
  // forks tell more after these two words
  'function slot0() view returns (uint160, int24)',
  'function liquidity() view returns (uint128)',
  'function tickSpacing() view returns (int24)',
  'function tickBitmap(int16) view returns (uint256)',
  'function ticks(int24) view returns (uint128, int128)',
])
const v4 = new Interface([
  'function getSlot0(bytes32) view returns (uint160, int24, uint24, uint24)',
  'function getLiquidity(bytes32) view returns (uint128)',
  'function getTickBitmap(bytes32, int16) view returns (uint256)',
  'function getTickLiquidity(bytes32, int24) view returns (uint128, int128)',
])
const none = `0x${'0'.repeat(40)}`
/** Ticks a word of the bitmap holds. */
const wordTicks = 256

/** A pool in one direction, known between two ticks. */
export interface KnownPool {
  readonly pool: Concentrated
  readonly zeroForOne: boolean
  readonly low: number
  readonly high: number
}
interface Told {
  readonly sqrtPrice: bigint
  readonly tick: number
  readonly liquidity: bigint
  readonly feePips: bigint
  readonly tickSpacing: number
}

/** Reads the ticks of the word of the current price and of so many words on each side. */
async function withTicks(
  told: Told,
  zeroForOne: boolean,
  words: number,
  bitmap: (word: number) => Promise<bigint>,
  net: (tick: number) => Promise<bigint>,
): Promise<KnownPool> {
  const { tick, tickSpacing } = told
  const now = Math.floor(Math.floor(tick / tickSpacing) / wordTicks)
  const [first, last] = zeroForOne ? [now - words, now] : [now, now + words]
  const places = Array.from({ length: last - first + 1 }, (_, n) => first + n)
  const indices = await Promise.all(places.map(async (word) => marked(await bitmap(word), word, tickSpacing)))
  const ticks = await Promise.all(
    indices.flat().map(async (index): Promise<Tick> => ({ index, net: await net(index) })),
  )
  const low = first * wordTicks * tickSpacing
  return { pool: { ...told, ticks }, zeroForOne, low, high: (last + 1) * wordTicks * tickSpacing }
}
/** Ticks whose bit is set, by rising index. */
const marked = (bits: bigint, word: number, spacing: number): readonly number[] =>
  Array.from({ length: wordTicks }, (_, bit) => bit)
    .filter((bit) => (bits >> BigInt(bit)) & 1n)
    .map((bit) => (word * wordTicks + bit) * spacing)

export interface PoolLeg {
  readonly from: Address
  readonly to: Address
  /** Pips. */
  readonly fee: number
}
/** A pool of V3 as a leg goes through it. @throws Reverted where the factory has none */
export async function readPoolV3(factory: Address, leg: PoolLeg, words: number, chain: Reader): Promise<KnownPool> {
  const { from, to, fee } = leg
  const [found] = await ask(chain, factory, v3, 'getPool', [from, to, fee])
  if (found === none) throw new Reverted(`${factory} has no pool of ${from} and ${to} at ${fee} pips`)
  const of = (method: string, ...values: readonly unknown[]) =>
    ask<readonly bigint[]>(chain, Address.parse(found), v3, method, values)
  const [slot0, liquidity, spacing] = await Promise.all([of('slot0'), of('liquidity'), of('tickSpacing')])
  const told: Told = {
    sqrtPrice: slot0[0] ?? 0n,
    tick: Number(slot0[1]),
    liquidity: liquidity[0] ?? 0n,
    feePips: BigInt(fee),
    tickSpacing: Number(spacing[0]),
  }
  const bitmap = async (word: number) => (await of('tickBitmap', word))[0] ?? 0n
  return withTicks(told, from < to, words, bitmap, async (tick) => (await of('ticks', tick))[1] ?? 0n)
}

/** A pool of V4 without hooks, by its id. */
export async function readPoolV4(
  view: Address,
  id: string,
  zeroForOne: boolean,
  tickSpacing: number,
  words: number,
  chain: Reader,
): Promise<KnownPool> {
  const of = (method: string, ...values: readonly unknown[]) =>
    ask<readonly bigint[]>(chain, view, v4, method, [id, ...values])
  const [[sqrtPrice = 0n, tick, protocolFees = 0n, lpFee = 0n], [liquidity = 0n]] = await Promise.all([
    of('getSlot0'),
    of('getLiquidity'),
  ])
  const protocolFee = zeroForOne ? protocolFees & 0xfffn : protocolFees >> 12n
  const feePips = protocolFee + lpFee - (protocolFee * lpFee) / 1_000_000n
  const told: Told = { sqrtPrice, tick: Number(tick), liquidity, feePips, tickSpacing }
  const bitmap = async (word: number) => (await of('getTickBitmap', word))[0] ?? 0n
  return withTicks(told, zeroForOne, words, bitmap, async (at) => (await of('getTickLiquidity', at))[1] ?? 0n)
}

/** The other side of an amount in one pool; undefined where it would leave the ticks that are known. */
export function through(
  { pool, zeroForOne, low, high }: KnownPool,
  exact: Trade['exact'],
  amount: bigint,
): bigint | undefined {
  if (pool.sqrtPrice === 0n || amount <= 0n) return undefined
  const done = swap(pool, zeroForOne, exact === 'in' ? amount : -amount)
  const whole = (exact === 'in' ? done.amountIn : done.amountOut) === amount
  if (!whole || done.tick < low || done.tick >= high) return undefined
  return exact === 'in' ? done.amountOut : done.amountIn
}
/** Pools in a row as one curve. */
export const poolsCurve =
  (pools: readonly KnownPool[], exact: Trade['exact']): Curve =>
  (amount) =>
    (exact === 'in' ? pools : pools.toReversed()).reduce<bigint | undefined>(
      (known, pool) => (known === undefined ? undefined : through(pool, exact, known)),
      amount,
    )
