import { type Anvil, startAnvil } from './anvil.ts'
import { deployUniswap, interfaceOf, type Uniswap } from './evm_chain.ts'

/** What tells a swap from all others, and what it moved: `BLOCK_HASH/INDEX KEY AMOUNT0 AMOUNT1`. */
export type SwapLine = string
export const swapLine = (
  hash: string,
  index: number,
  key: string,
  amount0: bigint | string,
  amount1: bigint | string,
): SwapLine => `${hash}/${index} ${key} ${amount0} ${amount1}`

export interface Traffic {
  readonly anvil: Anvil
  readonly uniswap: Uniswap
  readonly height: () => Promise<number>
  readonly mine: () => Promise<unknown>
  /** Mines an empty block, and gives its number. */
  readonly start: () => Promise<number>
  /** Mines a block with some swaps, on V2, V3 and V4 in turn. */
  readonly trade: (swaps: number) => Promise<void>
  /** The swaps the chain holds from a block on, by eth_getLogs and the ABIs of the contracts, sorted. */
  readonly swapsFrom: (block: number) => Promise<readonly SwapLine[]>
  readonly close: () => Promise<void>
}

/** A chain of anvil with the pools of Uniswap, whose blocks come when they are asked for. */
export async function startTraffic(): Promise<Traffic> {
  const anvil = await startAnvil()
  const uniswap = await deployUniswap(anvil)
  await anvil.rpc('evm_setAutomine', false)
  const unit = 10n ** 18n
  let salt = 0n
  const mine = () => anvil.rpc('evm_mine')
  const height = async () => Number(await anvil.rpc('eth_blockNumber'))
  return {
    anvil,
    uniswap,
    height,
    mine,
    start: async () => {
      await anvil.rpc('anvil_dropAllTransactions')
      await mine()
      return height()
    },
    trade: async (swaps) => {
      for (let n = 0; n < swaps; n++) {
        salt++
        const on = (['v2', 'v3', 'v4'] as const)[n % 3] ?? 'v2'
        await uniswap.swap(on, salt % 2n === 0n ? 0 : 1, unit + salt)
      }
      await mine()
    },
    swapsFrom: (block) => swapsOf(anvil, uniswap, block),
    close: anvil.close,
  }
}

async function swapsOf(anvil: Anvil, { v2, v3, v4 }: Uniswap, from: number): Promise<readonly SwapLine[]> {
  const address = [v2.pair.address, v3.pool.address, v4.manager.address]
  const logs = (await anvil.rpc('eth_getLogs', {
    fromBlock: `0x${from.toString(16)}`,
    toBlock: 'latest',
    address,
  })) as { topics: string[]; data: string; blockHash: string; logIndex: string; address: string }[]
  const lines = logs.flatMap((log) => {
    const of = address.findIndex((one) => one.toLowerCase() === log.address.toLowerCase())
    const parsed = interfaceOf(
      (['UniswapV2Pair', 'UniswapV3Pool', 'PoolManager'] as const)[of] ?? 'PoolManager',
    ).parseLog(log)
    if (parsed?.name !== 'Swap') return []
    const { args } = parsed
    const line = (key: string, amount0: bigint, amount1: bigint) => [
      swapLine(log.blockHash, Number(log.logIndex), key, amount0, amount1),
    ]
    const key = `${of === 0 ? 'uniswap_v2' : 'uniswap_v3'}:${log.address}`
    const arg = (name: string) => BigInt(args.getValue(name))
    if (of === 0) return line(key, arg('amount0In') - arg('amount0Out'), arg('amount1In') - arg('amount1Out'))
    if (of === 1) return line(key, arg('amount0'), arg('amount1'))
    // V4 logs what the swapper got.
    return line(`uniswap_v4:${v4.pool_id}`, -arg('amount0'), -arg('amount1'))
  })
  return lines.toSorted()
}
