import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { operators } from '../operators/catalogue.ts'
import type { Catalogue, Definition, Operator, Sink, Source } from '../runtime/define.ts'
import { listed } from '../runtime/define.ts'
import { sinks } from '../sinks/catalogue.ts'
import { sources } from '../sources/catalogue.ts'
import { defaultOf, importModule } from './definition.ts'

/** What a project adds: the default export of its tidegate.config.ts. */
export interface Project {
  readonly operators?: readonly Definition<Operator>[]
  readonly sources?: readonly Definition<Source>[]
  readonly sinks?: readonly Definition<Sink>[]
}
const builtIn: Catalogue = { operators, sources, sinks }
const files = ['tidegate.config.ts', 'tidegate.config.js', 'tidegate.config.mjs']

/** The built-in components, and those of the nearest tidegate.config at or above a place. */
export async function catalogueNear(near = '.'): Promise<Catalogue> {
  for (let folder = resolve(near); ; folder = dirname(folder)) {
    const file = files.map((name) => join(folder, name)).find(existsSync)
    if (file !== undefined) {
      const project = defaultOf<Project>(await importModule(file)) ?? {}
      return {
        operators: { ...operators, ...listed(...(project.operators ?? [])) },
        sources: { ...sources, ...listed(...(project.sources ?? [])) },
        sinks: { ...sinks, ...listed(...(project.sinks ?? [])) },
      }
    }
    if (folder === dirname(folder)) return builtIn
  }
}
