import { z } from 'zod'
import { unitsOf } from '../../schemas/fixed.ts'
import { duration, Instrument } from '../../schemas/units.ts'
import type { ExecutorRules } from './executor.ts'
import { Address } from './hex.ts'
import { signerParams } from './keys/open_signer.ts'
import type { Market, Pair } from './market.ts'
import { rpcParams } from './rpc_params.ts'
import { type ListedVenue, venues } from './venues/catalogue.ts'

/** A decimal number, kept as the text it was written as: what is parsed twice stays what it is. */
const decimal = () =>
  z.union([
    z
      .number()
      .nonnegative()
      .transform((value) => String(value)),
    z.string().regex(/^\d+(?:\.\d+)?(?:e[+-]?\d{1,2})?$/, 'expected a decimal number, such as 30 or "0.1"'),
  ])
const gwei = () => decimal().refine((text) => Number(text) <= 1e9, 'expected at most 1000000000 gwei')
const positive = () => duration().refine((micros) => micros > 0, 'expected a positive duration')
const fraction = () => z.number().min(0).max(0.5)

/** A protocol by its name, with the params that are its own. */
const venueParams = z.looseObject({ name: z.string() }).transform(({ name, ...given }, context) => {
  const venue = venues.get(name)
  if (venue === undefined) {
    context.addIssue({ code: 'custom', message: `no venue "${name}"; there are ${[...venues.keys()].join(', ')}` })
    return z.NEVER
  }
  const parsed = z.safeParse(venue.params, given)
  if (parsed.success) return { name, ...(parsed.data as Readonly<Record<string, unknown>>) }
  for (const { path, message } of parsed.error.issues) context.addIssue({ code: 'custom', path: [...path], message })
  return z.NEVER
})

const token = z.strictObject({
  address: Address.describe('contract of the token; that of the wrapped coin where it is the coin of the chain'),
  decimals: z.int().min(0).max(36).describe('decimals the contract counts in'),
  native: z.boolean().default(false).describe('true: paid and got as the coin of the chain itself'),
})
const market = z.strictObject({
  instrument: Instrument.describe('the instrument whose orders are traded here'),
  base: token.describe('what is bought and sold'),
  quote: token.describe('what is paid with'),
  venue: venueParams.describe('where it is traded: the `name` of a venue, and its params (docs/venues.md)'),
  slippage: fraction().optional().describe('share of the price, for this market alone'),
  exact: z
    .enum(['in', 'by_side'])
    .default('by_side')
    .describe('by_side: buys name what shall come, sells what is paid; in: both name what is paid'),
  coin: z
    .enum(['base', 'quote', 'neither'])
    .optional()
    .describe('which of the two is the coin gas is paid in, or wraps it; the native one when absent'),
  round_trip: fraction()
    .optional()
    .describe(
      'most that buying and selling at once may lose, tried in simulation before each buy; not tried when absent',
    ),
  base_is: z
    .enum(['token0', 'token1'])
    .optional()
    .describe('which token of its pool the base is, for simulation; the order of the addresses tells when absent'),
})

