import { Interface } from 'ethers/abi'
import { ZeroAddress } from 'ethers/constants'
import { z } from 'zod'
import { Address, type Hex } from '../hex.ts'
import { ask } from './ask.ts'
import { movedByTransfers } from './moved.ts'
import { type EvmVenue, Reverted, type Trade, type VenueDefinition } from './venue.ts'

/** @throws Reverted where Curve has no such trade */
function checkTrade({ pay, get, exact }: Trade): void {
  if (pay.native || get.native) throw new Reverted('the wrapped coin only is traded here')
  // `get_dx` is an estimate, and no pool takes an amount out.
  if (exact === 'out') throw new Reverted('Curve knows no exact amount out')
}

const pool_abis = {
  int128: new Interface([
    'function exchange(int128 i, int128 j, uint256 dx, uint256 min_dy) returns (uint256)',
    'function get_dy(int128 i, int128 j, uint256 dx) view returns (uint256)',
    'function coins(uint256) view returns (address)',
  ]),
  uint256: new Interface([
    'function exchange(uint256 i, uint256 j, uint256 dx, uint256 min_dy) returns (uint256)',
    'function get_dy(uint256 i, uint256 j, uint256 dx) view returns (uint256)',
    'function coins(uint256) view returns (address)',
  ]),
} as const

const pool_params = z.strictObject({
  pool: Address,
  coins: z.array(Address).min(2).max(8).describe('Its coins, in the order of the pool.'),
  index: z
    .enum(['int128', 'uint256'])
    .describe('How the pool numbers coins: int128 in stable pools, uint256 in others.'),
})
type PoolParams = z.output<typeof pool_params>

function openPool({ pool, coins, index }: PoolParams): EvmVenue {
  const abi = pool_abis[index]
  const places = (trade: Trade): readonly [number, number] => {
    checkTrade(trade)
    const [i, j] = [coins.indexOf(trade.pay.address), coins.indexOf(trade.get.address)]
    if (i < 0 || j < 0 || i === j) throw new Reverted('the pool has no such coins')
    return [i, j]
  }
  return {
    contracts: [pool],
    allowances: ({ pay, amount }) => [{ token: pay.address, spender: pool, by: 'erc20', amount }],
    encode: (trade) => {
      const data = abi.encodeFunctionData('exchange', [...places(trade), trade.amount, trade.bound])
      return { to: pool, data: data as Hex, value: 0n }
    },
    quote: async (trade, chain) => {
      const [i, j] = places(trade)
      for (const place of [i, j]) {
        const [coin] = await ask(chain, pool, abi, 'coins', [place])
        const found = String(coin).toLowerCase()
        if (found !== coins[place]) throw new Reverted(`coin ${place} of the pool is ${found}`)
      }
      const [got] = await ask(chain, pool, abi, 'get_dy', [i, j, trade.amount])
      return BigInt(got)
    },
    moved: movedByTransfers,
  }
}

/** By encoder only: see the summary. */
export const curvePool: VenueDefinition<z.input<typeof pool_params>, PoolParams> = {
  name: 'curve_pool',
  summary:
    'Exchanges two coins of a Curve pool. The pool knows no deadline. ' +
    'Tested by what it encodes and decodes, never against the contract.',
  params: pool_params,
  open: openPool,
}

// Curve Router NG with five swap params a pool (docs.curve.finance, router/CurveRouterNG). Some chains have one with
// four, and other selectors: it reverts on these calls.
const router_abi = new Interface([
  `function exchange(address[11] route, uint256[5][5] swap_params, uint256 amount, uint256 min_dy, address[5] pools,
    address receiver) payable returns (uint256)`,
  `function get_dy(address[11] route, uint256[5][5] swap_params, uint256 amount, address[5] pools) view
    returns (uint256)`,
])
const small = z.int().min(0).max(255)
const router_params = z.strictObject({
  router: Address,
  route: z
    .array(Address)
    .min(3)
    .max(11)
    .refine((route) => route.length % 2 === 1, 'expected token, pool, token and so on')
    .describe('The token paid, a pool, a token, and so on, to the token got.'),
  swaps: z
    .array(z.tuple([small, small, small, small, small]))
    .min(1)
    .max(5)
    .describe('For each pool: i, j, swap type, pool type, coins of the pool.'),
  zaps: z.array(Address).max(5).default([]).describe('For each pool: the pool behind a zap, if there is one.'),
})
type RouterParams = z.output<typeof router_params>

function openRouter({ router, route, swaps, zaps }: RouterParams): EvmVenue {
  const filled = <T>(values: readonly T[], length: number, rest: T): readonly T[] =>
    Array.from({ length }, (_, n) => values[n] ?? rest)
  const whole = {
    route: filled<string>(route, 11, ZeroAddress),
    swaps: filled<readonly number[]>(swaps, 5, [0, 0, 0, 0, 0]),
    zaps: filled<string>(zaps, 5, ZeroAddress),
  }
  const check = (trade: Trade): void => {
    checkTrade(trade)
    if (route[0] !== trade.pay.address || route.at(-1) !== trade.get.address || swaps.length * 2 + 1 !== route.length)
      throw new Reverted('the route does not lead from what is paid to what is got')
  }
  return {
    contracts: [router],
    allowances: ({ pay, amount }) => [{ token: pay.address, spender: router, by: 'erc20', amount }],
    encode: (trade) => {
      check(trade)
      const values = [whole.route, whole.swaps, trade.amount, trade.bound, whole.zaps, trade.account]
      return { to: router, data: router_abi.encodeFunctionData('exchange', values) as Hex, value: 0n }
    },
    quote: async (trade, chain) => {
      check(trade)
      const values = [whole.route, whole.swaps, trade.amount, whole.zaps]
      const [got] = await ask(chain, router, router_abi, 'get_dy', values)
      return BigInt(got)
    },
    moved: movedByTransfers,
  }
}

/** By encoder only: see the summary. */
export const curveRouter: VenueDefinition<z.input<typeof router_params>, RouterParams> = {
  name: 'curve_router',
  summary:
    'Exchanges along a route of up to five Curve pools, one way, by Router NG. ' +
    'The router knows no deadline. ' +
    'Tested by what it encodes and decodes, never against the contract.',
  params: router_params,
  open: openRouter,
}
