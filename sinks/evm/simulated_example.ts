import type { z } from 'zod'
import { type Block, PoolState } from '../../schemas/chain.ts'
import { fixed } from '../../schemas/fixed.ts'
import type { OrderStep, OrderUpdate } from '../../schemas/orders.ts'
import { advance, approved, of, type Sample } from '../../schemas/samples.ts'

import type { evmSwapParams } from './params.ts'

/** USDC and WETH on Uniswap V2. */
export const pool = 'uniswap_v2:0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc'
const market = {
  instrument: pool,
  base: { address: '0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2', decimals: 18, native: true },
  quote: { address: '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48', decimals: 6 },
  venue: {
    name: 'uniswap_v2',
    router: '0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D',
    path: ['0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48'],
  },
}
export const swapParams: z.input<typeof evmSwapParams> & { readonly markets: readonly (typeof market)[] } = {
  chain_id: 1,
  endpoints: [{ http: 'mainnet' }],
  signer: { from: 'keystore', address: '0x00000000000000000000000000000000000000aa' },
  markets: [market],
}

/** USDC and WETH in whole tokens. */
export const reserves = (at: number, usdc: number, weth: number, rest: Partial<PoolState> = {}): Sample<PoolState> => ({
  kind: PoolState.kind,
  at: Math.round(at * 1e6),
  key: pool,
  value: {
    ...{ model: 'constant_product', reserve0: `${usdc}000000`, reserve1: `${weth}${'0'.repeat(18)}` },
    ...{ sqrt_price_x96: '0', liquidity: '0', tick: 0, fee: 0.003, price: weth / usdc, decimals0: 6, decimals1: 18 },
    ...{ block: 0, block_time: Math.round(at * 1e6), block_hash: '', age: 0, removed: false },
    ...rest,
  },
})
export const block = (at: number, number: number, base_fee: number, removed = false): Sample<Block> => ({
  kind: 'block',
  at: Math.round(at * 1e6),
  key: pool,
  value: {
    ...{ number, hash: '', parent: '', block_time: Math.round(at * 1e6), base_fee: `${base_fee}000000000` },
    ...{ gas_used: 15e6, gas_limit: 30e6, transactions: 100, removed },
  },
})
export const order = (at: number, side: 'buy' | 'sell', quantity: number, price = 2000, limit = 0) =>
  of(pool, approved(at, side, quantity, price, limit))
export const until = (at: number) => of(pool, advance(at))

const place = { order_at: 2_000_000, order_ordinal: 0 }
const update = (state: OrderUpdate['state']): OrderUpdate => ({
  ...place,
  ...{ state, side: 'sell', quantity: fixed(1), reason: 'none' },
})
const stepOf = (step: OrderStep['step'], attempt: number, block: number, detail = ''): OrderStep => ({
  ...place,
  ...{ step, attempt, nonce: attempt - 1, block, transaction: '', code: '', detail },
})
export const simulatedExample = {
  params: { ...swapParams, confirmations: 1 },
  input: [reserves(1, 2_000_000, 1000), order(2, 'sell', 1), until(30)],
  output: [
    {
      order: [update('accepted')],
      fill: [],
      step: [
        ...[stepOf('received', 0, 0), stepOf('planned', 0, 0), stepOf('simulated', 0, 0)],
        ...[stepOf('signed', 1, 0, 'trade'), stepOf('sent', 1, 0, 'simulation: accepted'), stepOf('seen', 1, 0)],
      ],
    },
    { order: [], fill: [], step: [stepOf('included', 1, 1)] },
    {
      order: [update('filled')],
      fill: [
        {
          ...place,
          ...{ side: 'sell' as const, quantity: fixed(1), price: 1992.013962 },
          ...{ notional: fixed(1992.013962), fee: fixed(2.99100896) },
        },
      ],
      step: [stepOf('final', 1, 1), stepOf('settled', 1, 1)],
    },
  ],
}
