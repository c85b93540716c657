import { z } from 'zod'
import { type Clock, endpointParams, endpointsOf } from '../../runtime/define.ts'
import { duration } from '../../schemas/units.ts'
import { Nodes } from './nodes.ts'

/** What a sink of an EVM chain is told of its nodes. */
export const rpcParams = {
  chain_id: z.int().positive().describe('id of the chain (EIP-155): 1 is Ethereum; endpoints of another are not used'),
  endpoints: endpointParams.describe(
    'nodes, the preferred first: names (`--endpoint NAME=URL`), environment variables (`$TIDEGATE_…`) or addresses; each needs http',
  ),
  relay: endpointParams.element
    .optional()
    .describe('private relay: where it is given, transactions go there and never to `endpoints`'),
  request_timeout: duration()
    .refine((micros) => micros > 0, 'expected a positive duration')
    .default(2e6)
    .describe('what one question to one node may take'),
  hedge: z
    .enum(['late', 'failed'])
    .default('late')
    .describe('when another node is asked too: when the first is later than usual, or only when it failed'),
  max_lag: z.int().min(0).default(2).describe('blocks a node may be behind the best before it is asked last'),
} as const
type RpcParams = z.output<z.ZodObject<typeof rpcParams>>

export interface RpcEnvironment {
  readonly clock: Clock
  readonly endpoint: (name: string) => string | undefined
  readonly secret: (name: string) => string | undefined
  readonly notice: (text: string) => void
}

/** Opens nothing yet: the first question does. @throws ENDPOINT_UNKNOWN */
export function nodesOf(sink: string, params: RpcParams, environment: RpcEnvironment): Nodes {
  const { clock, notice, endpoint, secret } = environment
  const addressOf = (name: string) => endpoint(name) ?? (name.startsWith('$') ? secret(name.slice(1)) : undefined)
  const [relay] = params.relay === undefined ? [] : endpointsOf(sink, [params.relay], addressOf)
  const { chain_id, hedge, max_lag, request_timeout: timeout } = params
  return new Nodes({
    ...{ chain_id, hedge, max_lag, timeout, clock, notice },
    endpoints: endpointsOf(sink, params.endpoints, addressOf),
    ...(relay !== undefined && { relay }),
  })
}
