interface Schema {
  readonly [keyword: string]: unknown
}
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (v) => typeof v === 'string',
  boolean: (v) => typeof v === 'boolean',
  number: (v) => typeof v === 'number',
  integer: Number.isSafeInteger,
}

/**
 * What a value breaks of a JSON Schema, by path: the keywords that `pipelineSchema` uses, and no others. Editors have
 * validators of their own; this one is for tests.
 */
export function faults(schema: unknown, value: unknown, root: unknown = schema, path = ''): readonly string[] {
  if (schema === true) return []
  if (schema === false) return [`${path}: not allowed`]
  const s = schema as Schema
  const holds = (part: unknown) => faults(part, value, root, path).length === 0
  const all = (parts: unknown) => (parts as readonly unknown[]).flatMap((part) => faults(part, value, root, path))
  const own: Readonly<Record<string, (rule: never) => readonly string[] | boolean>> = {
    $ref: (ref: string) =>
      faults((root as { definitions: Schema }).definitions[ref.split('/').at(-1) as string], value, root, path),
    type: (type: string) => types[type]?.(value) === true,
    enum: (values: readonly unknown[]) => values.includes(value),
    const: (wanted: unknown) => value === wanted,
    pattern: (pattern: string) => typeof value !== 'string' || new RegExp(pattern, 'u').test(value),
    minimum: (least: number) => typeof value !== 'number' || value >= least,
    maximum: (most: number) => typeof value !== 'number' || value <= most,
    exclusiveMinimum: (bound: number) => typeof value !== 'number' || value > bound,
    exclusiveMaximum: (bound: number) => typeof value !== 'number' || value < bound,
    minItems: (least: number) => !Array.isArray(value) || value.length >= least,
    maxItems: (most: number) => !Array.isArray(value) || value.length <= most,
    items: (item: unknown) =>
      Array.isArray(value) ? value.flatMap((v, i) => faults(item, v, root, `${path}.${i}`)) : [],
    required: (names: readonly string[]) => !isObject(value) || names.every((name) => name in value),
    minProperties: (least: number) => !isObject(value) || Object.keys(value).length >= least,
    propertyNames: (names: unknown) =>
      isObject(value) ? Object.keys(value).flatMap((name) => faults(names, name, root, `${path}.${name}`)) : [],
    properties: (known: Schema) =>
      isObject(value)
        ? Object.entries(known).flatMap(([name, part]) =>
            name in value ? faults(part, value[name], root, `${path}.${name}`) : [],
          )
        : [],
    additionalProperties: (part: unknown) =>
      isObject(value)
        ? Object.keys(value).flatMap((name) =>
            name in ((s['properties'] as object | undefined) ?? {})
              ? []
              : faults(part, value[name], root, `${path}.${name}`),
          )
        : [],
    allOf: all,
    anyOf: (parts: readonly unknown[]) => parts.some(holds),
    oneOf: (parts: readonly unknown[]) => parts.filter(holds).length === 1,
    not: (part: unknown) => !holds(part),
    if: (condition: unknown) => {
      const branch = s[holds(condition) ? 'then' : 'else']
      return branch === undefined ? [] : faults(branch, value, root, path)
    },
  }
  return Object.entries(own).flatMap(([keyword, test]) => {
    if (!(keyword in s)) return []
    const answer = test(s[keyword] as never)
    return answer === true ? [] : answer === false ? [`${path}: ${keyword} ${JSON.stringify(s[keyword])}`] : answer
  })
}
