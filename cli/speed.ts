import { TidegateError } from '../schemas/errors.ts'
import type { Args } from './verb.ts'

export const speedOption = {
  type: 'string',
  value: 'N|max',
  help: 'event seconds per second for recorded data; 1 unless named',
} as const

/** Event seconds per second; Infinity for `max`. @throws USAGE */
export function speedOf(args: Args, otherwise = '1'): number {
  const text = args.value('speed') ?? otherwise
  const speed = text === 'max' ? Number.POSITIVE_INFINITY : Number(text)
  if (!(speed > 0)) throw new TidegateError('USAGE', `--speed: expected a number above 0 or max, found "${text}"`)
  return speed
}
