import { pairsCurve, readPair } from './pair_state.ts'
import { poolsCurve, readPoolV3, readPoolV4 } from './pool_state.ts'
import { askQuoter } from './uniswap_v3.ts'
import { type Params, type Part, type RouteLeg, type Segment, zero } from './universal_routes.ts'
import { askQuoterV4, poolNameOf } from './v4_pools.ts'
import type { Curve, Reader, Trade } from './venue.ts'

/** Words of 256 ticks that are read past the current one. */
const words = 1

const needed = <T>(contract: T | undefined): T => {
  if (contract === undefined) throw new RangeError('the params of the venue were not checked')
  return contract
}

async function quoteSegment(
  params: Params,
  segment: Segment,
  exact: Trade['exact'],
  amount: bigint,
  chain: Reader,
): Promise<bigint | undefined> {
  const { legs, protocol } = segment
  if (protocol === 'uniswap_v3') return askQuoter(needed(params.v3_quoter), legs, exact, amount, chain)
  if (protocol === 'uniswap_v4')
    return askQuoterV4(needed(params.v4_quoter), segment, exact, amount, params.wrapped, chain)
  const factory = needed(params.v2_factory)
  return pairsCurve(await Promise.all(legs.map((leg) => readPair(factory, leg, chain))), exact)(amount)
}

/** The other side of a part, by the quoters and the pairs. Undefined where a pair cannot give it. @throws Reverted */
export async function quotePart(
  params: Params,
  { segments, amount }: Part,
  exact: Trade['exact'],
  chain: Reader,
): Promise<bigint | undefined> {
  let side: bigint | undefined = amount
  for (const segment of exact === 'in' ? segments : segments.toReversed())
    if (side !== undefined) side = await quoteSegment(params, segment, exact, side, chain)
  return side
}

async function legCurve(
  params: Params,
  leg: RouteLeg,
  exact: Trade['exact'],
  chain: Reader,
): Promise<Curve | undefined> {
  if (leg.protocol === 'uniswap_v2') {
    return params.v2_factory && pairsCurve([await readPair(params.v2_factory, leg, chain)], exact)
  }
  if (leg.protocol === 'uniswap_v3') {
    return params.v3_factory && poolsCurve([await readPoolV3(params.v3_factory, leg, words, chain)], exact)
  }
  if (params.v4_state_view === undefined || leg.hooks !== zero) return undefined
  const { id, zeroForOne } = poolNameOf(leg, params.wrapped)
  return poolsCurve([await readPoolV4(params.v4_state_view, id, zeroForOne, leg.tick_spacing, words, chain)], exact)
}
/** A route as one curve; undefined where one of its pools has none. */
export async function routeCurve(
  params: Params,
  legs: readonly RouteLeg[],
  exact: Trade['exact'],
  chain: Reader,
): Promise<Curve | undefined> {
  const curves = await Promise.all(legs.map((leg) => legCurve(params, leg, exact, chain)))
  if (curves.includes(undefined)) return undefined
  return (amount) =>
    (exact === 'in' ? curves : curves.toReversed()).reduce<bigint | undefined>(
      (side, curve) => (side === undefined ? undefined : curve?.(side)),
      amount,
    )
}
