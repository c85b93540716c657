import { Interface } from 'ethers/abi'
import { z } from 'zod'
import { Address, type Hex } from '../hex.ts'
import { ask } from './ask.ts'
import { type Leg, legsOf, mostPaid, refusalOf } from './legs.ts'
import { movedThrough } from './moved.ts'
import { poolsCurve, readPoolV3 } from './pool_state.ts'
import type { Call, EvmVenue, Trade, VenueDefinition } from './venue.ts'

const Hop = z.strictObject({
  fee: z.int().min(0).max(0xffffff).describe('Pips: with the tokens it names the pool.'),
  out: Address.describe('The token it gives.'),
})
const Params = z.strictObject({
  router: Address.describe('SwapRouter of Uniswap V3, or of a fork with its methods.'),
  quoter: Address.describe('QuoterV2 over the same pools.'),
  factory: Address.optional().describe('With it pools are read, and amounts tried without asking.'),
  hops: z
    .array(Hop)
    .min(1)
    .max(5)
    .describe('From the first token of the market to the second; backwards to trade back.'),
  deadline: z
    .enum(['in_params', 'in_multicall'])
    .default('in_params')
    .describe('Where the router looks for it: SwapRouter in the params of a swap, SwapRouter02 in those of multicall.'),
  words: z
    .int()
    .min(0)
    .max(20)
    .default(1)
    .describe('Words of 256 ticks to read past the current one for curves; amounts that go further have none.'),
})
type Params = z.output<typeof Params>

const end = { in_params: 'uint256 deadline, ', in_multicall: '' } as const
const routerOf = (deadline: Params['deadline']) =>
  new Interface([
    `function exactInput((bytes path, address recipient, ${end[deadline]}uint256 amountIn, uint256 amountOutMinimum)) payable`,
    `function exactOutput((bytes path, address recipient, ${end[deadline]}uint256 amountOut, uint256 amountInMaximum)) payable`,
    'function multicall(bytes[]) payable',
    'function multicall(uint256, bytes[]) payable',
    'function unwrapWETH9(uint256, address) payable',
    'function refundETH() payable',
  ])
const quoterAbi = new Interface([
  'function quoteExactInput(bytes, uint256) returns (uint256, uint160[], uint32[], uint256)',
  'function quoteExactOutput(bytes, uint256) returns (uint256, uint160[], uint32[], uint256)',
])
/** What the routers read as themselves, where a recipient is asked for. */
const itself = { in_params: `0x${'0'.repeat(40)}`, in_multicall: `0x${'0'.repeat(39)}2` } as const

/** Token, fee of 3 bytes, token, …: from what is got to what is paid where the output is exact. */
export function pathOf(legs: readonly Leg<{ readonly fee: number }>[], exact: Trade['exact']): Hex {
  const way = exact === 'in' ? legs : legs.toReversed().map(({ fee, from, to }) => ({ fee, from: to, to: from }))
  const rest = way.map(({ fee, to }) => fee.toString(16).padStart(6, '0') + to.slice(2))
  return `0x${way[0]?.from.slice(2) ?? ''}${rest.join('')}`
}
/** @throws Reverted where the pools cannot do it */
export async function askQuoter(
  quoter: Address,
  legs: readonly Leg<{ readonly fee: number }>[],
  exact: Trade['exact'],
  amount: bigint,
  chain: Parameters<typeof ask>[0],
): Promise<bigint> {
  const method = exact === 'in' ? 'quoteExactInput' : 'quoteExactOutput'
  const [quoted] = await ask(chain, quoter, quoterAbi, method, [pathOf(legs, exact), amount])
  return quoted as bigint
}

function open({ router, quoter, factory, hops, deadline, words }: Params): EvmVenue {
  const abi = routerOf(deadline)
  const refuses = (trade: Trade) => refusalOf(trade, legsOf(hops, trade))
  const legs = (trade: Trade) => {
    const refusal = refuses(trade)
    if (refusal !== undefined) throw new RangeError(refusal)
    return legsOf(hops, trade) ?? []
  }
  const encode = (trade: Trade): Call => {
    const { pay, get, exact, amount, bound, account } = trade
    const recipient = get.native ? itself[deadline] : account
    const until = deadline === 'in_params' ? [trade.deadline] : []
    const swap = [pathOf(legs(trade), exact), recipient, ...until, amount, bound]
    const calls = [abi.encodeFunctionData(exact === 'in' ? 'exactInput' : 'exactOutput', [swap])]
    if (get.native) calls.push(abi.encodeFunctionData('unwrapWETH9', [exact === 'in' ? bound : amount, account]))
    // an exact input is not used up where a pool runs dry, and what is left of the coin would be anybody's
    if (pay.native) calls.push(abi.encodeFunctionData('refundETH'))
    const [only = ''] = calls
    const data =
      deadline === 'in_multicall'
        ? abi.encodeFunctionData('multicall(uint256,bytes[])', [trade.deadline, calls])
        : calls.length === 1
          ? only
          : abi.encodeFunctionData('multicall(bytes[])', [calls])
    return { to: router, data: data as Hex, value: pay.native ? mostPaid(trade) : 0n }
  }
  return {
    contracts: [router],
    refuses,
    allowances: (trade) =>
      trade.pay.native ? [] : [{ token: trade.pay.address, spender: router, by: 'erc20', amount: mostPaid(trade) }],
    encode,
    quote: (trade, chain) => askQuoter(quoter, legs(trade), trade.exact, trade.amount, chain),
    curves: async (trade, chain) => {
      if (factory === undefined) return [undefined]
      const pools = await Promise.all(legs(trade).map((leg) => readPoolV3(factory, leg, words, chain)))
      return [poolsCurve(pools, trade.exact)]
    },
    moved: (trade, logs) => movedThrough(router, trade, logs),
  }
}

export const uniswapV3: VenueDefinition<z.input<typeof Params>, Params> = {
  name: 'uniswap_v3',
  summary: 'Swaps by SwapRouter or SwapRouter02 of Uniswap V3, or of a fork of them.',
  params: Params,
  open,
}
