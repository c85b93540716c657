import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { TidegateError } from '../schemas/errors.ts'

const saved = z.object({ definition: z.unknown(), plan: z.string(), near: z.string() })

/** Where a run keeps its log, its definition and its files: `.tidegate/PIPELINE` unless told otherwise. */
export class RunDirectory {
  readonly path: string
  constructor(path: string) {
    this.path = path
  }
  static of(pipeline: string, given: string | undefined): RunDirectory {
    return new RunDirectory(given ?? join('.tidegate', pipeline))
  }
  get log(): string {
    return join(this.path, 'log')
  }
  file(name: string): string {
    return join(this.path, name)
  }
  /** Keeps the definition beside the log, so that replay and parity need only the name. */
  keep(definition: unknown, plan: string, near: string): void {
    mkdirSync(this.path, { recursive: true })
    const file = this.file('definition.json')
    if (!existsSync(file)) writeFileSync(file, `${JSON.stringify({ definition, plan, near }, undefined, 2)}\n`)
  }
  /** @throws FILE_ABSENT */
  kept(): { definition: unknown; plan: string; near: string } {
    const file = this.file('definition.json')
    if (!existsSync(file))
      throw new TidegateError('FILE_ABSENT', `no run in ${this.path}; \`tidegate run FILE\` makes one`, {
        directory: this.path,
      })
    const parsed = saved.safeParse(JSON.parse(readFileSync(file, 'utf8')))
    if (!parsed.success) throw new TidegateError('DEFINITION_UNREADABLE', `${file}: ${z.prettifyError(parsed.error)}`)
    return parsed.data
  }
}
