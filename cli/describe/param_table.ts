import { z } from 'zod'
import { formatDuration } from '../../schemas/units.ts'

/** A param as people read it. */
export interface ParamRow {
  readonly name: string
  /** `duration`, `integer >= 2`, `left | right`. */
  readonly type: string
  readonly required: boolean
  /** As it would be written in YAML; absent when there is none. */
  readonly default?: string
  readonly meaning: string
}
/** The part of a JSON Schema that params use. */
export interface JsonSchema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly description?: string
  readonly default?: unknown
  readonly additionalProperties?: unknown
}

/** The JSON Schema of what an author may write, with the defaults that zod leaves out where a value is parsed. */
export function inputSchema(params: z.core.$ZodType): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(params, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
  }) as JsonSchema & { $schema?: string }
  if (schema.properties === undefined) return schema
  const filled = Object.entries(schema.properties).map(([name, property]) => {
    const usual = defaultOf(params, name)
    const written = isDuration(property) && typeof usual === 'number' ? formatDuration(usual) : usual
    return [name, { ...property, ...(usual !== undefined && { default: written }) }] as const
  })
  return { ...schema, properties: Object.fromEntries(filled) }
}

export function paramRows(params: z.core.$ZodType): readonly ParamRow[] {
  return rowsOf(inputSchema(params), '')
}
/** A field that holds fields of its own is followed by them: `markets[].base.address`. */
function rowsOf({ properties = {}, required = [] }: JsonSchema, before: string): readonly ParamRow[] {
  return Object.entries(properties).flatMap(([own, property]): readonly ParamRow[] => {
    const name = `${before}${own}`
    const inner = innerOf(property)
    const row: ParamRow = {
      name,
      type: inner === undefined ? typeWords(property) : inner.words,
      required: required.includes(own),
      ...(property.default !== undefined && { default: plain(property.default) }),
      meaning: property.description ?? '',
    }
    return [row, ...(inner?.rows(name) ?? [])]
  })
}
interface Inner {
  readonly words: string
  readonly rows: (name: string) => readonly ParamRow[]
}
/** Fields of fields that say what they mean; undefined where a few words say it all. */
function innerOf(schema: JsonSchema): Inner | undefined {
  const { items, oneOf } = schema
  const told = ({ properties = {} }: JsonSchema) => Object.values(properties).some((p) => p.description !== undefined)
  if (schema.type === 'object' && told(schema)) return { words: 'fields', rows: (name) => rowsOf(schema, `${name}.`) }
  if (schema.type === 'array' && items !== undefined && told(items))
    return { words: 'list of fields', rows: (name) => rowsOf(items, `${name}[].`) }
  if (oneOf === undefined || !oneOf.every(told)) return undefined
  return {
    words: 'fields, of one form',
    rows: (name) => oneOf.flatMap((form) => rowsOf(form, `${name}${formOf(form)}.`)),
  }
}
/** The value that tells a form from the others. */
const formOf = ({ properties = {} }: JsonSchema): string => {
  const [told] = Object.values(properties).flatMap((p) => (typeof p.const === 'string' ? [p.const] : []))
  return told === undefined ? '' : `(${told})`
}
const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

interface Def {
  readonly type: string
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>
  readonly innerType?: z.core.$ZodType
  readonly in?: z.core.$ZodType
  readonly defaultValue?: unknown
}
const defOf = (schema: z.core.$ZodType): Def => schema._zod.def as unknown as Def

function defaultOf(params: z.core.$ZodType, name: string): unknown {
  let schema = defOf(params).shape?.[name]
  while (schema !== undefined) {
    const def = defOf(schema)
    if (def.type === 'default' || def.type === 'prefault') return def.defaultValue
    schema = def.innerType ?? def.in
  }
  return undefined
}

const isDuration = ({ anyOf = [] }: JsonSchema): boolean =>
  anyOf.some(({ pattern }) => pattern?.includes('(us|ms|s|m|h|d)') === true)

/** What may stand for a param, in words. */
export function typeWords(schema: JsonSchema): string {
  if (isDuration(schema)) return 'duration'
  if (schema.const !== undefined) return plain(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(plain).join(' | ')
  if (schema.anyOf !== undefined) {
    const forms = schema.anyOf.map(typeWords)
    // a boolean that also comes as text, from a command line
    return forms.filter((form) => form !== 'true | false' || !forms.includes('boolean')).join(' | ')
  }
  if (schema.type === 'array') return `list of ${typeWords(schema.items ?? {})}`
  if (schema.type === 'integer' || schema.type === 'number') return [schema.type, ...bounds(schema)].join(' ')
  if (schema.type === 'string') return 'text'
  if (schema.type === 'object' && schema.properties !== undefined)
    return `{ ${Object.entries(schema.properties)
      .map(([name, s]) => `${name}: ${typeWords(s)}`)
      .join(', ')} }`
  return schema.type ?? 'any'
}
function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): readonly string[] {
  const real = (n: number | undefined): n is number => n !== undefined && Math.abs(n) < Number.MAX_SAFE_INTEGER
  const low = real(minimum) ? `>= ${minimum}` : real(exclusiveMinimum) ? `> ${exclusiveMinimum}` : undefined
  const high = real(maximum) ? `<= ${maximum}` : real(exclusiveMaximum) ? `< ${exclusiveMaximum}` : undefined
  return low !== undefined && high !== undefined
    ? [`${low},`, high]
    : [low ?? high ?? ''].filter((words) => words !== '')
}
