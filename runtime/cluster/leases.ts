import { z } from 'zod'
import type { Link } from '../log/jetstream/link.ts'
import { bucketOf } from '../log/layout.ts'
import { Bucket } from './bucket.ts'

/** Who holds a lease. `instance` tells a process from another one of the same name. */
export const Holder = z.looseObject({ worker: z.string(), instance: z.string() })
export type Holder = z.output<typeof Holder>

/** How long a lease outlives its last renewal, in seconds. */
export const LEASE_TTL = 2
const RENEW_MS = (LEASE_TTL * 1000) / 3

/** A lease that is held: `lost` fires when it is not any more. */
export interface Lease {
  readonly key: string
  readonly lost: AbortSignal
  /** What others read of us from the next renewal on. */
  say(facts: Readonly<Record<string, unknown>>): void
  release(): Promise<void>
}

/**
 * Who does what, for liveness alone: a lease says who should work, the commit says who did. An entry lives by the clock of
 * the server; nobody compares clocks.
 */
export class Leases {
  private readonly bucket: Bucket
  private readonly holder: Holder

  private constructor(bucket: Bucket, holder: Holder) {
    this.bucket = bucket
    this.holder = holder
  }
  static async open(link: Link, namespace: string, holder: Holder, replicas = 1): Promise<Leases> {
    const name = bucketOf(namespace, 'leases')
    return new Leases(await Bucket.open(link, { name, ttl: LEASE_TTL, history: 1, replicas }), holder)
  }

  /** Who holds the keys that begin so, of those that anybody holds. */
  async holders(...prefixes: readonly string[]): Promise<ReadonlyMap<string, Holder>> {
    const keys = (await this.bucket.keys()).filter((key) => prefixes.some((prefix) => key.startsWith(prefix)))
    const found = await Promise.all(keys.map(async (key) => [key, await this.holderOf(key)] as const))
    return new Map(found.flatMap(([key, holder]) => (holder === undefined ? [] : [[key, holder] as const])))
  }
  async holderOf(key: string): Promise<Holder | undefined> {
    const held = await this.bucket.get(key)
    return held === undefined ? undefined : Holder.parse(held.value)
  }

  /** Undefined when somebody else holds it. */
  async acquire(key: string, facts: Readonly<Record<string, unknown>> = {}): Promise<Lease | undefined> {
    const revision = await this.bucket.create(key, { ...this.holder, ...facts })
    return revision === undefined ? undefined : this.keep(key, revision, facts)
  }

  private keep(key: string, first: number, given: Readonly<Record<string, unknown>>): Lease {
    const lost = new AbortController()
    let [revision, facts, renewed] = [first, given, performance.now()]
    let renewal: Promise<void> = Promise.resolve()
    let released = false
    const renew = async () => {
      const began = performance.now()
      const next = await this.bucket.update(key, { ...this.holder, ...facts, renewal: revision }, revision)
      if (next !== undefined) {
        revision = next
        renewed = began
      } else if (!released) await this.reclaim(key, (found) => (revision = found)).then((ours) => ours || lost.abort())
    }
    const timer = setInterval(() => {
      // an outage: by our own clock, whose pace is all that counts
      if (performance.now() - renewed > LEASE_TTL * 1000) lost.abort()
      if (lost.signal.aborted) return clearInterval(timer)
      renewal = renewal.then(renew).catch(() => {})
    }, RENEW_MS)
    return {
      key,
      lost: lost.signal,
      say(next) {
        facts = next
      },
      release: async () => {
        released = true
        clearInterval(timer)
        // a server that is away keeps nobody: the lease runs out by itself
        await Promise.race([renewal, new Promise((resolve) => setTimeout(resolve, LEASE_TTL * 1000).unref())])
        if (!lost.signal.aborted) await this.bucket.remove(key, revision)
        lost.abort()
      },
    }
  }

  /** After a refused renewal: is what stands there ours, written by a renewal whose answer was lost? */
  private async reclaim(key: string, found: (revision: number) => void): Promise<boolean> {
    const held = await this.bucket.get(key)
    if (held === undefined || Holder.parse(held.value).instance !== this.holder.instance) return false
    found(held.revision)
    return true
  }
}
