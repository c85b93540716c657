import type { Edge } from '../network.ts'

/** A parameter list of plain names and plain destructuring: `(state, { price, size: of }, { at })`. */
const PLAIN = /^(?:async\s+)?(?:function\b\s*)?[\w$]*\s*\(([\w$\s,:{}]*)\)/

/** Which parameter of a handler is the message, and which says what else it looks at. */
const MESSAGE = 1
export const ENV = 2

/**
 * The fields of one of its parameters, the message if none is named, that a handler can read, where the parameters tell:
 * it takes the message apart there, or never names it again. Undefined where they do not: it may read all. The text of a
 * function is what its author wrote, so this is no more than what anyone sees who reads it.
 */
export function fieldsRead(handler: (...all: never[]) => unknown, which = MESSAGE): readonly string[] | undefined {
  const text = Function.prototype.toString.call(handler)
  const list = PLAIN.exec(text)?.[1]
  if (list === undefined || /\b(?:arguments|eval|native code)\b|\\u/.test(text)) return undefined
  const message = split(list)[which]
  if (message === undefined) return []
  if (/^[\w$]+$/.test(message))
    return text.split(/[^\w$]+/).filter((word) => word === message).length === 1 ? [] : undefined
  const fields = /^\{([\w$\s,:]*)\}$/.exec(message)?.[1]?.split(',')
  return fields?.flatMap((field) => field.split(':')[0]?.trim() || [])
}

/** Parameters, at the commas that stand in no braces. */
function split(list: string): readonly string[] {
  const all: string[] = []
  let depth = 0
  let from = 0
  for (let i = 0; i <= list.length; i++) {
    if (list[i] === '{') depth++
    else if (list[i] === '}') depth--
    else if (depth === 0 && (i === list.length || list[i] === ',')) {
      all.push(list.slice(from, i).trim())
      from = i + 1
    }
  }
  return all.filter((parameter) => parameter !== '')
}

/** The fields that some reader of an edge can read; undefined where it may be all. */
export function fieldsHeard({ recorded, kept, readers }: Edge): ReadonlySet<string> | undefined {
  const read = readers.map(({ node, handler }) =>
    node.planned.operator.kernel === undefined ? fieldsRead(handler) : undefined,
  )
  if (recorded || kept !== undefined || read.includes(undefined)) return undefined
  return new Set(read.flatMap((fields) => fields ?? []))
}
