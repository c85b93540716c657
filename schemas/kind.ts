import type { z } from 'zod'

/**
 * A named kind of message. Two kinds with the same shape are still different kinds.
 * Key and event time travel in the envelope, which the engine owns: a kind says only what is new.
 */
export interface Kind<Name extends string = string, T = unknown> {
  readonly kind: Name
  readonly schema: z.core.$ZodType<T>
  readonly summary: string
  /** Messages of this kind are decisions: every one is part of the committed outputs, whoever reads it. */
  readonly recorded: boolean
}

/** The value a kind carries. */
export type Of<K> = K extends Kind<string, infer T> ? Readonly<T> : never

/** Names of kinds and ports stand in subjects, in file names and in generated code. */
export const SNAKE_CASE = /^[a-z][a-z0-9_]*$/

/** @throws TypeError when the name is no snake_case */
export function kind<const Name extends string, T>(
  name: Name,
  schema: z.core.$ZodType<T>,
  about: { readonly summary: string; readonly recorded?: boolean },
): Kind<Name, T> {
  if (!SNAKE_CASE.test(name))
    throw new TypeError(`kind ${JSON.stringify(name)}: expected snake_case, such as order_book`)
  return { kind: name, schema, summary: about.summary, recorded: about.recorded ?? false }
}
