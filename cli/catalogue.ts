import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { operators } from '../operators/catalogue.ts'
import type { Catalogue, Definition, Operator, Sink, Source } from '../runtime/define.ts'
import { listed } from '../runtime/define.ts'
import { nearest } from '../runtime/nearest.ts'
import { TidegateError } from '../schemas/errors.ts'
import { sinks } from '../sinks/catalogue.ts'
import { sources } from '../sources/catalogue.ts'
import { defaultExport } from './default_export.ts'

/** What a project adds: the default export of its tidegate.config.ts. */
export interface Project {
  readonly operators?: readonly Definition<Operator>[]
  readonly sources?: readonly Definition<Source>[]
  readonly sinks?: readonly Definition<Sink>[]
}
const roles = { operators: 'operator', sources: 'source', sinks: 'sink' } as const
const builtIn: Catalogue = { operators, sources, sinks }
const files = ['tidegate.config.ts', 'tidegate.config.js', 'tidegate.config.mjs']

/**
 * The built-in components, and those of the nearest tidegate.config at or above a place.
 * @throws CONFIG_INVALID
 */
export async function catalogueNear(near = '.'): Promise<Catalogue> {
  for (let folder = resolve(near); ; folder = dirname(folder)) {
    const file = files.map((name) => join(folder, name)).find(existsSync)
    if (file !== undefined) {
      const project = await projectOf(file)
      return {
        operators: { ...operators, ...listed(...(project.operators ?? [])) },
        sources: { ...sources, ...listed(...(project.sources ?? [])) },
        sinks: { ...sinks, ...listed(...(project.sinks ?? [])) },
      }
    }
    if (folder === dirname(folder)) return builtIn
  }
}

async function projectOf(file: string): Promise<Project> {
  const invalid = (reason: string, cause?: unknown) =>
    new TidegateError('CONFIG_INVALID', `${file}: ${reason}`, { file }, cause)
  const project = await defaultExport(file, 'an object', invalid)
  for (const [name, list] of Object.entries(project)) {
    if (!Object.hasOwn(roles, name)) {
      const near = nearest(name, Object.keys(roles))
      throw invalid(
        `${name}: unrecognised${near ? `; did you mean "${near}"?` : `; expected ${Object.keys(roles).join(', ')}`}`,
      )
    }
    if (!Array.isArray(list)) throw invalid(`${name}: expected a list, found ${typeof list}`)
    const role = roles[name as keyof typeof roles]
    const odd = list.findIndex((item: Partial<Definition<Operator>> | undefined) => item?.definition?.role !== role)
    if (odd >= 0)
      throw invalid(`${name}[${odd}]: expected what define${role.charAt(0).toUpperCase()}${role.slice(1)} gives`)
    // definitions and logs know a component by its name alone
    const names = list.map((item: Definition<Operator>) => item.definition.name)
    for (const [at, own] of names.entries()) {
      const isBuiltIn = Object.hasOwn(builtIn[name as keyof typeof roles], own)
      if (!isBuiltIn && names.indexOf(own) === at) continue
      const why = isBuiltIn ? 'is built in' : 'is there twice'
      throw invalid(`${name}[${at}]: the ${role} "${own}" ${why}: give this one another name`)
    }
  }
  return project
}
