import type { ChildProcess } from 'node:child_process'
import { NatsServer, natsServerBinary, natsServerVersion } from '../testing/nats_server.ts'
import { type Bench, machine, median, node, rounded } from './support.ts'
import { TakeoverSite } from './takeover/site.ts'

const BEHIND = 2 ** 30
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export interface TakeoverBench {
  readonly bench: 'takeover'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly nats_server: string
  readonly kills: number
  readonly stream_bytes: number
  /** Milliseconds from the kill to the end of the lease, from there to the first commit of the next owner, and in all. */
  readonly lease: { readonly median: number; readonly worst: number }
  readonly commit: { readonly median: number; readonly worst: number }
  readonly whole: { readonly median: number; readonly worst: number }
}

async function until(what: () => Promise<boolean>, seconds: number): Promise<void> {
  for (const began = performance.now(); !(await what()); await sleep(5))
    if (performance.now() - began > seconds * 1000) throw new Error(`waited ${seconds} s in vain`)
}

/** How long nothing is committed when the worker that commits is killed, with another one idle beside it. */
export const takeover: Bench<TakeoverBench> = {
  summary: 'from the death of a worker to the first commit of the next, with 1 GB of ticks behind',
  async run(progress, { rounds }) {
    const binary = natsServerBinary()
    if (binary === undefined)
      throw new Error('no nats-server here: apt-get install nats-server, or set NATS_SERVER_BIN')
    const server = await NatsServer.start({ binary })
    const workers = new Map<string, ChildProcess>()
    const [lease, commit, whole]: number[][] = [[], [], []]
    try {
      const site = await TakeoverSite.open(server)
      await site.fill(BEHIND)
      progress('takeover: 1 GB of ticks is stored')
      const start = (name: string) => workers.set(name, site.start(name))
      start('a')
      start('b')
      await until(async () => (await site.behind()) < 10, 300)
      site.tick()
      for (let round = 0; round < rounds; round++) {
        await sleep(3000)
        const owner = (await site.owner()) as string
        const killed = performance.now()
        workers.get(owner)?.kill('SIGKILL')
        await until(async () => (await site.leased()) !== owner, 30)
        const expired = performance.now()
        await until(async () => (await site.owner()) !== owner, 60)
        const committed = performance.now()
        lease!.push(expired - killed)
        commit!.push(committed - expired)
        whole!.push(committed - killed)
        progress(
          `takeover: lease over after ${rounded(expired - killed)} ms, first commit ${rounded(committed - expired)} ms later`,
        )
        start(owner)
      }
      await site.close()
    } finally {
      for (const worker of workers.values()) worker.kill('SIGKILL')
      await server.stop()
    }
    const of = (values: number[] = []) => ({ median: rounded(median(values)), worst: rounded(Math.max(...values)) })
    return {
      bench: 'takeover',
      machine: machine(),
      node,
      nats_server: natsServerVersion(binary),
      kills: rounds,
      stream_bytes: BEHIND,
      lease: of(lease),
      commit: of(commit),
      whole: of(whole),
    }
  },
  table: ({ lease, commit, whole }) => [
    ['', 'median ms', 'worst ms'],
    ['kill to the end of the lease', lease.median, lease.worst],
    ['end of the lease to the first commit', commit.median, commit.worst],
    ['in all', whole.median, whole.worst],
  ],
}
