import type { Level } from '../feed/venue.ts'
import { isDecimal } from './wire.ts'

/** Levels are `[price, size, "0", orders]`; undefined where one is not. */
export function levelsOf(given: unknown): readonly Level[] | undefined {
  if (!Array.isArray(given)) return undefined
  const levels: Level[] = []
  for (const level of given) {
    const [price, size] = Array.isArray(level) ? level : []
    if (!isDecimal(price) || !isDecimal(size) || !(Number(price) > 0)) return undefined
    levels.push([Number(price), Number(size), price, size])
  }
  return levels
}
