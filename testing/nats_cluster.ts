import { createServer } from 'node:net'
import { NatsServer, natsServerBinary, natsServerVersion } from './nats_server.ts'

/** A nats-server that may form a cluster: NATS_SERVER_NEW_BIN, or the one of this machine where it is 2.10.27 or newer. */
export function natsClusterBinary(environment = process.env): string | undefined {
  const { NATS_SERVER_NEW_BIN: named } = environment
  const binary = named !== undefined && named !== '' ? named : natsServerBinary(environment)
  if (binary === undefined) return undefined
  const [major = 0, minor = 0, patch = 0] = natsServerVersion(binary).split('.').map(Number)
  return major > 2 || minor > 10 || (minor === 10 && patch >= 27) ? binary : undefined
}

/**
 * A free port below those the system hands out by itself: one of these could be given to a server's other sockets before it
 * listens for its routes.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free) return port
  }
}

/** Real servers that replicate among each other, on free ports of this machine. */
export class NatsCluster {
  readonly nodes: readonly NatsServer[]
  private constructor(nodes: readonly NatsServer[]) {
    this.nodes = nodes
  }
  static async start(binary: string, size = 3): Promise<NatsCluster> {
    for (let tries = 0; tries < 3; tries++) {
      const cluster = await NatsCluster.begin(binary, size)
      if (await cluster.forms()) return cluster
      await cluster.stop()
    }
    throw new Error(`${binary}: ${size} servers did not become one cluster, three times over`)
  }
  private static async begin(binary: string, size: number): Promise<NatsCluster> {
    const ports = await Promise.all(Array.from({ length: size }, freePort))
    const routes = ports.map((port) => `nats://127.0.0.1:${port}`)
    const nodes = ports.map((_, i) =>
      NatsServer.start({
        binary,
        arguments: [
          ...['--cluster_name', 'tidegate', '-n', `node${i}`],
          // to the others only: a node that counts itself begins more often as one of two
          ...['--cluster', routes[i] as string, '--routes', routes.toSpliced(i, 1).join(',')],
        ],
      }),
    )
    return new NatsCluster(await Promise.all(nodes))
  }
  /** Of servers that start at the same moment two may elect a leader before they know the third, and never take it in. */
  private async forms(): Promise<boolean> {
    for (const began = performance.now(); performance.now() - began < 10_000; ) {
      const groups = await Promise.all(this.nodes.map(({ monitoring }) => metaGroupOf(monitoring)))
      if (groups.every(({ leader, cluster_size }) => leader && cluster_size === this.nodes.length)) return true
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return false
  }
  /** All addresses, for a client that goes on with another node when one dies. */
  get url(): string {
    return this.nodes.map(({ url }) => url).join(',')
  }
  node(name: string): NatsServer {
    return this.nodes[Number(name.slice('node'.length))] as NatsServer
  }
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()))
  }
}

async function metaGroupOf(monitoring: string): Promise<{ leader?: string; cluster_size?: number }> {
  const answer = (await (await fetch(`${monitoring}/jsz`)).json()) as { meta_cluster?: object }
  return answer.meta_cluster ?? {}
}
