import { hostname, userInfo } from 'node:os'
import { Definitions } from '../runtime/cluster/definitions.ts'
import type { Deploying } from '../runtime/cluster/deploy.ts'
import { Plans } from '../runtime/cluster/plans.ts'
import { prepare } from '../runtime/cluster/prepare.ts'
import { type Link, openLink } from '../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../runtime/log/jetstream/log.ts'
import { plan } from '../runtime/plan.ts'
import { TidegateError } from '../schemas/errors.ts'
import { numberOption } from './args.ts'
import type { Args, Context } from './verb.ts'

export const natsOptions = {
  nats: {
    type: 'string',
    value: 'URL',
    help: 'the NATS server; TIDEGATE_NATS, or nats://127.0.0.1:4222, unless named',
  },
  creds: { type: 'string', value: 'FILE', help: 'nkey seed or credentials; TIDEGATE_CREDS unless named' },
  'tls-ca': { type: 'string', value: 'FILE', help: 'the authority of the server; TIDEGATE_TLS_CA unless named' },
  'tls-cert': { type: 'string', value: 'FILE', help: 'our certificate; TIDEGATE_TLS_CERT unless named' },
  'tls-key': { type: 'string', value: 'FILE', help: 'the key of our certificate; TIDEGATE_TLS_KEY unless named' },
  namespace: { type: 'string', value: 'NS', help: 'paper unless named; namespaces see nothing of each other' },
} as const
export const replicasOption = {
  type: 'string',
  value: '1|3|5',
  help: 'copies of every stream in a cluster; 1 unless named',
} as const

/** Who we are to the server: its permissions go by role, and replies come on `_INBOX.<role>.>`. */
export type Role = 'operator' | 'worker' | 'ingest' | 'subscriber' | 'replay'

export interface Cluster extends Deploying {
  readonly link: Link
  readonly namespace: string
  readonly replicas: number
  close(): Promise<void>
}

export function namespaceOf(args: Args): string {
  const live = args.value('mode') === 'live' || args.flags.has('live')
  const namespace = args.value('namespace') ?? (live ? 'live' : 'paper')
  if (live && namespace === 'paper')
    throw new TidegateError('LIVE_REFUSED', '--namespace paper is for paper: a live run keeps its log apart', {
      namespace,
    })
  if (!/^[a-z][a-z0-9_]{0,31}$/.test(namespace))
    throw new TidegateError('USAGE', `--namespace: expected lower-case letters, digits and _, found "${namespace}"`)
  return namespace
}

/** @throws NATS_UNREACHABLE, NATS_REFUSED, FILE_ABSENT */
export function openServer(args: Args, { environment }: Context, role: Role): Promise<Link> {
  const given = (option: string, variable: string) => args.value(option) ?? environment[variable]
  const [ca, cert, key] = [
    given('tls-ca', 'TIDEGATE_TLS_CA'),
    given('tls-cert', 'TIDEGATE_TLS_CERT'),
    given('tls-key', 'TIDEGATE_TLS_KEY'),
  ]
  return openLink({
    servers: given('nats', 'TIDEGATE_NATS') ?? 'nats://127.0.0.1:4222',
    name: `tidegate ${role}`,
    role,
    credentials: given('creds', 'TIDEGATE_CREDS'),
    ...((ca ?? cert ?? key) !== undefined && {
      tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
    }),
  })
}

/** The server, its log and what is deployed there. */
export async function openCluster(args: Args, context: Context, role: Role): Promise<Cluster> {
  const namespace = namespaceOf(args)
  const replicas = replicasOf(args)
  const link = await openServer(args, context, role)
  try {
    const log = await openJetStreamLog(link, { namespace, replicas })
    const definitions = await Definitions.open(link, namespace, replicas)
    const plans = new Plans(definitions, async (definition) => plan(definition, await context.catalogue('.'), 'paper'))
    const close = async () => {
      await log.close()
      await link.close()
    }
    const on = { link, namespace, replicas, log }
    return { ...on, definitions, plans, prepare: (pipeline, ranges) => prepare(on, pipeline, ranges), close }
  } catch (error) {
    await link.close()
    throw error
  }
}

/** Does something with the cluster, and closes it whatever comes of it. */
export async function withCluster(
  args: Args,
  context: Context,
  role: Role,
  work: (cluster: Cluster) => Promise<void>,
): Promise<void> {
  const cluster = await openCluster(args, context, role)
  try {
    await work(cluster)
  } finally {
    await cluster.close()
  }
}

function replicasOf(args: Args): number {
  const replicas = numberOption(args, 'replicas') ?? 1
  if (replicas !== 1 && replicas !== 3 && replicas !== 5)
    throw new TidegateError('USAGE', `--replicas: expected 1, 3 or 5, found ${replicas}`)
  return replicas
}

export const whoami = (): string => `${userInfo().username}@${hostname()}`
