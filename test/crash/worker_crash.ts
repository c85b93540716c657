import { NatsCluster, natsClusterBinary } from '../../testing/nats_cluster.ts'
import { NatsServer, natsServerBinary } from '../../testing/nats_server.ts'
import { compile } from './compile.ts'
import { whole } from './cuts.ts'
import { expectedOf, NAMES, Site } from './workers.ts'

export interface WorkerCrashResult {
  readonly runs: number
  readonly kills: number
  readonly wrong: number
  readonly by_point: Readonly<Record<string, number>>
  readonly outputs: number
  readonly first_wrong: string | null
}

const blows = ['before_commit', 'after_commit', 'worker', 'zombie', 'server', 'term'] as const
const GIVE_UP_MS = 60_000
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Three workers run a deployed pipeline of two ranges; they, and the server, are killed at commit points and at random,
 * stopped for longer than their leases last and let go on (zombies), and started again. What was committed and published
 * in the end is compared with a backtest.
 */
export async function workerCrash(options: {
  readonly runs: number
  readonly seed?: number
  /** Three servers, every stream on all of them; one at a time is killed, leaders first. */
  readonly cluster?: boolean
  /** The clocks of two of the workers are hours off. */
  readonly skew?: boolean
  readonly progress?: (text: string) => void
}): Promise<WorkerCrashResult> {
  const child = compile('test/crash/worker_child.js')
  const expected = await expectedOf()
  const next = whole(options.seed ?? 1)
  const by: Record<string, number> = {}
  const server = await (options.cluster === true ? replicated() : single())
  let [kills, wrong] = [0, 0]
  let firstWrong: string | null = null
  try {
    for (let run = 0; run < options.runs; run++) {
      const site = await insist(() => Site.open(`w${run}`, { ...server, skew: options.skew === true }, child))
      const story: string[] = []
      const strike = (blow: string) => {
        kills++
        by[blow] = (by[blow] ?? 0) + 1
        story.push(blow)
      }
      for (const name of NAMES) {
        const point = blows[next(2)] as string
        const dies = next(2) === 0
        site.start(name, dies ? point : 'none', 1 + next(40))
        if (dies) story.push(`${name} may die ${point}`)
      }
      for (let blow = 0; blow < 3; blow++) {
        await sleep(300 + next(1500))
        await hit(blows[2 + next(4)] as string, NAMES[next(NAMES.length)] as string, { site, server, next, strike })
        // who died by itself counts too
        for (const [name, worker] of site.workers)
          if (worker.signalCode === 'SIGKILL' && !story.includes(`${name} dead`)) story.push(`${name} dead`)
        for (const name of NAMES) site.start(name)
      }
      const problem = await finish(site, expected)
      for (const line of story) if (line.endsWith(' dead')) strike('at a commit point')
      if (problem !== undefined) {
        wrong++
        const told = `run ${run}: ${story.join(', ')}: ${problem}`
        firstWrong ??= told
        options.progress?.(`${told}\n${site.said()}`)
      }
      await insist(() => site.close())
      options.progress?.(`${run + 1} runs, ${kills} kills, ${wrong} wrong`)
    }
  } finally {
    await server.stop()
  }
  return { runs: options.runs, kills, wrong, by_point: by, outputs: expected.count, first_wrong: firstWrong }
}

interface Ground {
  readonly url: string
  readonly replicas: 1 | 3
  /** Ends a server with SIGKILL, and starts it again. */
  readonly blow: (next: (below: number) => number) => Promise<void>
  readonly stop: () => Promise<void>
}
async function single(): Promise<Ground> {
  const binary = natsServerBinary()
  if (binary === undefined) throw new Error('no nats-server here: apt-get install nats-server, or set NATS_SERVER_BIN')
  const server = await NatsServer.start({ binary })
  return { url: server.url, replicas: 1, blow: (next) => again(server, next(600)), stop: () => server.stop() }
}
async function replicated(): Promise<Ground> {
  const binary = natsClusterBinary()
  if (binary === undefined) throw new Error('no nats-server of 2.10.27 or newer here: set NATS_SERVER_NEW_BIN')
  const cluster = await NatsCluster.start(binary)
  const { url } = cluster
  // each node leads some of the streams, so a random one is the leader of something
  const blow = (next: (below: number) => number) => again(cluster.nodes[next(3)] as NatsServer, 200 + next(3000))
  return { url, replicas: 3, blow, stop: () => cluster.stop() }
}
async function again(server: NatsServer, after: number): Promise<void> {
  await server.kill()
  await sleep(after)
  await server.restart()
}

async function hit(
  blow: string,
  name: string,
  {
    site,
    server,
    next,
    strike,
  }: {
    readonly site: Site
    readonly server: Ground
    readonly next: (below: number) => number
    readonly strike: (blow: string) => void
  },
): Promise<void> {
  if (blow === 'server') {
    await server.blow(next)
    strike(blow)
  } else if (blow === 'zombie') {
    // longer than its leases last: others go on meanwhile, then it wakes and believes itself their owner
    if (!site.signal(name, 'SIGSTOP')) return
    await sleep(2500 + next(1000))
    site.signal(name, 'SIGCONT')
    strike(blow)
  } else if (site.signal(name, blow === 'term' ? 'SIGTERM' : 'SIGKILL')) {
    strike(blow)
    await sleep(50)
  }
}

/** What we ask ourselves may meet an election too: it is asked again. */
async function insist<T>(question: () => Promise<T>): Promise<T> {
  for (const began = performance.now(); ; await sleep(200))
    try {
      return await question()
    } catch (error) {
      if (performance.now() - began > GIVE_UP_MS) throw error
    }
}

async function finish(site: Site, expected: Awaited<ReturnType<typeof expectedOf>>): Promise<string | undefined> {
  const signals = [...expected.signals.values()].reduce((sum, ids) => sum + ids.length, 0)
  for (const began = performance.now(); ; await sleep(100)) {
    for (const name of NAMES) site.start(name)
    if (await insist(async () => (await site.done()) && (await site.published()).length >= signals))
      return insist(() => site.verdict(expected))
    if (performance.now() - began > GIVE_UP_MS)
      return `not done after ${GIVE_UP_MS / 1000} s: ${(await insist(() => site.verdict(expected))) ?? 'all is there, but the feed has no end'}`
  }
}
