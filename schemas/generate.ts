/**
 * Functions written as text, so that V8 sees fixed field names and keeps doubles unboxed. Where code generation is
 * switched off (`--disallow-code-generation-from-strings`), callers fall back to a loop that does the same.
 */
export function generate<F>(
  parameters: readonly string[],
  body: string,
  scope: Readonly<Record<string, unknown>>,
): F | undefined {
  try {
    const make = new Function(...Object.keys(scope), `return function(${parameters.join(',')}){${body}}`)
    return make(...Object.values(scope)) as F
  } catch (error) {
    if (error instanceof EvalError) return undefined
    throw error
  }
}
