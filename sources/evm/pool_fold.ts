import { fits, signed, unsigned, wordsIn } from './abi.ts'
import { type Pool, topics } from './pools.ts'
import { isWords, type Log } from './wire.ts'

/** What a pool quotes from, exactly. */
export type Reserves =
  | { readonly model: 'constant_product'; readonly reserve0: bigint; readonly reserve1: bigint }
  | {
      readonly model: 'concentrated'
      readonly sqrtPrice: bigint
      readonly liquidity: bigint
      readonly tick: number
      readonly fee: number
    }

const concentrated = (data: string, price: number, feeAt: number | undefined, fee: number): Reserves | undefined => {
  const [sqrtPrice, liquidity, tick] = [unsigned(data, price), unsigned(data, price + 1), signed(data, price + 2)]
  if (!fits(sqrtPrice, 160) || !fits(liquidity, 128) || !fits(tick, 24)) return undefined
  const told = feeAt === undefined ? fee : Number(unsigned(data, feeAt)) / 1e6
  return { model: 'concentrated', sqrtPrice, liquidity, tick: Number(tick), fee: told }
}

/** A pool whose hook sets the fee says so with a number above all fees: v4-core, LPFeeLibrary. */
const initialFee = (told: bigint, before: number): number => (told <= 1_000_000n ? Number(told) / 1e6 : before)

/** Liquidity that comes or goes counts where its range holds the tick: lower <= tick < upper. */
const moved = (before: Reserves, lower: bigint, upper: bigint, by: bigint): Reserves =>
  before.model === 'concentrated' && lower <= BigInt(before.tick) && BigInt(before.tick) < upper
    ? { ...before, liquidity: before.liquidity + by }
    : before

/** The state after a log, `before` where the log changes nothing, undefined where it is not what its topic says. */
export function fold(pool: Pool, before: Reserves, log: Log): Reserves | undefined {
  const { data } = log
  if (!isWords(data)) return undefined
  const fee = before.model === 'concentrated' ? before.fee : pool.fee
  const words = wordsIn(data)
  switch (log.topics[0] ?? '') {
    case topics.v2Sync: {
      if (words !== 2 || !fits(unsigned(data, 0), 112) || !fits(unsigned(data, 1), 112)) return undefined
      return { model: 'constant_product', reserve0: unsigned(data, 0), reserve1: unsigned(data, 1) }
    }
    case topics.v3Swap:
      return words === 5 ? concentrated(data, 2, undefined, fee) : undefined
    case topics.pancakeV3Swap:
      return words === 7 ? concentrated(data, 2, undefined, fee) : undefined
    case topics.v4Swap:
      return words === 6 ? concentrated(data, 2, 5, fee) : undefined
    // Initialize(sqrtPriceX96, tick): no liquidity yet.
    case topics.v3Initialize:
      return words === 2
        ? { model: 'concentrated', sqrtPrice: unsigned(data, 0), liquidity: 0n, tick: Number(signed(data, 1)), fee }
        : undefined
    // Initialize(id, currency0, currency1, fee, tickSpacing, hooks, sqrtPriceX96, tick)
    case topics.v4Initialize:
      return words === 5
        ? {
            model: 'concentrated',
            sqrtPrice: unsigned(data, 3),
            liquidity: 0n,
            tick: Number(signed(data, 4)),
            fee: initialFee(unsigned(data, 0), fee),
          }
        : undefined
    // Mint(sender, owner, tickLower, tickUpper, amount, amount0, amount1)
    case topics.v3Mint:
      return words === 4 && log.topics.length === 4
        ? moved(before, signed(log.topics[2] as string, 0), signed(log.topics[3] as string, 0), unsigned(data, 1))
        : undefined
    // Burn(owner, tickLower, tickUpper, amount, amount0, amount1)
    case topics.v3Burn:
      return words === 3 && log.topics.length === 4
        ? moved(before, signed(log.topics[2] as string, 0), signed(log.topics[3] as string, 0), -unsigned(data, 0))
        : undefined
    // ModifyLiquidity(id, sender, tickLower, tickUpper, liquidityDelta, salt)
    case topics.v4ModifyLiquidity:
      return words === 4 ? moved(before, signed(data, 0), signed(data, 1), signed(data, 2)) : undefined
    default:
      return before
  }
}
