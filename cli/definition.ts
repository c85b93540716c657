import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, resolve } from 'node:path'
import { LineCounter, parse, parseDocument } from 'yaml'
import { TidegateError } from '../schemas/errors.ts'
import { defaultExport } from './default_export.ts'
import type { Args } from './verb.ts'

/**
 * A definition as data, with `--set node.param=value` applied. The values are read as YAML.
 * @throws DEFINITION_UNREADABLE, FILE_ABSENT, USAGE
 */
export async function loadDefinition(file: string, args?: Args): Promise<unknown> {
  if (!existsSync(file)) throw new TidegateError('FILE_ABSENT', `no definition at ${file}`, { file })
  const raw = await read(file)
  return (args?.values['set'] ?? []).reduce(override, raw)
}

async function read(file: string): Promise<unknown> {
  const unreadable = (reason: string, cause?: unknown) =>
    new TidegateError('DEFINITION_UNREADABLE', `${file}: ${reason}`, { file }, cause)
  if (['.yaml', '.yml', '.json'].includes(extname(file))) {
    try {
      return parsed(readFileSync(file, 'utf8'))
    } catch (error) {
      throw unreadable(error instanceof Error ? error.message : String(error), error)
    }
  }
  if (!/\.[cm]?[jt]s$/.test(file)) throw unreadable(`expected a .yaml, .json or .ts file, found "${extname(file)}"`)
  return defaultExport(file, 'a pipeline', unreadable)
}

/** Also aliases without an anchor, or that unfold without end, are faults of the document. */
function parsed(text: string): unknown {
  const document = parseDocument(text, { lineCounter: new LineCounter(), prettyErrors: true })
  const [first] = document.errors
  if (first !== undefined) throw first
  if (document.contents === null) throw new Error('expected a pipeline, found an empty document')
  return document.toJS()
}

function override(raw: unknown, assignment: string): unknown {
  const [, node = '', param = '', text] = /^([^.=]+)\.([^=]+)=(.*)$/s.exec(assignment) ?? []
  const wrong = (reason: string) => new TidegateError('USAGE', `--set ${assignment}: ${reason}`, { assignment })
  if (text === undefined) throw wrong('expected node.param=value')
  const nodes = (raw as { nodes?: Record<string, { params?: object } | null> | null } | null)?.nodes ?? {}
  if (!Object.hasOwn(nodes, node))
    throw wrong(`no node "${node}" in the definition; it has ${Object.keys(nodes).join(', ') || 'none'}`)
  try {
    return withParam(raw, node, param, readValue(text))
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error))
  }
}

/** The value an option names, read as YAML. */
export const readValue = (text: string): unknown => parse(text)

/** A definition with one param of a node it has set to a value. */
export function withParam(raw: unknown, node: string, param: string, value: unknown): unknown {
  const { nodes = {} } = raw as { nodes?: Record<string, { params?: object } | null> }
  const found = nodes[node]
  return { ...(raw as object), nodes: { ...nodes, [node]: { ...found, params: { ...found?.params, [param]: value } } } }
}

export const setOption = {
  type: 'string',
  multiple: true,
  value: 'NODE.PARAM=VALUE',
  help: 'override a param of the definition',
} as const
export const folderOf = (file: string): string => dirname(resolve(file))
