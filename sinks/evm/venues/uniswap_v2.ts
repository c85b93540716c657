import { Interface } from 'ethers/abi'
import { z } from 'zod'
import { Address, type Hex } from '../hex.ts'
import { ask } from './ask.ts'
import { legsOf, mostPaid, refusalOf } from './legs.ts'
import { movedThrough } from './moved.ts'
import { pairsCurve, readPair } from './pair_state.ts'
import type { Call, EvmVenue, Trade, VenueDefinition } from './venue.ts'

const Params = z.strictObject({
  router: Address.describe('Router of Uniswap V2 or of a fork with its methods.'),
  factory: Address.optional().describe(
    "The router's factory: with it pairs are read, and amounts tried without asking.",
  ),
  fee: z.int().min(0).max(999_999).default(3000).describe('Pips of the input that pairs keep: 2500 on PancakeSwap.'),
  path: z
    .array(Address)
    .min(1)
    .max(5)
    .describe('Tokens after the first of the market, the second of it last. Gone through backwards to trade back.'),
  coin: z
    .string()
    .regex(/^[A-Z]{2,8}$/)
    .default('ETH')
    .describe("What the router's methods call the chain's coin: AVAX on Trader Joe."),
  taxed: z.boolean().default(false).describe('A token of the path keeps a part of each transfer: exact inputs only.'),
})
type Params = z.output<typeof Params>

const routerOf = (coin: string) => {
  const end = 'address[] path, address to, uint256 deadline)'
  const taxed = 'SupportingFeeOnTransferTokens'
  return new Interface([
    ...['', taxed].flatMap((tax) => [
      `function swapExactTokensForTokens${tax}(uint256 amountIn, uint256 amountOutMin, ${end}`,
      `function swapExactTokensFor${coin}${tax}(uint256 amountIn, uint256 amountOutMin, ${end}`,
      `function swapExact${coin}ForTokens${tax}(uint256 amountOutMin, ${end} payable`,
    ]),
    `function swapTokensForExactTokens(uint256 amountOut, uint256 amountInMax, ${end}`,
    `function swapTokensForExact${coin}(uint256 amountOut, uint256 amountInMax, ${end}`,
    `function swap${coin}ForExactTokens(uint256 amountOut, ${end} payable`,
    'function getAmountsOut(uint256 amountIn, address[] path) view returns (uint256[])',
    'function getAmountsIn(uint256 amountOut, address[] path) view returns (uint256[])',
  ])
}

function open({ router, factory, fee, path, coin, taxed }: Params): EvmVenue {
  const abi = routerOf(coin)
  const hops = path.map((out) => ({ out, fee }))
  const refuses = (trade: Trade): string | undefined =>
    taxed && trade.exact === 'out'
      ? 'a token that keeps a part of each transfer cannot be got in an exact amount'
      : refusalOf(trade, legsOf(hops, trade))
  const legs = (trade: Trade) => {
    const refusal = refuses(trade)
    if (refusal !== undefined) throw new RangeError(refusal)
    return legsOf(hops, trade) ?? []
  }
  const tokens = (trade: Trade) => [trade.pay.address, ...legs(trade).map(({ to }) => to)]

  const encode = (trade: Trade): Call => {
    const { pay, get, exact, amount, bound, account, deadline } = trade
    const [paid, got] = [pay.native ? coin : 'Tokens', get.native ? coin : 'Tokens']
    const end = [tokens(trade), account, deadline]
    const method =
      exact === 'in'
        ? `swapExact${paid}For${got}${taxed ? 'SupportingFeeOnTransferTokens' : ''}`
        : `swap${paid}ForExact${got}`
    // what is paid in coin is the value of the transaction, and no argument
    const bounds = pay.native ? [exact === 'in' ? bound : amount] : [amount, bound]
    const data = abi.encodeFunctionData(method, [...bounds, ...end]) as Hex
    return { to: router, data, value: pay.native ? mostPaid(trade) : 0n }
  }

  return {
    contracts: [router],
    refuses,
    allowances: (trade) =>
      trade.pay.native ? [] : [{ token: trade.pay.address, spender: router, by: 'erc20', amount: mostPaid(trade) }],
    encode,
    // of a taxed token this is what would come without the tax
    quote: async (trade, chain) => {
      const method = trade.exact === 'in' ? 'getAmountsOut' : 'getAmountsIn'
      const [amounts] = await ask<[readonly bigint[]]>(chain, router, abi, method, [trade.amount, tokens(trade)])
      return amounts.at(trade.exact === 'in' ? -1 : 0) ?? 0n
    },
    curves: async (trade, chain) => {
      if (factory === undefined) return [undefined]
      const pairs = await Promise.all(legs(trade).map((leg) => readPair(factory, leg, chain)))
      return [pairsCurve(pairs, trade.exact)]
    },
    moved: (trade, logs) => movedThrough(router, trade, logs),
  }
}

export const uniswapV2: VenueDefinition<z.input<typeof Params>, Params> = {
  name: 'uniswap_v2',
  summary: 'Swaps by the router of Uniswap V2 or of a fork of it.',
  params: Params,
  open,
}
