import { Interface } from 'ethers/abi'
import type { z } from 'zod'
import type { Hex } from '../hex.ts'
import { bestSplit } from './best_split.ts'
import { legsOf, mostPaid } from './legs.ts'
import { movedThrough } from './moved.ts'
import { codesOf, commandsIn, commandsOut } from './universal_commands.ts'
import { quotePart, routeCurve } from './universal_quotes.ts'
import { Params, partsOf, refusal } from './universal_routes.ts'
import { coinOut, poolNameOf } from './v4_pools.ts'
import { type EvmVenue, type Reader, Reverted, type Trade, type VenueDefinition } from './venue.ts'

const abi = new Interface(['function execute(bytes, bytes[], uint256) payable'])

function open(params: Params): EvmVenue {
  const { router, permit2, wrapped, routes, split, v4_manager } = params
  const curves = (trade: Trade, chain: Reader) =>
    Promise.all(routes.map(({ hops }) => routeCurve(params, legsOf(hops, trade) ?? [], trade.exact, chain)))
  return {
    contracts: [router, permit2],
    refuses: (trade) => refusal(params, trade),
    allowances: (trade) => {
      if (trade.pay.native) return []
      const right = { token: trade.pay.address, amount: mostPaid(trade) }
      return [
        { ...right, by: 'erc20', spender: permit2 },
        { ...right, by: 'permit2', permit2, spender: router },
      ]
    },
    encode: (trade) => {
      const plan = (trade.exact === 'in' ? commandsIn : commandsOut)(partsOf(params, trade), trade, params)
      const data = abi.encodeFunctionData('execute', [codesOf(plan), plan.map(([, input]) => input), trade.deadline])
      return { to: router, data: data as Hex, value: trade.pay.native ? mostPaid(trade) : 0n }
    },
    quote: async (trade, chain) => {
      const parts = partsOf(params, trade)
      const sides = await Promise.all(parts.map((part) => quotePart(params, part, trade.exact, chain)))
      return sides.reduce<bigint>((sum, side) => {
        if (side === undefined) throw new Reverted('a pair does not hold so much')
        return sum + side
      }, 0n)
    },
    curves,
    best: async (trade, chain) => {
      const found =
        split === 'best' && routes.length > 1
          ? bestSplit(await curves(trade, chain), trade.amount, trade.exact)
          : undefined
      const shared = found && routes.map((route, n) => ({ ...route, share: found.shares[n] ?? 0 }))
      return open(shared === undefined ? params : { ...params, routes: shared })
    },
    moved: (trade, logs) => {
      const legs = routes.flatMap(({ hops }) => legsOf(hops, trade) ?? [])
      const names = legs.filter((leg) => leg.protocol === 'uniswap_v4').map((leg) => poolNameOf(leg, wrapped))
      const pools = names.filter(({ native }) => native).map(({ id }) => id)
      const coin = v4_manager === undefined ? 0n : coinOut(v4_manager, router, pools, logs)
      return movedThrough(router, trade, logs, coin)
    },
  }
}

export const universalRouter: VenueDefinition<z.input<typeof Params>, Params> = {
  name: 'universal_router',
  summary: 'Swaps over pools of Uniswap V2, V3 and V4, split over several routes, by the Universal Router and Permit2.',
  params: Params,
  open,
}
