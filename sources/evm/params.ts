import { z } from 'zod'
import { endpointParams, endpointsOf, type SourceContext } from '../../runtime/define.ts'
import { duration } from '../../schemas/units.ts'
import { type SocketLimits, socketLimits } from '../feed/socket.ts'
import type { FollowerSettings } from './follower.ts'
import { poolParams } from './pools.ts'

const positive = (what: string) => duration().refine((micros) => micros > 0, `expected a positive ${what}`)

/** What every source of an EVM chain is told. */
export const chainParams = {
  chain_id: z.int().positive().describe('id of the chain (EIP-155): 1 is Ethereum; endpoints of another are not used'),
  endpoints: endpointParams.describe(
    'nodes: names (`--endpoint NAME=URL`), environment variables (`$TIDEGATE_…`) or addresses; several make failover',
  ),
  confirmations: z.int().min(0).max(1000).default(0).describe('blocks that must stand on a block before it is told'),
  reorg_depth: z.int().min(1).max(4096).default(64).describe('blocks that can be taken back'),
  backfill: z.int().min(0).default(2000).describe('blocks that are fetched after an outage; more are a gap'),
  poll_every: positive('duration')
    .default(1e6)
    .describe('how often a node without subscriptions is asked for its head'),
  stall_after: positive('duration').default(60e6).describe('without a new head for this long a connection is given up'),
  request_timeout: positive('duration').default(5e6).describe('what one question to one node may take'),
  max_lag: z.int().min(1).default(2).describe('blocks the leading endpoint may be behind another'),
  heartbeat_every: positive('duration').default(1e6).describe('event time between heartbeats at least'),
} as const
export const fromBlock = z
  .int()
  .nonnegative()
  .optional()
  .describe('the first block to tell, at a first start; the head where it is absent')

export const poolsParam = z
  .array(poolParams)
  .min(1)
  .max(1000)
  .refine((pools) => new Set(pools.map(({ address, pool_id }) => pool_id ?? address)).size === pools.length, {
    message: 'expected each pool once',
  })
  .describe('the pools, in the order of their heartbeats')

type ChainParams = z.output<z.ZodObject<typeof chainParams>>

/** Nodes see a ping every few seconds: a chain has no more to say. */
export const nodeLimits: SocketLimits = { ...socketLimits, pingAfter: 10e6, startAttempts: 1 }

/** @throws ENDPOINT_UNKNOWN for an endpoint without an address */
export const followerSettings = (
  name: string,
  given: ChainParams,
  context: SourceContext,
  limits: SocketLimits,
): FollowerSettings => ({
  ...given,
  name,
  // an address given on the command line wins, also over the environment
  endpoints: endpointsOf(
    name,
    given.endpoints,
    (text) => context.endpoint(text) ?? (text.startsWith('$') ? context.secret?.(text.slice(1)) : undefined),
  ),
  limits: { ...limits, stallAfter: given.stall_after },
  stale_after: given.stall_after,
})
