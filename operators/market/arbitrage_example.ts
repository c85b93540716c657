import type { PoolState } from '../../schemas/chain.ts'
import type { Arbitrage } from '../../schemas/cross_venue.ts'
import { of, quote, type Sample, to } from '../../schemas/samples.ts'

const pool = 'uniswap_v2:0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc'
const exchange = 'binance:ETHUSDC'
/** 1,000 ETH (18 decimals, token 1) against 2,000,000 USDC (6 decimals, token 0): 2,000 USDC for one. */
export const ethUsdc = (at: number, usdc = 2_000_000n, eth = 1_000n): Sample<PoolState> => ({
  kind: 'pool_state',
  at: at * 1e6,
  key: pool,
  value: {
    ...{
      model: 'constant_product',
      reserve0: `${usdc}000000`,
      reserve1: `${eth}${'0'.repeat(18)}`,
      sqrt_price_x96: '0',
    },
    ...{ liquidity: '0', tick: 0, fee: 0.003, price: Number(eth) / Number(usdc), decimals0: 6, decimals1: 18 },
    ...{ block: 1, block_time: at * 1e6, block_hash: '', age: 0, removed: false },
  },
})

/** The exchange pays 2,050 for what the pool sells at 2,000, for two of them. */
export const arbitrageExample = {
  params: {
    instruments: { 'ETH/USDC': { pools: { [pool]: 'token1' as const }, quotes: [exchange] } },
    ...{ fee: 0, gas: 5, min_profit: 1 },
  },
  input: [
    to('pool', ethUsdc(1)),
    to('quote', of(exchange, { ...quote(2, 2050, 2051), value: { bid: 2050, ask: 2051, bid_size: 2, ask_size: 2 } })),
  ],
  output: [
    {
      ...{ instrument: 'ETH/USDC', route: 'dex_cex', buy: pool, sell: exchange, size: 1.9999999682996188 },
      ...{ size_in: 4020.076197, size_out: 4099.999935, amount_in: '4020076197', gross: 79.923738, gas: 5 },
      ...{ net: 74.923738, edge_bps: 186.3739250910522, capped: true },
    } satisfies Arbitrage,
  ],
}