export const evmSwapParams = z.strictObject({
  ...rpcParams,
  signer: signerParams,
  markets: z
    .array(market)
    .min(1)
    .refine((all) => new Set(all.map((m) => m.instrument)).size === all.length, 'expected each instrument once')
    .describe('what may be traded, and where'),
  slippage: fraction().default(0.005).describe('share of the price of an order without a limit that may be given away'),
  time_to_live: positive().default(30e6).describe('how long after its approval an order may still be signed'),
  deadline: positive().default(120e6).describe('how long after signing the contract may take the trade'),
  confirmations: z.int().min(0).max(1000).default(3).describe('blocks on top of its own before a trade counts'),
  stuck_after: z.int().min(1).max(1000).default(3).describe('blocks a transaction waits before it is made dearer'),
  cancel_after: duration().default(60e6).describe('how long after its deadline a transaction is taken back'),
  max_fee: gwei().default('100').describe('most that is offered for a unit of gas, gwei'),
  min_tip: gwei()
    .default('0.01')
    .describe('least that is offered to the producer of the block for a unit of gas, gwei'),
  max_tip: gwei().default('3').describe('most that is offered to the producer of the block for a unit of gas, gwei'),
  tip_percentile: z
    .number()
    .min(0)
    .max(100)
    .default(50)
    .describe('which of the tips of the last blocks is offered, percent'),
  max_gas_cost: decimal()
    .default('0')
    .describe('most that the gas of a transaction may cost, in coins of the chain; 0 for no limit'),
  grant: z
    .enum(['exact', 'max'])
    .default('exact')
    .describe('rights over tokens are given for one trade, or once for all'),
  poll_every: positive().default(1e6).describe('how often the chain is looked at'),
  broadcast: z.enum(['one', 'all']).default('one').describe('transactions are given to one node, or to all'),
  simulation: z
    .strictObject({
      block_time: positive().default(12e6).describe('time between blocks where no rows tell of them'),
      inclusion_blocks: z.int().min(1).max(1000).default(1).describe('blocks until a transaction is in one'),
      revert_probability: z.number().min(0).max(1).default(0).describe('share of trades that revert by chance'),
      gas_used: z.int().min(21_000).max(30_000_000).default(150_000).describe('gas a trade takes, units'),
      base_fee: gwei().default('10').describe('base fee of a unit of gas where no rows tell of it, gwei'),
      open_orders: z
        .int()
        .min(1)
        .max(64)
        .default(16)
        .describe('orders that may be under way at a time, per instrument; more are rejected'),
    })
    .prefault({})
    .describe('how the chain is simulated in backtest and paper'),
})
export type EvmSwapParams = z.output<typeof evmSwapParams>

const wei = (of: string): bigint => unitsOf([of], 9)

/** What the params say of gas and time, in wei and µs. */
export const rulesOf = (p: EvmSwapParams): ExecutorRules => ({
  time_to_live: p.time_to_live,
  deadline: p.deadline,
  confirmations: p.confirmations,
  stuck_after: p.stuck_after,
  cancel_after: p.cancel_after,
  max_fee: wei(p.max_fee),
  min_tip: wei(p.min_tip),
  max_tip: wei(p.max_tip),
  tip_percentile: p.tip_percentile,
  max_gas_cost: unitsOf([p.max_gas_cost], 18),
  grant: p.grant,
  poll_every: p.poll_every,
  broadcast: p.broadcast,
})
export const simulationOf = ({ simulation: { base_fee, gas_used, ...rest } }: EvmSwapParams) => ({
  ...rest,
  base_fee: wei(base_fee),
  gas_used: BigInt(gas_used),
})

/** What the markets trade, without where. */
export const pairOf = (m: EvmSwapParams['markets'][number], { slippage }: Pick<EvmSwapParams, 'slippage'>): Pair => ({
  key: m.instrument,
  base: m.base,
  quote: m.quote,
  base_decimals: m.base.decimals,
  quote_decimals: m.quote.decimals,
  coin: m.coin ?? (m.base.native ? 'base' : m.quote.native ? 'quote' : 'neither'),
  slippage: m.slippage ?? slippage,
  exact: m.exact,
  round_trip: m.round_trip,
})
export const marketsOf = (params: EvmSwapParams): readonly Market[] =>
  params.markets.map((market) => {
    const { name, ...own } = market.venue
    return { ...pairOf(market, params), venue: (venues.get(name) as ListedVenue).open(own) }
  })
/** Pools know their tokens by the order of their addresses; those of Uniswap V4 know the coin as address 0. */
export function isToken0({ instrument, base, quote, base_is }: EvmSwapParams['markets'][number]): boolean {
  if (base_is !== undefined) return base_is === 'token0'
  if (instrument.startsWith('uniswap_v4:') && (base.native || quote.native)) return base.native
  return base.address < quote.address
}
