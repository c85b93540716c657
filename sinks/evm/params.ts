import { z } from 'zod'
import { unitsOf } from '../../schemas/fixed.ts'
import { duration } from '../../schemas/units.ts'
import type { ExecutorRules } from './executor.ts'
import { Address } from './hex.ts'
import { signerParams } from './keys/open_signer.ts'
import type { Market } from './market.ts'
import { rpcParams } from './rpc_params.ts'
import { type ListedVenue, venues } from './venues/catalogue.ts'

const positive = (what: string) => duration().refine((micros) => micros > 0, `expected a positive ${what}`)
const decimal = z.union([z.number().nonnegative(), z.string().regex(/^\d+(?:\.\d+)?$/, 'expected a decimal number')])
const gwei = (otherwise: number) => decimal.default(otherwise)
const share = z.number().min(0).max(0.5)

/** A protocol by its name, with the params that are its own. */
const venueParams = z.looseObject({ name: z.string() }).transform(({ name, ...given }, context) => {
  const venue = venues.get(name)
  if (venue === undefined) {
    context.addIssue(`no venue "${name}"; there are ${[...venues.keys()].join(', ')}`)
    return z.NEVER
  }
  const parsed = z.safeParse(venue.params, given)
  if (parsed.success) return { name, ...(parsed.data as Readonly<Record<string, unknown>>) }
  for (const { path, message } of parsed.error.issues) context.addIssue({ code: 'custom', path: [...path], message })
  return z.NEVER
})

const token = z.strictObject({
  address: Address.describe('its contract; of the wrapped coin where it is native'),
  decimals: z.int().min(0).max(36).describe('decimals of its smallest unit'),
  native: z.boolean().default(false).describe("the chain's own coin: paid and got unwrapped"),
})
const market = z.strictObject({
  instrument: z.string().min(3).describe('the instrument whose orders it takes: `VENUE:POOL`, as the feed spells it'),
  base: token.describe('what is bought and sold'),
  quote: token.describe('what it is paid with'),
  coin: z
    .enum(['base', 'quote', 'neither'])
    .default('neither')
    .describe('which of the two is the (wrapped) coin that gas is paid in: then fills tell it as their fee'),
  venue: venueParams.describe('the protocol that trades them, and its contracts'),
  slippage: share.optional().describe('share of the price a trade may be worse by; that of the sink where absent'),
  exact: z
    .enum(['by_side', 'in'])
    .default('by_side')
    .describe(
      '`by_side`: a buy names what shall come; `in`: a buy too names what is paid, for tokens that tax transfers',
    ),
  round_trip: share
    .optional()
    .describe(
      'the most that buying and selling at once may lose, tried in simulation before the first buy; not tried where absent',
    ),
})

export const evmParams = z.strictObject({
  ...rpcParams,
  signer: signerParams,
  markets: z
    .array(market)
    .min(1)
    .max(256)
    .refine(
      (all) => new Set(all.map(({ instrument }) => instrument)).size === all.length,
      'expected each instrument once',
    )
    .describe('what is traded, and where'),
  slippage: share.default(0.005).describe('share of the price a trade may be worse by, where the order has no limit'),
  time_to_live: positive('duration').default(30e6).describe('how long after its approval an order may still be signed'),
  deadline: positive('duration')
    .default(120e6)
    .describe('how long the contract may take a trade, after it was planned'),
  confirmations: z.int().min(0).max(1000).default(3).describe('blocks that must stand on a block before it counts'),
  stuck_after: z.int().min(1).max(1000).default(3).describe('blocks an order waits before it is made dearer'),
  cancel_after: duration()
    .default(30e6)
    .describe('how long after its deadline, by time of the chain, its nonce is taken back'),
  max_fee: gwei(200).describe('the most that is offered for a unit of gas, gwei'),
  min_tip: gwei(0.05).describe("the least of it that is the block producer's, gwei"),
  max_tip: gwei(5).describe("the most of it that is the block producer's, gwei"),
  tip_percentile: z.number().min(0).max(100).default(50).describe('which of the tips of the last blocks is offered, %'),
  max_gas_cost: decimal.default(0).describe('the most that the gas of one order may cost, coins; 0 for no limit'),
  grant: z.enum(['exact', 'max']).default('exact').describe('rights are given for one trade, or for all to come'),
  broadcast: z.enum(['one', 'all']).default('one').describe('whether the best node is given a transaction, or all are'),
  poll_every: positive('duration').default(1e6).describe('how often the chain is looked at while orders are under way'),
  simulation: z
    .strictObject({
      block_time: positive('duration')
        .default(12e6)
        .describe('time between blocks where the pipeline has no source of them'),
      inclusion_blocks: z.int().min(1).max(1000).default(1).describe('blocks from sending to inclusion'),
      revert_probability: z.number().min(0).max(1).default(0).describe('share of transactions that fail for no reason'),
      gas_used: z.int().min(21_000).default(150_000).describe('gas of one trade'),
      base_fee: gwei(10).describe('base fee where the pipeline has no source of blocks, gwei'),
    })
    .prefault({})
    .describe('how backtest and paper imitate the chain'),
})
export type EvmParams = z.output<typeof evmParams>

const wei = (gwei: number | string): bigint => unitsOf([gwei], 9)

/** Fees in wei: a definition says them in gwei and coins, as decimals. */
export const rulesOf = (params: EvmParams): ExecutorRules => ({
  ...params,
  max_fee: wei(params.max_fee),
  min_tip: wei(params.min_tip),
  max_tip: wei(params.max_tip),
  max_gas_cost: unitsOf([params.max_gas_cost], 18),
})

export const marketsOf = (params: EvmParams): readonly Market[] =>
  params.markets.map(({ instrument, venue, slippage, ...rest }) => ({
    ...rest,
    key: instrument,
    venue: open(venue),
    slippage: slippage ?? params.slippage,
    base_decimals: rest.base.decimals,
    quote_decimals: rest.quote.decimals,
  }))

function open({ name, ...params }: EvmParams['markets'][number]['venue']): Market['venue'] {
  return (venues.get(name) as ListedVenue).open(params)
}
