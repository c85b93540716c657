import { type Fixed, toText } from '../schemas/fixed.ts'

/**
 * JSON of a message for people, subscribers and hashes: money as decimal text, and the doubles JSON cannot write
 * (NaN, the infinities, minus zero) as text too, so that equal text means equal bits.
 */
export const toJson = (value: unknown): string => JSON.stringify(value, replace)

function replace(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return toText(value as Fixed)
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)))
    return Object.is(value, -0) ? '-0' : String(value)
  return value
}
