import { z } from 'zod'
import { aaveV3 } from './aave_v3.ts'
import { balancerV2 } from './balancer.ts'
import { compoundV3 } from './compound_v3.ts'
import { curvePool, curveRouter } from './curve.ts'
import { uniswapV2 } from './uniswap_v2.ts'
import { uniswapV3 } from './uniswap_v3.ts'
import { universalRouter } from './universal_router.ts'
import type { EvmVenue, VenueDefinition } from './venue.ts'

/** A venue as those see it who know only its name. */
export interface ListedVenue {
  readonly name: string
  readonly summary: string
  readonly params: z.core.$ZodType
  /** @throws ZodError where the params are not those of the venue */
  readonly open: (params: unknown) => EvmVenue
}
const listed = <PIn, P>({ name, summary, params, open }: VenueDefinition<PIn, P>): ListedVenue => ({
  name,
  summary,
  params,
  open: (given) => open(z.parse(params, given)),
})

const all = [
  // spot
  listed(uniswapV2),
  listed(uniswapV3),
  listed(universalRouter),
  listed(curvePool),
  listed(curveRouter),
  listed(balancerV2),
  // lending
  listed(aaveV3),
  listed(compoundV3),
]
/** By name. */
export const venues: ReadonlyMap<string, ListedVenue> = new Map(all.map((venue) => [venue.name, venue]))
