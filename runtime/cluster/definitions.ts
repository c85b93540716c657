import { z } from 'zod'
import { TidegateError } from '../../schemas/errors.ts'
import type { Link } from '../log/jetstream/link.ts'
import { bucketOf } from '../log/layout.ts'
import { Bucket } from './bucket.ts'
import { Start } from './start.ts'

/** A deployed definition, as it stands for ever under `PIPELINE.vN`. */
export const Deployed = z.object({
  version: z.int().min(1),
  definition: z.unknown(),
  /** The plan hash the deployer worked out: a worker whose components give another one refuses. */
  plan: z.string(),
  /** The release of Tidegate that deployed it. */
  release: z.string(),
  by: z.string(),
  at: z.string(),
})
export type Deployed = z.output<typeof Deployed>

/** Of the streams whose sequences stand beside it, the marks of creation. */
const marks = z.record(z.string(), z.string()).optional()

/** Where a pipeline stands: one document, changed by compare-and-set. */
export const Pointer = z.object({
  pipeline: z.string(),
  /** What should be done: `drained` once everything up to `until` was taken. */
  state: z.enum(['running', 'paused', 'draining', 'drained']),
  version: z.int().min(1),
  /** What `rollback` goes back to. */
  previous: z.int().min(1).nullable(),
  /** The newest that was deployed: what `shadow` and `promote` take. */
  candidate: z.int().min(1),
  /** A version that runs beside, from the state after a commit of each range. */
  shadow: z
    .object({
      version: z.int().min(1),
      after: z.record(z.string(), z.int()),
      created: marks,
      keep: z.array(z.string()),
    })
    .nullable(),
  /** Nodes that kept their state when this version took over, though their params had changed. */
  keep: z.array(z.string()),
  /** Into how many ranges of key groups the pipeline is cut; fixed. */
  ranges: z.int().min(1).max(64),
  /** What the deployer said of where to begin. */
  from: Start.optional(),
  /** The first record of each tick stream a fresh stage takes; the oldest that is left then where none is named. */
  start: z.record(z.string(), z.int()),
  created: marks,
  /** While draining: the last record of each tick stream to take. */
  until: z.record(z.string(), z.int()).optional(),
})
export type Pointer = z.output<typeof Pointer>
export interface HeldPointer {
  readonly pointer: Pointer
  readonly revision: number
}

/** A place in a stage stream that was given a name. */
export const Savepoint = z.object({
  name: z.string(),
  version: z.int(),
  commits: z.record(z.string(), z.int()),
  created: marks,
  at: z.string(),
})
export type Savepoint = z.output<typeof Savepoint>

const VERSIONS = 32

/** The definitions of a namespace, on the server. */
export class Definitions {
  private readonly bucket: Bucket
  private constructor(bucket: Bucket) {
    this.bucket = bucket
  }
  static async open(link: Link, namespace: string, replicas = 1): Promise<Definitions> {
    const name = bucketOf(namespace, 'definitions')
    return new Definitions(await Bucket.open(link, { name, ttl: 0, history: VERSIONS, replicas }))
  }

  /** Rises with every change of anything here. */
  revision(): Promise<number> {
    return this.bucket.revision()
  }
  async pipelines(): Promise<readonly string[]> {
    const parts = (await this.bucket.keys()).map((key) => key.split('.'))
    return parts.flatMap(([pipeline = '', what, more]) => (what === 'current' && more === undefined ? [pipeline] : []))
  }
  async pointer(pipeline: string): Promise<HeldPointer | undefined> {
    const held = await this.bucket.get(`${pipeline}.current`)
    return held && { pointer: Pointer.parse(held.value), revision: held.revision }
  }
  /** @throws PIPELINE_UNKNOWN */
  async require(pipeline: string): Promise<HeldPointer> {
    const held = await this.pointer(pipeline)
    if (held !== undefined) return held
    const known = await this.pipelines()
    throw new TidegateError(
      'PIPELINE_UNKNOWN',
      `no pipeline "${pipeline}" is deployed; there ${known.length === 0 ? 'is none' : `are ${known.join(', ')}`}`,
      { pipeline, known },
    )
  }
  /** @throws PIPELINE_UNKNOWN */
  async version(pipeline: string, version: number): Promise<Deployed> {
    const held = await this.bucket.get(`${pipeline}.v${version}`)
    if (held !== undefined) return Deployed.parse(held.value)
    const known = await this.versions(pipeline)
    throw new TidegateError(
      'PIPELINE_UNKNOWN',
      `${pipeline} has no version ${version}; there ${known.length === 0 ? 'is none' : `are ${known.join(', ')}`}`,
      { pipeline, version, known },
    )
  }

  private async versions(pipeline: string): Promise<readonly number[]> {
    return (await this.bucket.keys())
      .filter((key) => key.startsWith(`${pipeline}.v`))
      .map((key) => Number(key.slice(pipeline.length + 2)))
      .sort((a, b) => a - b)
  }
  /** Stores a definition under the next number, unless the newest version is that plan already. */
  async add(
    pipeline: string,
    given: Omit<Deployed, 'version'>,
  ): Promise<{ readonly deployed: Deployed; readonly added: boolean }> {
    for (;;) {
      const newest = (await this.versions(pipeline)).at(-1) ?? 0
      const held = await this.bucket.get(`${pipeline}.v${newest}`)
      const there = held && Deployed.parse(held.value)
      if (there?.plan === given.plan) return { deployed: there, added: false }
      const deployed = { ...given, version: newest + 1 }
      if ((await this.bucket.create(`${pipeline}.v${deployed.version}`, deployed)) !== undefined)
        return { deployed, added: true }
    }
  }
  /** The first pointer of a pipeline; false when there is one. */
  async place(pointer: Pointer): Promise<boolean> {
    return (await this.bucket.create(`${pointer.pipeline}.current`, pointer)) !== undefined
  }
  /**
   * Changes the pointer; `change` may be asked again when somebody else was faster.
   * @throws PIPELINE_UNKNOWN, and what `change` throws
   */
  async move(pipeline: string, change: (pointer: Pointer) => Pointer): Promise<Pointer> {
    for (;;) {
      const { pointer, revision } = await this.require(pipeline)
      const next = change(pointer)
      if ((await this.bucket.update(`${pipeline}.current`, next, revision)) !== undefined) return next
    }
  }

  async savepoint(pipeline: string, savepoint: Savepoint): Promise<void> {
    if ((await this.bucket.create(`${pipeline}.savepoint.${savepoint.name}`, savepoint)) === undefined)
      throw new TidegateError('USAGE', `${pipeline} has a savepoint "${savepoint.name}"; savepoints are not changed`)
  }
  async savepoints(pipeline: string): Promise<readonly Savepoint[]> {
    const keys = (await this.bucket.keys()).filter((key) => key.startsWith(`${pipeline}.savepoint.`))
    const held = await Promise.all(keys.map((key) => this.bucket.get(key)))
    return held.flatMap((one) => (one === undefined ? [] : [Savepoint.parse(one.value)]))
  }
}
