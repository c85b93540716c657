import { nearest } from '../../runtime/define.ts'
import { TidegateError } from '../../schemas/errors.ts'
import type { Rest } from './rest.ts'
import type { Channel } from './venue.ts'

/**
 * Venues answer a misspelt symbol with an error, with silence, or with rubbish: their list of symbols is plain. The error
 * that names near matches, or undefined where all are listed.
 */
export async function unknownSymbols<T>(
  { name, venue, listing }: Channel<T>,
  symbols: readonly string[],
  rest: Rest,
): Promise<TidegateError | undefined> {
  if (listing === undefined) return undefined
  const listed = await listing(rest)
  const known = new Set(listed)
  const unknown = symbols.filter((symbol) => !known.has(symbol))
  if (unknown.length === 0) return undefined
  const words = unknown.map((symbol) => {
    const near = nearest(symbol, listed)
    return near === undefined ? `"${symbol}"` : `"${symbol}" (did you mean "${near}"?)`
  })
  return new TidegateError('SOURCE_FAILED', `${name}: ${venue} does not list ${words.join(', ')}`, { unknown })
}
