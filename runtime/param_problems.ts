import { z } from 'zod'
import { toJson } from './json.ts'
import { nearest } from './nearest.ts'
import type { Component } from './wiring.ts'

/** The params a component has; none where its schema is no object. */
export const paramNames = ({ params }: Component): readonly string[] =>
  Object.keys((params as unknown as { _zod: { def: { shape?: object } } })._zod.def.shape ?? {})

/** Problems of params against a component's schema, with a suggestion for misspelt keys. */
export function paramProblems(
  component: Component,
  given: unknown,
): readonly { path: readonly PropertyKey[]; message: string }[] {
  const names = paramNames(component)
  return (z.safeParse(component.params, given).error?.issues ?? []).flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, message: sentenceOf(issue, given) }]
    return issue.keys.map((key) => {
      const near = nearest(key, names)
      return {
        path: [...issue.path, key],
        message: `unrecognised param${near ? `; did you mean "${near}"?` : `; ${component.name} has ${names.join(', ') || 'none'}`}`,
      }
    })
  })
}
/** An alternative that fits nothing says only "Invalid input": what each of its forms expects says more. */
function sentenceOf(issue: z.core.$ZodIssue, given: unknown): string {
  const found = issue.path.reduce(
    (value: unknown, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    given,
  )
  if (found === undefined) return 'is missing'
  const said = issue.code === 'invalid_union' ? issue.errors.flat().map((e) => e.message) : [issue.message]
  if (typeof found === 'object') return [...new Set(said)].join(', or ') || issue.message
  const expected = new Set(said.map((text) => text.replace(/^Invalid input: (expected .+), received .+$/, '$1')))
  return `${[...expected].join(', or ') || issue.message}, found ${toJson(found)}`
}
