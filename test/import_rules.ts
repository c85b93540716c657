import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, normalize } from 'node:path'
import ts from 'typescript'

/** What a room may look into. An entry that names a file opens that one door only. */
export interface Room {
  readonly ours: readonly string[] | 'everything'
  readonly packages: readonly string[]
  /** Folders that never look into each other; other files of the room are for all of them. */
  readonly apart?: boolean
  /** The one of these folders that all others may look into. */
  readonly common?: string
}

const components = ['schemas', 'runtime/define.ts']
/** The table of docs: who may look into whom. Node's own modules are open to all but `pipelines`. */
export const rooms: Readonly<Record<string, Room>> = {
  schemas: { ours: [], packages: ['zod'] },
  runtime: {
    ours: ['schemas'],
    packages: ['zod', 'rxjs', 'lz4-napi', '@nats-io/transport-node', '@nats-io/jetstream'],
  },
  sources: {
    ours: components,
    packages: ['zod', 'rxjs', 'ws', '@duckdb/node-api', 'ccxt'],
    apart: true,
    common: 'feed',
  },
  operators: { ours: components, packages: ['zod'] },
  sinks: { ours: components, packages: ['zod', 'rxjs', 'ethers', 'pg'], apart: true, common: 'execution' },
  pipelines: { ours: ['schemas', 'sources', 'operators', 'sinks', 'runtime/pipeline.ts'], packages: [] },
  client: { ours: ['schemas'], packages: ['zod', 'rxjs', '@nats-io/transport-node', '@nats-io/jetstream'] },
  cli: { ours: 'everything', packages: ['zod', 'rxjs', 'yaml', 'tsx'] },
  testing: { ours: ['schemas', 'runtime'], packages: ['zod', 'ws', 'rxjs', 'ethers'] },
  bench: {
    ours: 'everything',
    packages: ['zod', 'rxjs', 'ws', 'yaml', 'onnxruntime-web', '@nats-io/transport-node', '@nats-io/jetstream'],
  },
  test: { ours: 'everything', packages: ['zod', 'rxjs', 'yaml', 'fast-check', 'vitest', 'typescript', 'ethers', 'pg'] },
}
/** Catalogues list the components of every folder of their room. */
const lists = new Set(['sources/catalogue.ts', 'sinks/catalogue.ts'])
/** Suites that several test files share, and test files only. */
const suites = new Set(['runtime/log/contract.ts', 'sinks/execution/journal_contract.ts'])

const within = (file: string, doors: readonly string[]): boolean =>
  doors.some((door) => file === door || file.startsWith(`${door}/`))
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** Imports of a file, type imports too, that its room does not allow. `file` is a path from the repository's root. */
export function strays(file: string, text: string, table: Readonly<Record<string, Room>> = rooms): readonly string[] {
  const [name = '', folder = '', ...deeper] = file.split('/')
  const room = table[name]
  if (room === undefined) return [`${file}: room ${name} is not in the table`]
  const packages = suites.has(file) ? [...room.packages, 'vitest', 'fast-check'] : room.packages
  return ts.preProcessFile(text).importedFiles.flatMap(({ fileName: to }) => {
    const stray = [`${file} -> ${to}`]
    if (to.startsWith('node:')) return name === 'pipelines' ? stray : []
    if (!to.startsWith('.')) return !builtinModules.includes(to) && packages.includes(packageOf(to)) ? [] : stray
    const target = normalize(join(file, '..', to))
    if (target.endsWith('.test.ts') || suites.has(target)) return stray
    if (!within(target, [name])) return room.ours === 'everything' || within(target, room.ours) ? [] : stray
    const [, other = '', ...below] = target.split('/')
    const crosses = room.apart === true && below.length > 0 && other !== room.common && !lists.has(file)
    return crosses && !(deeper.length > 0 && other === folder) ? stray : []
  })
}

/** Files of a room that ship or help: tests look where they like. */
export const filesOf = (room: string): readonly string[] =>
  readdirSync(room, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts'))
    .map((f) => join(room, f))
    .sort()

export const straysOf = (room: string): readonly string[] =>
  filesOf(room).flatMap((file) => strays(file, readFileSync(file, 'utf8')))
