import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { TidegateError } from '../schemas/errors.ts'

const Kept = z.object({
  definition: z.unknown(),
  plan: z.string(),
  /** The folder of the definition: where a project's own components are found. */
  near: z.string(),
  mode: z.enum(['paper', 'live']).default('paper'),
  /** What each source reads. */
  data: z.record(z.string(), z.string()),
})
type Kept = z.output<typeof Kept>
export type RunMode = Kept['mode']

/**
 * Where a run keeps its log, its definition and its files: `.tidegate/PIPELINE` unless told otherwise, and
 * `.tidegate/PIPELINE.live` where it trades: paper and money never share a log.
 */
export class RunDirectory {
  readonly path: string
  constructor(path: string) {
    this.path = path
  }
  static of(pipeline: string, given: string | undefined, mode: RunMode = 'paper'): RunDirectory {
    return new RunDirectory(given ?? join('.tidegate', mode === 'live' ? `${pipeline}.live` : pipeline))
  }
  get log(): string {
    return join(this.path, 'log')
  }
  file(name: string): string {
    return join(this.path, name)
  }
  /** No node id has a dot, so no file of a sink is ever called this. */
  private get record(): string {
    return this.file('run.definition.json')
  }

  /**
   * Keeps the definition beside the log, so that replay and parity need only the name.
   * @throws BINDING_INVALID when the run goes on, and reads other data than before; LIVE_REFUSED when it was in the other mode
   */
  keep(run: Kept, fresh: boolean): void {
    const before = fresh ? undefined : this.read()
    if (before !== undefined && before.mode !== run.mode)
      throw new TidegateError('LIVE_REFUSED', `${this.path} holds a ${before.mode} run; name another --dir`, {
        directory: this.path,
      })
    for (const [source, reads] of Object.entries(before?.data ?? {}))
      if (run.data[source] !== reads)
        throw new TidegateError(
          'BINDING_INVALID',
          `${this.path} goes on with ${source} reading ${reads}, found ${run.data[source] ?? 'nothing'}; name the same data, or another --dir`,
          { source, expected: reads, found: run.data[source] ?? null },
        )
    mkdirSync(this.path, { recursive: true })
    writeFileSync(`${this.record}.partial`, `${JSON.stringify(run, undefined, 2)}\n`)
    renameSync(`${this.record}.partial`, this.record)
  }
  /** @throws FILE_ABSENT */
  kept(): Kept {
    const kept = this.read()
    if (kept === undefined)
      throw new TidegateError(
        'FILE_ABSENT',
        `no run in ${this.path}; \`tidegate run FILE\` makes one, and what is deployed on a server is told by --log jetstream`,
        {
          directory: this.path,
        },
      )
    return kept
  }
  private read(): Kept | undefined {
    try {
      return Kept.parse(JSON.parse(readFileSync(this.record, 'utf8')))
    } catch {
      return undefined
    }
  }
}
