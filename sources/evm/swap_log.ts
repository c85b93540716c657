import type { Swap } from '../../schemas/chain.ts'
import { address, fits, signed, unsigned, wholeTokens, wordsIn } from './abi.ts'
import { type Pool, type Protocol, swapTopics } from './pools.ts'
import { type Head, isWords, type Log } from './wire.ts'

/** How the swap log of a protocol lies in its words. */
interface Layout {
  readonly words: number
  readonly topics: number
  /** Into the pool; negative out of it. */
  readonly amounts: (data: string) => readonly [amount0: bigint, amount1: bigint]
  /** Which topic names the trader. */
  readonly trader: number
}
/** What goes in less what goes out: a pair counts in 112 bits. */
const widest = 113
const amountsV2 = (data: string): readonly [bigint, bigint] => [
  unsigned(data, 0) - unsigned(data, 2),
  unsigned(data, 1) - unsigned(data, 3),
]
const layouts: Readonly<Record<Protocol, Layout>> = {
  // Swap(sender, amount0In, amount1In, amount0Out, amount1Out, to)
  uniswap_v2: { words: 4, topics: 3, amounts: amountsV2, trader: 2 },
  // Swap(sender, recipient, amount0, amount1, sqrtPriceX96, liquidity, tick)
  uniswap_v3: { words: 5, topics: 3, amounts: (data) => [signed(data, 0), signed(data, 1)], trader: 2 },
  // and protocolFeesToken0, protocolFeesToken1
  pancakeswap_v3: { words: 7, topics: 3, amounts: (data) => [signed(data, 0), signed(data, 1)], trader: 2 },
  // Swap(id, sender, amount0, amount1, sqrtPriceX96, liquidity, tick, fee): amounts as the swapper sees them.
  uniswap_v4: { words: 6, topics: 3, amounts: (data) => [-signed(data, 0), -signed(data, 1)], trader: 2 },
}

/** The swap a log tells, or undefined where its words are not those of one. */
export function readSwap(pool: Pool, log: Log, block: Head): Swap | undefined {
  const layout = layouts[pool.protocol]
  if (log.topics[0] !== swapTopics[pool.protocol] || log.topics.length !== layout.topics) return undefined
  if (!isWords(log.data) || wordsIn(log.data) !== layout.words) return undefined
  const [amount0, amount1] = layout.amounts(log.data)
  if (pool.protocol === 'uniswap_v2' && !(fits(amount0, widest) && fits(amount1, widest))) return undefined
  const size0 = wholeTokens(amount0 < 0n ? -amount0 : amount0, pool.decimals0)
  const size1 = wholeTokens(amount1 < 0n ? -amount1 : amount1, pool.decimals1)
  const traded = amount0 < 0n !== amount1 < 0n && amount0 !== 0n && amount1 !== 0n
  return {
    amount0: amount0.toString(),
    amount1: amount1.toString(),
    price: traded ? size1 / size0 : 0,
    size: size0,
    side: amount0 > 0n ? -1 : 1,
    block: log.block,
    block_time: block.at,
    index: log.index,
    block_hash: log.block_hash,
    transaction: log.transaction,
    trader: address(log.topics[layout.trader] as string, 0),
    removed: false,
  }
}
