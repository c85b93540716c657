import { z } from 'zod'
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
]
/** By name. */
export const venues: ReadonlyMap<string, ListedVenue> = new Map(all.map((venue) => [venue.name, venue]))
