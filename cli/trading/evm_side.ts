import { wallClock } from '../../runtime/clock.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { Chain } from '../../sinks/evm/chain.ts'
import { type Insist, insistentFor } from '../../sinks/evm/insist.ts'
import type { Market } from '../../sinks/evm/market.ts'
import type { Nodes } from '../../sinks/evm/nodes.ts'
import { marketsOf } from '../../sinks/evm/params.ts'
import { nodesOf } from '../../sinks/evm/rpc_params.ts'
import { endpointsOf } from '../endpoints.ts'
import type { Args, Context } from '../verb.ts'
import { type EvmSink, secretsOf } from './journals.ts'

/** The chain of an execution sink, without its key. */
export interface EvmSide extends EvmSink {
  readonly chain: Chain
  readonly nodes: Nodes
  readonly insist: Insist
  readonly markets: ReadonlyMap<string, Market>
}

/** Opens nothing yet: the first question does. @throws ENDPOINT_UNKNOWN */
export function evmSideOf(sink: EvmSink, args: Args, context: Context): EvmSide {
  const { node, params } = sink
  const environment = {
    ...{ clock: wallClock, secret: secretsOf(context), endpoint: endpointsOf(args) },
    notice: (text: string) => context.io.say(`${node}: ${text}`),
  }
  const nodes = nodesOf(node, params, environment)
  return {
    ...sink,
    nodes,
    chain: new Chain(nodes, params.signer.address),
    insist: insistentFor({ clock: wallClock, node }),
    markets: new Map(marketsOf(params).map((market) => [market.key, market])),
  }
}

/** The sinks that are meant: one by --node, otherwise all. @throws USAGE */
export function sinksMeant(
  sinks: readonly EvmSink[],
  pipeline: string,
  wanted: string | undefined,
): readonly EvmSink[] {
  if (sinks.length === 0)
    throw new TidegateError('USAGE', `${pipeline} has no execution sink that trades on an EVM chain`)
  const found = sinks.filter(({ node }) => wanted === undefined || node === wanted)
  if (found.length > 0) return found
  throw new TidegateError(
    'USAGE',
    `--node ${wanted}: no such execution sink; there are ${sinks.map(({ node }) => node).join(', ')}`,
    { node: wanted },
  )
}

/** @throws LIVE_REFUSED where the consent is missing, or names another account */
export function consented(
  args: Args,
  { pipeline, address, to }: Readonly<Record<'pipeline' | 'address' | 'to', string>>,
): void {
  const given = args.value('confirm')
  if (given?.toLowerCase() === address) return
  const what = given === undefined ? 'is missing' : `names ${given}`
  throw new TidegateError('LIVE_REFUSED', `${pipeline}: ${to} needs --confirm ${address}; it ${what}`, { address })
}
